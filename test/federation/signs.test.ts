import {expect, test} from 'vitest';
import {Signs} from '../../src/federation/signs.ts';
import {attemptId, hostId} from '../../src/model/ids.ts';
import {EngineWorld, task} from './engine-world.ts';

const vitals = (attempt: number) => ({attempt, processes: 1, cpuMs: 5, rssBytes: 9, outputBytes: 0, silentMs: 1});
const [h1, h2] = [hostId('h1'), hostId('h2')];
const of = {kind: 'runtime', name: 'claude'} as const;

test('the latest signs of what a host holds are kept, and nothing of what it does not', () => {
  const signs = new Signs();
  const isLeased = (id: number) => id === 1;
  const facts = {type: 'vitals', hostId: h1, lagMs: 3} as const;
  signs.heard({...facts, vitals: [vitals(1), vitals(2)]}, {atMs: 10, isLeased});
  signs.heard({...facts, lagMs: 4, vitals: []}, {atMs: 20, isLeased});
  expect(signs.ofAttempt(attemptId(1))).toEqual({vitals: vitals(1), atMs: 10});
  expect(signs.ofAttempt(attemptId(2))).toBeUndefined();
  expect(signs.ofHost(h1)).toEqual({lagMs: 4, atMs: 20});
  signs.forgetAttempt(attemptId(1));
  signs.forgetHost(h1);
  expect([signs.ofAttempt(attemptId(1)), signs.ofHost(h1)]).toEqual([undefined, undefined]);
});

test('a breaker stands as it does where it stands worst', () => {
  const signs = new Signs();
  const switched = (host: typeof h1, state: 'open' | 'half-open' | 'closed') =>
    signs.switched({type: 'breaker', hostId: host, of, state, detail: 'x'});
  expect(signs.breaker('runtime', 'claude')).toBe('closed');
  expect([switched(h1, 'closed'), switched(h1, 'open'), switched(h1, 'open')]).toEqual([false, true, false]);
  switched(h2, 'half-open');
  expect([signs.breaker('runtime', 'claude'), signs.breaker('provider', 'claude')]).toEqual(['open', 'closed']);
  signs.forgetHost(h1);
  expect(signs.breaker('runtime', 'claude')).toBe('half-open');
});

test('an engine tells of breakers once for each change, and forgets those of a host that is gone', () => {
  const world = new EngineWorld();
  world.start([task('a')]);
  const breaker = {type: 'breaker', hostId: world.host, of, state: 'open', detail: '5 starts failed'} as const;
  world.give(breaker);
  world.give(breaker);
  world.give({type: 'vitals', hostId: world.host, lagMs: 0, vitals: [vitals(world.attemptOf('a'))]});
  expect(world.events('breaker-changed')).toEqual([
    {type: 'breaker-changed', host: world.host, of, state: 'open', detail: '5 starts failed'},
  ]);
  world.give({type: 'host-gone', hostId: world.host});
  world.connect();
  world.give(breaker);
  expect(world.events('breaker-changed')).toHaveLength(2);
});
