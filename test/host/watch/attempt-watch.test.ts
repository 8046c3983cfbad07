import {afterEach, beforeEach, expect, test, vi} from 'vitest';
import {AttemptClock} from '../../../src/host/attempt-clock.ts';
import {Ending} from '../../../src/host/ending.ts';
import {AttemptLife} from '../../../src/host/watch/attempt-life.ts';
import {AttemptWatch} from '../../../src/host/watch/attempt-watch.ts';
import type {AttemptLimits} from '../../../src/model/health.ts';
import {attemptId} from '../../../src/model/ids.ts';
import {type ProcessLine, ProcessTrees} from '../../../src/os/process-trees.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const PID = 4_194_000;

/** One attempt with one process of a machine that the test makes. */
function rig(limits: AttemptLimits = {}) {
  let line: ProcessLine = {
    pid: PID,
    parent: 1,
    groupId: PID,
    state: 'S',
    startTime: 1,
    cpuMs: 0,
    rssBytes: 1e6,
    nice: 19,
  };
  let looks = 0;
  const pids = () => {
    looks += 1;
    return [PID];
  };
  const watch = new AttemptWatch(new ProcessTrees({pids, line: () => line, cookie: () => null}));
  const ending = new Ending();
  const life = new AttemptLife({
    attempt: attemptId(1),
    cookie: 'c.1',
    limits,
    ending,
    clock: new AttemptClock(null, () => undefined),
    watch,
    warn: () => undefined,
  });
  life.begun(PID);
  return {
    watch,
    ending,
    change: (facts: Partial<ProcessLine>) => {
      line = {...line, ...facts};
    },
    looksIn: (ms: number) => {
      const before = looks;
      vi.advanceTimersByTime(ms);
      return looks - before;
    },
  };
}

test('what is quiet is looked at less and less often, and more often again when something changes', () => {
  const {watch, looksIn, change} = rig();
  expect(looksIn(2000)).toBeGreaterThanOrEqual(2);
  looksIn(20_000);
  expect(looksIn(35_000)).toBe(10);
  let cpuMs = 0;
  const working = setInterval(() => change({cpuMs: (cpuMs += 10)}), 100);
  looksIn(4000);
  expect(looksIn(20_000)).toBe(10);
  clearInterval(working);
  watch.close();
});

test('one that may not be silent for long is looked at four times in its budget, however quiet it is', () => {
  const {watch, looksIn} = rig({silenceMs: 4000});
  looksIn(20_000);
  expect(looksIn(20_000)).toBeGreaterThanOrEqual(20);
  watch.close();
});

test('memory is minded twice a second where it has a limit, and what is over it ends at the next look', () => {
  const {watch, ending, looksIn, change} = rig({memoryBytes: 1e8});
  looksIn(20_000);
  expect(looksIn(10_000)).toBeGreaterThanOrEqual(20);
  change({rssBytes: 1.05e8});
  looksIn(600);
  expect(ending.failure).toMatchObject({reason: 'memory-exceeded', usedBytes: 1.05e8});
  watch.close();
});
