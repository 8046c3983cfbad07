import {afterEach, beforeEach, expect, test, vi} from 'vitest';
import {AttemptClock} from '../../src/host/attempt-clock.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function clockOf(timeoutMs: number | null) {
  const timeouts: number[] = [];
  return {clock: new AttemptClock(timeoutMs, ms => timeouts.push(ms)), timeouts};
}

test('the timeout comes once the time has passed since the start, not since it was armed', () => {
  const {clock, timeouts} = clockOf(1000);
  clock.start();
  vi.advanceTimersByTime(600);
  clock.arm();
  vi.advanceTimersByTime(399);
  expect(timeouts).toEqual([]);
  vi.advanceTimersByTime(2);
  expect(timeouts).toEqual([1000]);
});

test('a pause does not count, neither for the timeout nor for the duration', () => {
  const {clock, timeouts} = clockOf(1000);
  clock.start();
  clock.arm();
  vi.advanceTimersByTime(300);
  clock.pause();
  clock.pause();
  vi.advanceTimersByTime(60_000);
  expect(clock.durationMs).toBe(300);
  clock.resume();
  clock.resume();
  vi.advanceTimersByTime(600);
  clock.pause();
  vi.advanceTimersByTime(60_000);
  clock.resume();
  expect(timeouts).toEqual([]);
  vi.advanceTimersByTime(101);
  expect(timeouts).toEqual([1000]);
  expect(clock.durationMs).toBe(1001);
});

test('a pause before the start takes nothing off what follows', () => {
  const {clock, timeouts} = clockOf(1000);
  clock.pause();
  vi.advanceTimersByTime(5000);
  clock.resume();
  clock.start();
  clock.arm();
  vi.advanceTimersByTime(400);
  expect(clock.durationMs).toBe(400);
  vi.advanceTimersByTime(601);
  expect(timeouts).toEqual([1000]);
});

test('one that is started while it is paused begins to run when it goes on', () => {
  const {clock, timeouts} = clockOf(1000);
  clock.pause();
  clock.start();
  clock.arm();
  vi.advanceTimersByTime(5000);
  expect(clock.durationMs).toBe(0);
  clock.resume();
  vi.advanceTimersByTime(999);
  expect(timeouts).toEqual([]);
  vi.advanceTimersByTime(2);
  expect(timeouts).toEqual([1000]);
});

test('stopped, it says nothing any more, also when it is resumed', () => {
  const {clock, timeouts} = clockOf(1000);
  clock.start();
  clock.arm();
  clock.pause();
  clock.stop();
  clock.resume();
  vi.advanceTimersByTime(10_000);
  expect(timeouts).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

test('without a timeout it only counts, and a timeout longer than a timer can be comes in time', () => {
  const {clock} = clockOf(null);
  clock.arm();
  expect(vi.getTimerCount()).toBe(0);
  const long = clockOf(2 ** 31 + 5000);
  long.clock.arm();
  vi.advanceTimersByTime(2 ** 31 + 4000);
  expect(long.timeouts).toEqual([]);
  vi.advanceTimersByTime(2000);
  expect(long.timeouts).toEqual([2 ** 31 + 5000]);
});
