import fc from 'fast-check';
import {expect, test} from 'vitest';
import type {Backend} from '../../src/api/backend.ts';
import {createRoutes} from '../../src/api/routes.ts';
import {fail, ok} from '../../src/base/result.ts';
import {fabricatedView} from '../tui/fabricated-view.ts';

const us = {version: '1.2.3', projectId: 'abc', folder: '/p'};

/** Every change that reaches the backend, as `[method, team, body]`. */
function routes() {
  const seen: unknown[][] = [];
  const bugs: unknown[] = [];
  const note = (method: string) => (team: string, body: unknown) => {
    seen.push([method, team, body]);
    return Promise.resolve(ok(fabricatedView()));
  };
  const changes = ['scale', 'run', 'retry', 'pause', 'resume', 'order'];
  const backend = {
    ...Object.fromEntries(changes.map(method => [method, note(method)])),
    agents: () => ok([]),
    explain: (team: string, query: unknown) => {
      seen.push(['explain', team, query]);
      return Promise.resolve(fail({reason: 'team-not-found', name: team, known: []} as const));
    },
  };
  // Only the routes under test ask it anything; another one would be seen as a bug.
  const app = createRoutes({backend: backend as unknown as Backend, us, onBug: error => bugs.push(error)});
  const post = (path: string, body?: unknown) =>
    app.request(`/v1/teams/audit/${path}`, {
      method: 'POST',
      ...(body === undefined ? {} : {body: JSON.stringify(body)}),
    });
  return {app, post, seen, bugs};
}

test.each([
  ['scale', {count: 5}],
  ['scale', {count: 0, group: 'reviewer'}],
  ['scale', {autoscale: 'off', count: 5}],
  ['scale', {autoscale: {min: 2, max: 50}, strategy: {name: 'round-robin'}}],
  ['scale', {strategy: {name: 'weighted', weights: {speed: 1, cost: 0, reliability: 0}}}],
  ['run', {plan: {version: 1}, env: {PATH: '/bin'}}],
  ['retry', {tasks: 'failed', env: {}}],
  ['retry', {tasks: ['a', 'b[1]'], env: {}, secretNames: ['KEY']}],
  ['pause', {}],
  ['pause', {agent: 'audit-03'}],
  ['resume', {budget: {usd: 5, tokens: null}}],
])('%s passes on %j as it was checked', async (method, body) => {
  const {post, seen, bugs} = routes();
  const answer = await post(method, body);
  expect(answer.status, await answer.text()).toBe(200);
  expect(seen).toEqual([[method, 'audit', body]]);
  expect(bugs).toEqual([]);
});

test.each([
  [{autoscale: {max: 0}}, '`autoscale.max`: must be at least 1'],
  [{autoscale: {scaleUpThreshold: 1_000_001}}, '`autoscale.scaleUpThreshold`: must be at most 1000000'],
  [{autoscale: 'on'}, '`autoscale`: expected "off" or an object'],
  [
    {strategy: {name: 'weighted', weights: {speed: 1e9, cost: 0, reliability: 0}}},
    '`strategy.weights.speed`: must be at most',
  ],
])('of %j it says which part is wrong, and how', async (body, text) => {
  const {post} = routes();
  const answer = await post('scale', body);
  expect(answer.status).toBe(400);
  expect(await answer.text()).toContain(text.replaceAll('"', '\\"'));
});

test('an absent body pauses or resumes the whole team', async () => {
  const {post, seen} = routes();
  expect((await post('pause')).status).toBe(200);
  expect((await post('resume')).status).toBe(200);
  expect(seen).toEqual([
    ['pause', 'audit', {}],
    ['resume', 'audit', {}],
  ]);
});

test.each(['kill', 'drain', 'restart'])('agents/%s is an order for one agent', async what => {
  const {post, seen} = routes();
  expect((await post(`agents/${what}`, {agent: 'audit-03'})).status).toBe(200);
  expect(seen).toEqual([['order', 'audit', {agent: 'audit-03', what}]]);
  expect((await post(`agents/${what}`)).status).toBe(400);
});

test.each([
  ['scale', {}, 'nothing is to be changed'],
  ['scale', {group: 'a'}, 'nothing is to be changed'],
  ['scale', {autoscale: 'off', group: 'a'}, '`group` needs `count`'],
  ['scale', {count: 'many'}, '`count`: Invalid input: expected number'],
  ['scale', {count: 5, autoscale: {max: 9}}, '`count` turns auto-scaling off'],
  ['scale', {autoscale: {min: 5, max: 2}}, '`min` is more than `max`'],
  ['scale', {autoscale: {most: 2}}, 'most'],
  ['scale', {autoscale: 'on'}, 'expected "off" or an object'],
  ['scale', {autoscale: {scaleDownThreshold: 20}}, '`autoscale.scaleDownThreshold`'],
  ['scale', {strategy: {name: 'best'}}, '`strategy.name`'],
  ['scale', {strategy: {name: 'round-robin', weights: {speed: 1, cost: 1, reliability: 1}}}, 'only the strategy'],
  ['scale', {strategy: {name: 'weighted', weights: {speed: 0, cost: 0, reliability: 0}}}, 'at least one weight'],
  ['run', {env: {}}, 'a plan is needed'],
  ['retry', {tasks: [], env: {}}, '`tasks`'],
  ['retry', {tasks: 'some', env: {}}, 'expected "failed", "all" or ids of tasks'],
  ['retry', {tasks: 'all'}, '`env`'],
  ['pause', {agents: ['a']}, 'agents'],
  ['resume', {agent: 'a', budget: {usd: 1, tokens: null}}, '`budget` is of the whole team'],
  ['resume', {budget: {usd: 0, tokens: null}}, '`budget.usd`'],
])('%s refuses %j and says why', async (path, body, why) => {
  const {post, seen} = routes();
  const answer = await post(path, body);
  const {text} = (await answer.json()) as {text: string};
  expect(answer.status, text).toBe(400);
  expect(text).toContain(why);
  expect(seen).toEqual([]);
});

test('explain is about a task, an agent or the team, and not about two of them', async () => {
  const {app, seen} = routes();
  for (const query of ['', '?task=a%5B1%5D', '?agent=audit-03']) {
    expect((await app.request(`/v1/teams/audit/explain${query}`)).status).toBe(404);
  }
  expect(seen.map(([, , query]) => query)).toEqual([{}, {task: 'a[1]'}, {agent: 'audit-03'}]);
  expect((await app.request('/v1/teams/audit/explain?task=a&agent=b')).status).toBe(400);
  expect(await (await app.request('/v1/teams/audit/agents')).json()).toEqual({v: 1, agents: []});
});

test('whatever is sent is passed on or refused, and never a bug', async () => {
  const path = fc.constantFrom('scale', 'run', 'retry', 'pause', 'resume', 'agents/kill');
  const field = fc.constantFrom('count', 'group', 'autoscale', 'strategy', 'plan', 'env', 'tasks', 'agent', 'budget');
  await fc.assert(
    fc.asyncProperty(path, fc.dictionary(field, fc.jsonValue({maxDepth: 2})), async (to, body) => {
      const {post, bugs} = routes();
      expect([200, 400]).toContain((await post(to, body)).status);
      expect(bugs).toEqual([]);
    }),
    {numRuns: 200},
  );
});
