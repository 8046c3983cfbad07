import {expect, test} from 'vitest';
import {launchesAfter, shouldLaunch} from '../../src/host/daemon-revival.ts';

test('waits a moment for a daemon that is only restarting', () => {
  expect(shouldLaunch({deadSinceMs: 1000, isGone: false, launchesMs: [], nowMs: 1299})).toBe(false);
  expect(shouldLaunch({deadSinceMs: 1000, isGone: false, launchesMs: [], nowMs: 1300})).toBe(true);
});

test('does not wait for a daemon that is known to be dead, and pauses all the same after a launch', () => {
  expect(shouldLaunch({deadSinceMs: 1000, isGone: true, launchesMs: [], nowMs: 1000})).toBe(true);
  expect(shouldLaunch({deadSinceMs: 1000, isGone: true, launchesMs: [990], nowMs: 1000})).toBe(false);
  expect(shouldLaunch({deadSinceMs: 1000, isGone: true, launchesMs: [500], nowMs: 1000})).toBe(true);
});

test('pauses longer after each launch, and stops at five in a minute', () => {
  const launchesMs: number[] = [];
  for (let nowMs = 0; nowMs < 60_000; nowMs += 50) {
    if (shouldLaunch({deadSinceMs: -1000, isGone: false, launchesMs, nowMs})) launchesMs.push(nowMs);
  }
  expect(launchesMs).toEqual([0, 500, 1500, 3500, 7500]);
  expect(shouldLaunch({deadSinceMs: 0, isGone: false, launchesMs, nowMs: 60_000})).toBe(true);
});

test('forgets the launches of a daemon that had started well, and counts those of one that had not', () => {
  const launchesMs = [0, 500, 1500, 3500, 7500];
  expect(
    shouldLaunch({deadSinceMs: 9000, isGone: false, launchesMs: launchesAfter(launchesMs, 1999), nowMs: 10_000}),
  ).toBe(false);
  expect(
    shouldLaunch({deadSinceMs: 9000, isGone: false, launchesMs: launchesAfter(launchesMs, 2000), nowMs: 10_000}),
  ).toBe(true);
});
