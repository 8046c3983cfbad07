import {expect, test} from 'vitest';
import type {Backend} from '../../src/api/backend.ts';
import {createRoutes} from '../../src/api/routes.ts';
import type {SpawnRequest, TaskListQuery} from '../../src/api/contract.ts';
import {fail, ok} from '../../src/base/result.ts';

const us = {version: '1.2.3', projectId: 'abc', folder: '/p'};
const spawn = {count: 2, cwd: '/p', umask: 0o022, env: {}};
const unknown = fail({reason: 'team-not-found', name: 'x', known: []} as const);

function routes(backend: Partial<Backend>) {
  const bugs: unknown[] = [];
  // Only the routes under test ask it anything; another one would be seen as a bug.
  const app = createRoutes({backend: backend as Backend, us, onBug: error => bugs.push(error)});
  return {app, bugs};
}

test('every answer says who answers, also a refusal', async () => {
  const {app} = routes({teams: () => []});
  for (const path of ['/v1/teams', '/v1/nothing']) {
    const answer = await app.request(path);
    expect(answer.headers.get('godel-version')).toBe('1.2.3');
    expect(answer.headers.get('godel-api')).toBe('1');
    expect(answer.headers.get('godel-project')).toBe('abc');
  }
  expect((await app.request('/v1/nothing')).status).toBe(404);
});

test('a client of another project is refused', async () => {
  const {app} = routes({teams: () => []});
  const answer = await app.request('/v1/teams', {headers: {'godel-project': 'other'}});
  expect(answer.status).toBe(503);
  expect(await answer.json()).toMatchObject({v: 1, error: {reason: 'daemon-unreachable'}, text: expect.anything()});
});

test.each([
  ['2', 'daemon'],
  ['0', 'client'],
])('a client that speaks API %s is told that the %s is older', async (api, older) => {
  const {app} = routes({teams: () => []});
  const answer = await app.request('/v1/teams', {headers: {'godel-api': api, 'godel-version': '9.9.9'}});
  expect(answer.status).toBe(426);
  expect(await answer.json()).toMatchObject({
    error: {reason: 'daemon-incompatible', daemonVersion: '1.2.3', ourVersion: '9.9.9', older},
  });
});

test('a client of the same API and another version is served', async () => {
  const {app} = routes({teams: () => []});
  const headers = {'godel-api': '1', 'godel-version': '9.9.9', 'godel-project': 'abc'};
  expect((await app.request('/v1/teams', {headers})).status).toBe(200);
});

test('a spawn request is passed on as it was checked, with the trace id of the caller', async () => {
  const seen: [SpawnRequest, string][] = [];
  const {app} = routes({
    spawn: (request, trace) => {
      seen.push([request, trace]);
      return Promise.resolve(unknown);
    },
  });
  const traceparent = `00-${'a1'.repeat(16)}-${'b2'.repeat(8)}-01`;
  const body = JSON.stringify({...spawn, failFast: true, extra: 1});
  const answer = await app.request('/v1/teams', {method: 'POST', body, headers: {traceparent}});
  expect(seen).toEqual([[{...spawn, failFast: true}, 'a1'.repeat(16)]]);
  expect(answer.status).toBe(404);
  await app.request('/v1/teams', {method: 'POST', body, headers: {traceparent: 'nonsense'}});
  expect(seen[1]?.[1]).toMatch(/^[0-9a-f]{32}$/);
});

test.each([
  ['no JSON', 'abc'],
  ['an array', '[]'],
  ['no count', JSON.stringify({...spawn, count: undefined})],
  ['a relative folder', JSON.stringify({...spawn, cwd: 'p'})],
  ['an umask beyond 0777', JSON.stringify({...spawn, umask: 0o1000})],
  ['a number in env', JSON.stringify({...spawn, env: {A: 1}})],
  ['a name that is a path', JSON.stringify({...spawn, name: '../x'})],
  ['a name with a control character', JSON.stringify({...spawn, name: 'a\u0007'})],
])('a spawn request with %s is refused as wrong usage', async (_, body) => {
  const {app, bugs} = routes({});
  const answer = await app.request('/v1/teams', {method: 'POST', body});
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({error: {reason: 'usage', message: expect.stringContaining('not valid')}});
  expect(bugs).toEqual([]);
});

test('a query is checked and turned into what the backend takes', async () => {
  const seen: [string, TaskListQuery][] = [];
  const {app} = routes({
    tasks: (name, query) => {
      seen.push([name, query]);
      return ok([]);
    },
  });
  expect((await app.request('/v1/teams/a%20b/tasks?state=failed,running&limit=5&after=3')).status).toBe(200);
  expect(seen).toEqual([['a b', {states: ['failed', 'running'], limit: 5, after: 3}]]);
  for (const bad of ['state=nonsense', 'limit=-1', 'limit=1e9', 'limit=20000', 'after=x']) {
    expect((await app.request(`/v1/teams/a/tasks?${bad}`)).status).toBe(400);
  }
});

test('a log is carried as base64, whatever its bytes', async () => {
  const data = Buffer.from([0, 255, 10, 128]);
  const {app} = routes({log: () => Promise.resolve(ok({v: 1, data, offset: 0, size: 4, over: true}))});
  const answer = await app.request('/v1/teams/a/log?task=t&attempt=1&offset=0&length=100');
  expect(await answer.json()).toEqual({v: 1, data: data.toString('base64'), offset: 0, size: 4, over: true});
});

test('a bug is answered with 500 and told to the log', async () => {
  const {app, bugs} = routes({
    teams: () => {
      throw new Error('boom');
    },
  });
  const answer = await app.request('/v1/teams');
  expect(answer.status).toBe(500);
  expect(await answer.json()).toMatchObject({error: {reason: 'unexpected', message: 'boom'}});
  expect(bugs).toHaveLength(1);
});

test('a body beyond the limit is refused', async () => {
  const {app} = routes({});
  const body = 'x'.repeat(64 * 1024 * 1024 + 1);
  const answer = await app.request('/v1/teams', {
    method: 'POST',
    body,
    headers: {'content-length': String(body.length)},
  });
  expect(answer.status).toBe(413);
});
