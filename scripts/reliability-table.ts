import {readFileSync, writeFileSync} from 'node:fs';
import {cpus} from 'node:os';
import {join} from 'node:path';
import {formatPage} from './format-page.ts';
import type {LoadRow} from './load/load.ts';

const PAGE = join(import.meta.dirname, '..', 'docs', 'reliability.md');

/** Replaces the table between `<!-- NAME:begin -->` and `<!-- NAME:end -->` of docs/reliability.md by one row. */
export function recordTable(name: string, row: Readonly<Record<string, string | number>>): void {
  const cells: Record<string, string | number> = {...row, date: today()};
  const values = Object.values(cells).map(value => (typeof value === 'number' ? value.toLocaleString('en') : value));
  replacePart(name, [line(Object.keys(cells)), line(values.map(() => '---')), line(values)].join('\n'));
}

/** Replaces the part of that name by these rows, and says where and when they were measured. */
export function recordRows(name: string, rows: readonly LoadRow[]): void {
  const head = ['what', 'measured', 'target', 'met'];
  const table = [
    line(head),
    line(head.map(() => '---')),
    ...rows.map(({what, measured, target, met}) =>
      line([what, measured, target, met === null ? '–' : met ? 'yes' : '**no**']),
    ),
  ];
  const load = readFileSync('/proc/loadavg', 'utf8').split(' ').slice(0, 3).join(' ');
  const where = `${cpus().length} cores, Node ${process.version}; load average after the run ${load}; ${today()}.`;
  replacePart(name, `${table.join('\n')}\n\nMeasured on: ${where}`);
}

function replacePart(name: string, text: string): void {
  const page = readFileSync(PAGE, 'utf8');
  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`];
  const [head, rest] = page.split(begin);
  const tail = rest?.split(end)[1];
  if (head === undefined || tail === undefined) throw new Error(`docs/reliability.md has no table ${name}`);
  writeFileSync(PAGE, `${head}${begin}\n\n${text}\n\n${end}${tail}`);
  formatPage(PAGE);
}

function line(texts: readonly string[]): string {
  return `| ${texts.join(' | ')} |`;
}

function today(): string {
  return new Date().toISOString().slice(0, 10);
}
