import fc from 'fast-check';
import {expect, test} from 'vitest';
import type {Backend} from '../../src/api/backend.ts';
import type {MemoryBackend} from '../../src/api/memory-backend.ts';
import {MemoryClient} from '../../src/api/memory-client.ts';
import {createRoutes} from '../../src/api/routes.ts';
import {fail, ok} from '../../src/base/result.ts';

const us = {version: '1.2.3', projectId: 'abc', folder: '/p'};

/** Notes what the memory is asked. */
function setUp() {
  const asked: unknown[] = [];
  const bugs: unknown[] = [];
  const noted =
    (name: string) =>
    (...given: unknown[]) => {
      asked.push([name, ...given]);
      return Promise.resolve(ok({v: 1}));
    };
  const names = ['search', 'get', 'add', 'vote', 'forget', 'quarantine', 'export', 'import', 'stats'];
  const memory = {
    ...Object.fromEntries(names.map(name => [name, noted(name)])),
    list: (query: unknown) => {
      asked.push(['list', query]);
      return Promise.resolve(ok([]));
    },
  } as unknown as MemoryBackend;
  // No other route is asked for.
  const app = createRoutes({backend: {memory} as Backend, us, onBug: error => bugs.push(error)});
  const send = (path: string, body?: unknown) =>
    app.request(`/v1/memory/${path}`, body === undefined ? {} : {method: 'POST', body: JSON.stringify(body)});
  return {app, asked, bugs, send};
}

test('what the client asks arrives as it was asked', async () => {
  const {app, asked} = setUp();
  const client = new MemoryClient(async ({method, path, body}) => {
    const answer = await app.request(`/v1${path}`, {method, ...(body && {body: JSON.stringify(body)})});
    return ok((await answer.json()) as never);
  });
  const search = {query: 'a b', k: 3, tags: ['x'], onlySuccess: true, explain: true, from: 'hub'} as const;
  await client.search(search);
  await client.list({prefix: '01/9', limit: 2});
  await client.get('01 9/ü');
  await client.add({task: 't', reward: 0.5, tags: []});
  await client.vote({id: 'x', value: 'down'});
  await client.forget({ids: ['x'], dry: true});
  await client.quarantine({agent: 'a', undo: true});
  await client.export({after: 'hub:12', limit: 5});
  await client.import({lines: ['{}'], dry: true});
  await client.stats();
  expect(asked).toEqual([
    ['search', search],
    ['list', {prefix: '01/9', limit: 2}],
    ['get', '01 9/ü'],
    ['add', {task: 't', reward: 0.5, tags: []}],
    ['vote', {id: 'x', value: 'down'}],
    ['forget', {ids: ['x'], dry: true}],
    ['quarantine', {agent: 'a', undo: true}],
    ['export', {after: 'hub:12', limit: 5}],
    ['import', {lines: ['{}'], dry: true}],
    ['stats'],
  ]);
});

test.each([
  ['search', {}],
  ['search', {query: ' \n'}],
  ['search', {query: 'x'.repeat(16_385)}],
  ['search', {query: 'x', k: 0}],
  ['search', {query: 'x', k: 1e9}],
  ['search', {query: 'x', k: 1.5}],
  ['search', {query: 'x', from: 'elsewhere'}],
  ['search', {query: 'x', tags: ['']}],
  ['episodes', {task: '', reward: 1}],
  ['episodes', {task: 't', reward: 2}],
  ['episodes', {task: 't'}],
  ['episodes', {task: 't', reward: 1, failed: true}],
  ['vote', {id: 'x', value: 1}],
  ['vote', {id: '', value: 'up'}],
  ['forget', {}],
  ['forget', {ids: []}],
  ['forget', {ids: ['x'], tag: 'y'}],
  ['forget', {beforeMs: -1}],
  ['quarantine', {agent: ''}],
  ['import', {lines: [1]}],
  ['import', {lines: Array.from({length: 1001}, () => '{}')}],
  ['export?after=nonsense', undefined],
  ['export?limit=0', undefined],
  ['episodes?limit=1e3', undefined],
])('%s with %j is refused and never asked', async (path, body) => {
  const {send, asked, bugs} = setUp();
  const answer = await send(path, body);
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({error: {reason: 'usage', message: expect.stringContaining('not valid')}});
  expect([asked, bugs]).toEqual([[], []]);
});

test('whatever is sent is passed on or refused, and never a bug', async () => {
  const {send, bugs} = setUp();
  const paths = fc.constantFrom('search', 'episodes', 'vote', 'forget', 'quarantine', 'import');
  await fc.assert(
    fc.asyncProperty(paths, fc.jsonValue(), async (path, body) => {
      expect([200, 400]).toContain((await send(path, body)).status);
    }),
    {numRuns: 300},
  );
  expect(bugs).toEqual([]);
});

test('failures of the memory have their own status', async () => {
  for (const [reason, status] of [
    [{reason: 'memory-not-found', what: 'memory', similar: []}, 404],
    [{reason: 'memory-ambiguous', id: 'x', matches: []}, 409],
    [{reason: 'memory-refused', detail: 'no'}, 409],
    [{reason: 'memory-unusable', detail: 'no'}, 503],
  ] as const) {
    const memory = {get: () => Promise.resolve(fail(reason))} as unknown as MemoryBackend;
    const app = createRoutes({backend: {memory} as Backend, us, onBug: () => undefined});
    expect((await app.request('/v1/memory/episodes/x')).status).toBe(status);
  }
});
