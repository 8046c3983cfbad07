import {afterEach, beforeEach, expect, test, vi} from 'vitest';
import type {Log} from '../../src/daemon/log.ts';
import {TickLoop} from '../../src/daemon/tick-loop.ts';
import type {Effect, Input, Step} from '../../src/federation/engine-io.ts';
import type {StoredEvent} from '../../src/model/event.ts';
import {type Failure, GodelError} from '../../src/model/failure.ts';
import {hostId, teamId} from '../../src/model/ids.ts';
import type {EngineRecord} from '../../src/model/record.ts';

const log: Log = {debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined};
const full: Failure = {
  reason: 'store-unusable',
  path: 'store.db',
  detail: 'the disk is full',
  hint: 'Free some space.',
};

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** An engine that records and has done one thing per input, a store that can be full, and the order of what happens. */
function rig({fullFor = 0, deadlineMs = null as number | null} = {}) {
  const story: string[] = [];
  let failures = fullFor;
  let deadline = deadlineMs;
  const loop = new TickLoop({
    engine: {
      handle: (input: Input): Step => {
        const name = input.type === 'host-gone' ? input.hostId : input.type;
        story.push(`handle ${name}`);
        if (input.type === 'tick') deadline = null;
        const record: EngineRecord = {kind: 'team-removed', id: teamId(story.length)};
        const effect: Effect = {type: 'kill-host', hostId: hostId(name)};
        return {records: [record], effects: [effect]};
      },
      nextDeadlineMs: () => deadline,
    },
    store: {
      commit: (records): readonly StoredEvent[] => {
        if (failures > 0) {
          failures -= 1;
          story.push('full');
          throw new GodelError(full);
        }
        story.push(`commit ${records.length}`);
        return [];
      },
    },
    perform: effect => story.push(effect.type === 'kill-host' ? `perform ${effect.hostId}` : effect.type),
    settled: () => story.push('settled'),
    log,
    random: () => 0.5,
    readNow: () => ({monoMs: Date.now(), wallMs: Date.now()}),
  });
  const submit = (name: string) =>
    loop.submit(
      {type: 'host-gone', hostId: hostId(name)},
      {effective: () => story.push(`effective ${name}`), durable: () => story.push(`durable ${name}`)},
    );
  return {loop, story, submit};
}

test('all inputs of a turn share one commit, and nothing is done before it', () => {
  const {story, submit} = rig();
  submit('a');
  submit('b');
  expect(story).toEqual([]);
  vi.runOnlyPendingTimers();
  expect(story).toEqual([
    'handle a',
    'handle b',
    'commit 2',
    'effective a',
    'perform a',
    'effective b',
    'perform b',
    'durable a',
    'durable b',
    'settled',
  ]);
});

test('while the store is full nothing is done, acknowledged or handled; then everything is, in order', () => {
  const {loop, story, submit} = rig({fullFor: 2});
  submit('a');
  vi.advanceTimersByTime(1);
  expect(loop.trouble).toContain('the disk is full');
  submit('b');
  vi.advanceTimersByTime(10);
  expect(story).toEqual(['handle a', 'full']);
  vi.advanceTimersByTime(10_000);
  expect(story).toEqual([
    'handle a',
    'full',
    'full',
    'commit 1',
    'effective a',
    'perform a',
    'durable a',
    'settled',
    'handle b',
    'commit 1',
    'effective b',
    'perform b',
    'durable b',
    'settled',
  ]);
  expect(loop.trouble).toBeNull();
});

test('an error that is not the disk ends the process instead of being tried again', () => {
  const loop = new TickLoop({
    engine: {
      handle: () => ({records: [{kind: 'team-removed', id: teamId(1)}], effects: []}),
      nextDeadlineMs: () => null,
    },
    store: {
      commit: () => {
        throw new Error('UNIQUE constraint failed');
      },
    },
    perform: () => undefined,
    settled: () => undefined,
    log,
    random: () => 0,
  });
  loop.submit({type: 'tick'});
  expect(() => vi.runOnlyPendingTimers()).toThrow('UNIQUE');
});

test('the engine is woken when its deadline comes', () => {
  const {story, submit} = rig({deadlineMs: Date.now() + 5000});
  submit('a');
  vi.advanceTimersByTime(4990);
  expect(story).not.toContain('handle tick');
  vi.advanceTimersByTime(20);
  expect(story).toContain('handle tick');
});

test('closing handles what has arrived and nothing after it', () => {
  const {loop, story, submit} = rig();
  submit('a');
  loop.close();
  submit('b');
  vi.runOnlyPendingTimers();
  expect(story.filter(line => line.startsWith('handle'))).toEqual(['handle a']);
  expect(story).toContain('durable a');
});
