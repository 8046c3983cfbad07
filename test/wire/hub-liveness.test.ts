import {afterEach, beforeEach, expect, test, vi} from 'vitest';
import {HubLiveness} from '../../src/wire/hub-liveness.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function peer() {
  const seen = {pings: 0, endedMs: null as number | null, backlogBytes: 0, takenBytes: 0};
  const startedMs = Date.now();
  return {
    seen,
    watchable: {
      ping: () => {
        seen.pings += 1;
      },
      terminate: () => {
        seen.endedMs ??= Date.now() - startedMs;
      },
      get backlogBytes() {
        return seen.backlogBytes;
      },
      get takenBytes() {
        return seen.takenBytes;
      },
    },
  };
}

test('one that is silent is asked twice and cut off within its time, one that answers is not', () => {
  const liveness = new HubLiveness(4800);
  const [dead, alive] = [peer(), peer()];
  const watches = [liveness.watch(dead.watchable), liveness.watch(alive.watchable)];
  for (let ms = 0; ms < 60_000; ms += 50) {
    const before = alive.seen.pings;
    vi.advanceTimersByTime(50);
    if (alive.seen.pings > before) watches[1]!.heard();
  }
  expect(dead.seen.pings).toBe(2);
  expect(dead.seen.endedMs).toBeLessThanOrEqual(4800);
  expect(dead.seen.endedMs).toBeGreaterThan(3600);
  expect(alive.seen.endedMs).toBeNull();
  for (const {stop} of watches) stop();
  expect(vi.getTimerCount()).toBe(0);
});

test('one that is heard all the time is never asked', () => {
  const liveness = new HubLiveness(400);
  const {seen, watchable} = peer();
  const {heard, stop} = liveness.watch(watchable);
  for (let ms = 0; ms < 4000; ms += 20) {
    vi.advanceTimersByTime(20);
    heard();
  }
  expect(seen.pings).toBe(0);
  stop();
});

test('one that takes what waits for it is alive; one that takes only our pings is not', () => {
  const liveness = new HubLiveness(400);
  const [slow, gone] = [peer(), peer()];
  slow.seen.backlogBytes = 1e6;
  const watches = [liveness.watch(slow.watchable), liveness.watch(gone.watchable)];
  for (let ms = 0; ms < 4000; ms += 20) {
    vi.advanceTimersByTime(20);
    slow.seen.takenBytes += 10;
    // The kernel takes pings into its own buffer, whoever is at the other end.
    gone.seen.takenBytes += 10;
  }
  expect(slow.seen.endedMs).toBeNull();
  expect(gone.seen.endedMs).not.toBeNull();
  for (const {stop} of watches) stop();
});
