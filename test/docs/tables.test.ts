import {readdirSync, readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {expect, test} from 'vitest';
import type {Backend} from '../../src/api/backend.ts';
import {createRoutes} from '../../src/api/routes.ts';
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

test('the API page has every route of the daemon, and no others', () => {
  const us = {version: '0', projectId: '0', folder: '/'};
  const app = createRoutes({backend: {} as Backend, us, onBug: () => undefined});
  const served = new Set(
    app.routes.filter(({method}) => method !== 'ALL').map(({method, path}) => `${method} ${path}`),
  );
  const documented = rows(read('docs/api.md')).flatMap(([method, path]) =>
    path?.startsWith('`/') ? [`${plain(method)} ${plain(path)}`] : [],
  );
  expect(documented.toSorted()).toEqual([...served].toSorted());
});

test('the JSON page has every kind of event, and no others', () => {
  const union = /export type EventBody =(.*?);\n\n/s.exec(read('src/model/event.ts'))![1]!;
  const kinds = [...union.matchAll(/type: '([a-z-]+)'/g)].map(match => match[1]!);
  const section = /^## Events$(.*?)^## /ms.exec(read('docs/json.md'))![1]!;
  const documented = rows(section).flatMap(([cell]) => /^`([a-z-]+)`$/.exec(cell!)?.[1] ?? []);
  expect(documented.toSorted()).toEqual(kinds.toSorted());
});

test('the architecture page has the import table that is checked', () => {
  const {forbidden} = createRequire(import.meta.url)('../../.dependency-cruiser.cjs') as {
    forbidden: readonly {name: string; to: {pathNot?: string}}[];
  };
  const table = Object.fromEntries(
    forbidden.flatMap(({name, to}) => {
      const [folder, ...allowed] = /^\^src\/\((.*)\)\/$/.exec(to.pathNot ?? '')?.[1]?.split('|') ?? [];
      return folder !== undefined && name === `imports-of-${folder}` ? [[folder, allowed] as const] : [];
    }),
  );
  const documented = rows(read('docs/architecture.md')).flatMap(([folder, , imports]) =>
    /^`[a-z/]+`$/.test(folder!) ? [[plain(folder), imports === '–' ? [] : imports!.split(', ')] as const] : [],
  );
  expect(Object.fromEntries(documented)).toEqual(table);
  expect(
    readdirSync(new URL('../../src/', import.meta.url))
      .filter(name => !name.includes('.'))
      .toSorted(),
  ).toEqual([...new Set(Object.keys(table).map(folder => folder.split('/', 1)[0]))].toSorted());
});

test('the plan page has every variable that a task is given', () => {
  const named = new Set(
    ['host/attempt-environment.ts', 'daemon/orders.ts', 'cli/spawn-request.ts'].flatMap(file =>
      [...read(`src/${file}`).matchAll(/\b(GODEL_[A-Z_]+|TRACEPARENT):/g)].map(match => match[1]!),
    ),
  );
  const documented = rows(read('docs/plan-file.md')).map(([cell]) => plain(cell));
  expect(named.size).toBe(10);
  expect([...named].filter(name => !documented.includes(name))).toEqual([]);
});

function plain(cell: string | undefined): string {
  return (cell ?? '').replaceAll('`', '');
}
