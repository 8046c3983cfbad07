import {expect, test} from 'vitest';
import {launchesAfter, shouldLaunch} from '../../src/host/daemon-revival.ts';

test('waits a moment for a daemon that is only restarting', () => {
  expect(shouldLaunch({deadSinceMs: 1000, launchesMs: [], nowMs: 1299})).toBe(false);
  expect(shouldLaunch({deadSinceMs: 1000, launchesMs: [], nowMs: 1300})).toBe(true);
});

test('pauses longer after each launch, and stops at five in a minute', () => {
  const launchesMs: number[] = [];
  for (let nowMs = 0; nowMs < 60_000; nowMs += 50) {
    if (shouldLaunch({deadSinceMs: -1000, launchesMs, nowMs})) launchesMs.push(nowMs);
  }
  expect(launchesMs).toEqual([0, 500, 1500, 3500, 7500]);
  expect(shouldLaunch({deadSinceMs: 0, launchesMs, nowMs: 60_000})).toBe(true);
});

test('forgets the launches of a daemon that had started well, and counts those of one that had not', () => {
  const launchesMs = [0, 500, 1500, 3500, 7500];
  expect(shouldLaunch({deadSinceMs: 9000, launchesMs: launchesAfter(launchesMs, 1999), nowMs: 10_000})).toBe(false);
  expect(shouldLaunch({deadSinceMs: 9000, launchesMs: launchesAfter(launchesMs, 2000), nowMs: 10_000})).toBe(true);
});
