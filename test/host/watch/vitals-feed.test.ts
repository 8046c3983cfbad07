import {afterEach, beforeEach, expect, test, vi} from 'vitest';
import {AttemptClock} from '../../../src/host/attempt-clock.ts';
import {Ending} from '../../../src/host/ending.ts';
import {AttemptLife} from '../../../src/host/watch/attempt-life.ts';
import {AttemptWatch} from '../../../src/host/watch/attempt-watch.ts';
import {VitalsFeed} from '../../../src/host/watch/vitals-feed.ts';
import {attemptId} from '../../../src/model/ids.ts';
import {ProcessTrees, type TreeUse} from '../../../src/os/process-trees.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const USE: TreeUse = {processes: 1, cpuMs: 10, rssBytes: 100_000_000, state: 'sleeping'};

function rig() {
  const watch = new AttemptWatch(new ProcessTrees({pids: () => [], line: () => 'gone', cookie: () => null}));
  const life = new AttemptLife({
    attempt: attemptId(1),
    cookie: 'c.1',
    limits: {},
    ending: new Ending(),
    clock: new AttemptClock(null, () => undefined),
    watch,
    warn: () => undefined,
  });
  life.pulse.begun();
  const feed = new VitalsFeed();
  /** What is said half a second later. */
  const next = (use: Partial<TreeUse> = {}) => {
    vi.advanceTimersByTime(500);
    return feed.changed([life], () => ({...USE, ...use}));
  };
  return {life, feed, next};
}

test('the first time everything is said, then only what changes', () => {
  const {next} = rig();
  expect(next()).toEqual([{attempt: 1, outputBytes: 0, silentMs: 500, ...USE}]);
  expect(next()).toEqual([]);
  expect(next({cpuMs: 20})).toMatchObject([{cpuMs: 20, silentMs: 1500}]);
  expect(next({cpuMs: 20, rssBytes: 100_900_000})).toEqual([]);
  expect(next({cpuMs: 20, rssBytes: 103_000_000})).toMatchObject([{rssBytes: 103_000_000}]);
});

test('a sign of life is said, and so is a new state', () => {
  const {life, next} = rig();
  next();
  life.pulse.active();
  expect(next()).toMatchObject([{silentMs: 500}]);
  life.pulse.printed(3);
  expect(next()).toMatchObject([{outputBytes: 3}]);
  expect(next({state: 'stopped'})).toMatchObject([{state: 'stopped'}]);
  expect(next({state: 'stopped', processes: 2})).toMatchObject([{processes: 2}]);
});

test('silence that does not count is said again and again, as it would be taken to grow', () => {
  const {life, next} = rig();
  next();
  life.setPaused(true);
  expect([next(), next(), next()].map(([vitals]) => vitals?.silentMs)).toEqual([500, 500, 500]);
});

test('whoever is new is told everything, and one attempt is told of at most twice a second', () => {
  const {feed, life, next} = rig();
  next();
  feed.clear();
  expect(next()).toHaveLength(1);
  life.pulse.printed(1);
  vi.advanceTimersByTime(100);
  expect(feed.changed([life], () => USE)).toEqual([]);
});
