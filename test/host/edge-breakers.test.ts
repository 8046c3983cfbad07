import {afterEach, describe, expect, test} from 'vitest';
import {fail, ok} from '../../src/base/result.ts';
import {EdgeBreakers} from '../../src/host/edge-breakers.ts';
import {providerVerdict, runtimeVerdict} from '../../src/host/edge-verdict.ts';
import type {BreakerNews} from '../../src/model/edge.ts';
import type {Failure} from '../../src/model/failure.ts';
import {attemptId} from '../../src/model/ids.ts';
import {until} from '../rig/until.ts';

const NAMES = {runtime: 'pi', provider: 'anthropic'};
const LIMITS = {fewest: 3, failingPercent: 50, windowMs: 60_000, openMs: 30, longestOpenMs: 100, startMs: 10_000};
const CRASHED: Failure = {reason: 'agent-error', runtime: 'pi', kind: 'crashed', detail: 'no module', exitCode: 1};
const OVERLOADED: Failure = {
  reason: 'provider-limited',
  provider: 'anthropic',
  kind: 'overloaded',
  retryAfterMs: null,
  detail: '529',
};
const THROTTLED: Failure = {...OVERLOADED, kind: 'throttled', detail: '429'};
const STOPPED: Failure = {reason: 'stopped', by: 'user'};

let breakers: EdgeBreakers | undefined;
afterEach(() => breakers?.close());

function edges(openMs = LIMITS.openMs): {news: BreakerNews[]; breakers: EdgeBreakers} {
  const news: BreakerNews[] = [];
  breakers = new EdgeBreakers(said => news.push(said), {...LIMITS, openMs, longestOpenMs: openMs * 4});
  return {news, breakers};
}

function end(failure: Failure | null, of: EdgeBreakers) {
  return of.guard(NAMES, () => Promise.resolve(failure ? fail(failure) : ok('done')));
}

function statesOf(news: readonly BreakerNews[]): string[] {
  const states = news.map(({of, state}) => `${of.name} ${state}`);
  return states.filter((state, place) => state !== states[place - 1]);
}

test('what works is let through, and nothing is said of it', async () => {
  const {news, breakers: edge} = edges();
  for (let time = 0; time < 10; time += 1) expect(await end(null, edge)).toEqual(ok('done'));
  expect(news).toEqual([]);
});

test('a runtime that dies again and again when it is started is left alone; others of the provider are not', async () => {
  const {news, breakers: edge} = edges(60_000);
  for (let time = 0; time < 3; time += 1) expect(await end(CRASHED, edge)).toEqual(fail(CRASHED));
  expect(news).toEqual([
    {
      of: {kind: 'runtime', name: 'pi'},
      state: 'open',
      detail: 'no module',
      retryAfterMs: expect.any(Number),
      counts: {opens: 1, refusals: 0, openMs: expect.any(Number)},
    },
  ]);
  let isStarted = false;
  const refused = await edge.guard(NAMES, () => {
    isStarted = true;
    return Promise.resolve(ok(null));
  });
  expect(isStarted).toBe(false);
  expect(refused).toMatchObject(
    fail({reason: 'runtime-unavailable', what: 'runtime', name: 'pi', detail: 'no module'}),
  );
  expect(await edge.guard({...NAMES, runtime: 'claude'}, () => Promise.resolve(ok(1)))).toEqual(ok(1));
});

test('after a while one is let through and no other; its success closes the breaker', async () => {
  const {news, breakers: edge} = edges();
  for (let time = 0; time < 3; time += 1) await end(OVERLOADED, edge);
  await until('one may try', () => news.at(-1)?.state === 'half-open');
  let finish: (result: ReturnType<typeof ok<string>>) => void = () => undefined;
  const probe = edge.guard(NAMES, () => new Promise<ReturnType<typeof ok<string>>>(resolve => (finish = resolve)));
  await until('it has been let through', async () => !(await end(null, edge)).ok);
  expect(await end(null, edge)).toMatchObject(fail({reason: 'runtime-unavailable', what: 'provider'}));
  finish(ok('done'));
  await probe;
  await until('it is closed', () => news.at(-1)?.state === 'closed');
  expect(await end(null, edge)).toEqual(ok('done'));
  expect(statesOf(news)).toEqual(['anthropic open', 'anthropic half-open', 'anthropic closed']);
});

test('what it turns away is counted', async () => {
  const {news, breakers: edge} = edges(60_000);
  for (let time = 0; time < 3; time += 1) await end(OVERLOADED, edge);
  expect((await end(null, edge)).ok).toBe(false);
  expect((await end(null, edge)).ok).toBe(false);
  expect(news.map(({counts}) => [counts?.opens, counts?.refusals])).toEqual([
    [1, 0],
    [1, 1],
    [1, 2],
  ]);
});

