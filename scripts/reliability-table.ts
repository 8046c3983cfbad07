import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {formatPage} from './format-page.ts';

const PAGE = join(import.meta.dirname, '..', 'docs', 'reliability.md');

/** Replaces the table between `<!-- NAME:begin -->` and `<!-- NAME:end -->` of docs/reliability.md by one row. */
export function recordTable(name: string, row: Readonly<Record<string, string | number>>): void {
  const page = readFileSync(PAGE, 'utf8');
  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`];
  const [head, rest] = page.split(begin);
  const tail = rest?.split(end)[1];
  if (head === undefined || tail === undefined) throw new Error(`docs/reliability.md has no table ${name}`);
  const cells: Record<string, string | number> = {...row, date: new Date().toISOString().slice(0, 10)};
  const line = (texts: readonly string[]) => `| ${texts.join(' | ')} |`;
  const values = Object.values(cells).map(value => (typeof value === 'number' ? value.toLocaleString('en') : value));
  const table = [line(Object.keys(cells)), line(values.map(() => '---')), line(values)].join('\n');
  writeFileSync(PAGE, `${head}${begin}\n\n${table}\n\n${end}${tail}`);
  formatPage(PAGE);
}
