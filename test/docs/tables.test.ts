import {readFileSync} from 'node:fs';
import {expect, test} from 'vitest';
import {EXIT_CODES} from '../../src/model/exit-code.ts';
import {pages} from './pages.ts';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

/** The rows of all tables of a page, as cells. */
const rows = (page: string) =>
  page
    .split('\n')
    .filter(line => line.startsWith('|'))
    .map(line =>
      line
        .split('|')
        .slice(1, -1)
        .map(cell => cell.trim()),
    );

test('the exit codes of the README are those of the program', () => {
  const written = rows(read('README.md')).filter(([code]) => /^\d+$/.test(code!));
  expect(written).toEqual(Object.values(EXIT_CODES).map(({code, meaning}) => [String(code), meaning]));
});

test('the troubleshooting page has one entry for each reason of failure, and no others', () => {
  const union = /export type Failure =(.*?);\n\nexport type FailureReason/s.exec(read('src/model/failure.ts'))![1]!;
  const reasons = [...union.matchAll(/reason: '([a-z-]+)'/g)].map(match => match[1]!);
  const entries = rows(read('docs/troubleshooting.md')).flatMap(([cell]) => /^`([a-z-]+)`$/.exec(cell!)?.[1] ?? []);
  expect(entries.toSorted()).toEqual(reasons.toSorted());
});

test('every npm script that the pages name exists', () => {
  const {scripts} = JSON.parse(read('package.json')) as {scripts: Readonly<Record<string, string>>};
  const named = pages().flatMap(({path, text}) =>
    [...text.matchAll(/npm run ([\w:-]+)/g)].map(match => ({path, script: match[1]!})),
  );
  expect(named.length).toBeGreaterThan(3);
  expect(named.filter(({script}) => !(script in scripts))).toEqual([]);
});