test('how often and for how long it was open is counted, for daemons that come later too', async () => {
  const {news, breakers: edge} = edges();
  for (let time = 0; time < 3; time += 1) await end(OVERLOADED, edge);
  await until('one may try', () => news.at(-1)?.state === 'half-open');
  const first = news.at(-1)?.counts;
  expect(first?.opens).toBe(1);
  expect(first?.openMs).toBeGreaterThan(0);
  await end(OVERLOADED, edge);
  await until('another may try', () => news.at(-1)?.state === 'half-open' && news.at(-1)?.counts?.opens === 2);
  const {counts} = news.at(-1) ?? {};
  expect(counts?.openMs).toBeGreaterThan(first?.openMs ?? Infinity);
  await end(null, edge);
  expect(news.at(-1)).toMatchObject({state: 'closed', counts});
  news.length = 0;
  edge.retell();
  expect(news).toEqual([expect.objectContaining({of: {kind: 'provider', name: 'anthropic'}, state: 'closed', counts})]);
});

test('the first answer is enough: the attempt may take as long as it likes', async () => {
  const {news, breakers: edge} = edges();
  for (let time = 0; time < 3; time += 1) await end(OVERLOADED, edge);
  await until('one may try', () => news.at(-1)?.state === 'half-open');
  let finish: () => void = () => undefined;
  const probe = edge.guard(NAMES, heard => {
    const signal = {provider: 'anthropic', kind: 'ok', retryAfterMs: null} as const;
    heard({type: 'provider-signal', attempt: attemptId(1), signal});
    return new Promise<ReturnType<typeof ok<null>>>(resolve => (finish = () => resolve(ok(null))));
  });
  await until('it is closed', () => news.at(-1)?.state === 'closed');
  expect(await end(null, edge)).toEqual(ok('done'));
  finish();
  await probe;
});

test('one that was let through and fails, or shows nothing, opens it again for longer', async () => {
  const {news, breakers: edge} = edges();
  for (let time = 0; time < 3; time += 1) await end(OVERLOADED, edge);
  const opened = () => news.filter(({state}) => state === 'open');
  for (const failure of [OVERLOADED, STOPPED]) {
    await until('one may try', () => news.at(-1)?.state === 'half-open');
    const opens = opened().length;
    await end(failure, edge);
    await until('it has opened', () => opened().length > opens);
  }
  const [first, second, third] = opened().map(({retryAfterMs}) => retryAfterMs);
  expect(second).toBeGreaterThan(first ?? Infinity);
  expect(third).toBeGreaterThan(second ?? Infinity);
});

test('limits, stops and failures of the task open nothing', async () => {
  const {news, breakers: edge} = edges();
  const failures: Failure[] = [THROTTLED, STOPPED, {...CRASHED, kind: 'refused'}, {reason: 'no-change'}];
  for (let time = 0; time < 20; time += 1) await end(failures[time % failures.length] ?? STOPPED, edge);
  expect(news).toEqual([]);
});

test('a throw is passed on and counts as nothing', async () => {
  const {news, breakers: edge} = edges();
  for (let time = 0; time < 5; time += 1) {
    await expect(edge.guard(NAMES, () => Promise.reject(new Error('bug')))).rejects.toThrow('bug');
  }
  expect(news).toEqual([]);
});

test('a daemon that comes is told what is not closed', async () => {
  const {news, breakers: edge} = edges(60_000);
  for (let time = 0; time < 3; time += 1) await end(OVERLOADED, edge);
  edge.retell();
  expect(news.map(({of, state}) => `${of.name} ${state}`)).toEqual(['anthropic open', 'anthropic open']);
});

test('once it is closed, nothing is held back and nothing keeps the process alive', async () => {
  const {breakers: edge} = edges(60_000);
  for (let time = 0; time < 3; time += 1) await end(OVERLOADED, edge);
  edge.close();
  expect(await end(null, edge)).toEqual(ok('done'));
});

describe('whose failure it is', () => {
  test.each([
    [CRASHED, 'failed', 'unknown'],
    [{...CRASHED, runtime: 'my-script'}, 'unknown', 'unknown'],
    [{...CRASHED, detail: 'TypeError: fetch failed'}, 'unknown', 'failed'],
    [{...CRASHED, kind: 'auth'}, 'fine', 'failed'],
    [OVERLOADED, 'fine', 'failed'],
    [THROTTLED, 'fine', 'fine'],
    [{reason: 'runtime-missing', runtime: 'pi', detail: 'gone', hint: 'get it'}, 'failed', 'unknown'],
    [{reason: 'spawn-failed', command: 'pi', code: 'ENOENT', detail: 'no such folder'}, 'unknown', 'unknown'],
    [STOPPED, 'unknown', 'unknown'],
    [null, 'fine', 'fine'],
  ] as const)('%j', (failure, runtime, provider) => {
    expect(runtimeVerdict(failure).kind).toBe(runtime);
    expect(providerVerdict(failure).kind).toBe(provider);
  });
});
