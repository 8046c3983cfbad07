import {readFileSync, writeFileSync} from 'node:fs';
import {cpus, release, totalmem, type} from 'node:os';
import {join} from 'node:path';
import {formatPage} from '../format-page.ts';
import {chartOf} from './chart.ts';
import {type Line, LINES, type Measured} from './experiment.ts';
import {figuresOf, percent, type Point, pointsOf, type Spread, type Verdict} from './figures.ts';

const [BEGIN, END] = ['<!-- learning:begin -->', '<!-- learning:end -->'];
const DOCS = join(import.meta.dirname, '..', '..', 'docs');
const NAMES: Readonly<Record<Line, string>> = {
  alone: 'without the hub',
  shared: 'with the hub',
  unseen: 'with the hub, unseen tasks',
};
/** Order of the rows. */
const ORDER: readonly Line[] = ['alone', 'shared', 'unseen'];

/** The tables as Markdown. */
export function tablesOf(measured: readonly Measured[], verdicts: readonly Verdict[]): string {
  const points = pointsOf(measured, ({isNoise}) => !isNoise);
  const noise = pointsOf(measured, ({isNoise}) => isNoise);
  const order = (a: Point, b: Point) => ORDER.indexOf(a.line) - ORDER.indexOf(b.line) || a.generation - b.generation;
  return [
    table(
      [
        '',
        'generation',
        'right at the first attempt',
        'done at all',
        'attempts per success',
        'CPU per success',
        'cost per success',
      ],
      points
        .toSorted(order)
        .map(point => [
          NAMES[point.line],
          String(point.generation),
          spread(point.first, percent),
          spread(point.done, percent),
          spread(point.attempts, value => value.toFixed(2)),
          spread(point.cpuMs, value => `${value.toFixed(1)} ms`),
          spread(point.costMs, value => `${(value / 1000).toFixed(3)} s`),
        ]),
    ),
    table(
      ['what', 'measured', 'target', 'met'],
      verdicts.map(({what, measured, target, met}) => [what, measured, target, met ? 'yes' : '**no**']),
    ),
    'The family that is pure chance, which is in none of the figures above:',
    table(
      ['', 'generation', 'attempts per success'],
      noise
        .toSorted(order)
        .map(point => [NAMES[point.line], String(point.generation), spread(point.attempts, value => value.toFixed(2))]),
    ),
    'Attempts per success of each family, all seeds together:',
    familyTable(measured),
  ].join('\n\n');
}

/** Replaces the part of docs/learning.md between its markers, and draws the chart anew. */
export function writePage(measured: readonly Measured[], {tables, command}: {tables: string; command: string}): void {
  const file = join(DOCS, 'learning.md');
  const [head, rest] = readFileSync(file, 'utf8').split(BEGIN);
  const tail = rest?.split(END)[1];
  if (head === undefined || tail === undefined) throw new Error(`docs/learning.md has no ${BEGIN} … ${END}`);
  const chart = '![Attempts per success by generation](learning.svg)';
  const part = [BEGIN, chart, tables, `\`${command}\`; ${machine()}`, END].join('\n\n');
  writeFileSync(file, `${head}${part}${tail}`);
  formatPage(file);
  writeFileSync(join(DOCS, 'learning.svg'), chartOf(pointsOf(measured, ({isNoise}) => !isNoise)));
}

function familyTable(measured: readonly Measured[]): string {
  const last = Math.max(...measured.map(({generation}) => generation));
  const families = [...new Set(measured.flatMap(({runs}) => runs.map(({family}) => family)))];
  const lines = LINES.filter(line => measured.some(each => each.line === line));
  const columns = lines.flatMap(line => [1, last].map(generation => ({line, generation})));
  return table(
    ['family', ...columns.map(({line, generation}) => `${NAMES[line]}, generation ${generation}`)],
    families.map(family => [
      family,
      ...columns.map(column => {
        const all = measured.filter(({line, generation}) => line === column.line && generation === column.generation);
        const {attempts} = figuresOf(all.flatMap(({runs}) => runs.filter(run => run.family === family)));
        return Number.isFinite(attempts) ? attempts.toFixed(2) : 'none succeeded';
      }),
    ]),
  );
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n');
}

/** Median, and the lowest and highest seed. */
function spread({median, low, high}: Spread, format: (value: number) => string): string {
  return `${format(median)} (${format(low)} – ${format(high)})`;
}

function machine(): string {
  const [cpu] = cpus();
  const load = readFileSync('/proc/loadavg', 'utf8').split(' ').slice(0, 3).join(' ');
  const memory = Math.round(totalmem() / 2 ** 30);
  const date = new Date().toISOString().slice(0, 10);
  const what = `${cpus().length} cores (${cpu?.model.trim() ?? 'unknown'}), ${memory} GiB, ${type()} ${release()}`;
  return `${what}, Node ${process.version}; load average after the run ${load}; ${date}.`;
}
