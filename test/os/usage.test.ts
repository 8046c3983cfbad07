import {afterEach, expect, test, vi} from 'vitest';
import {ChildCpu, PeakMemory, peakOfTree} from '../../src/os/usage.ts';

test('children that end in one turn share what was added, and nothing is lost or counted twice', async () => {
  let total = 10;
  const cpu = new ChildCpu(() => total);
  const early = [cpu.ofEndedChild(), cpu.ofEndedChild()];
  total = 13;
  expect(await Promise.all(early)).toEqual([1.5, 1.5]);
  total = 13.25;
  expect(await cpu.ofEndedChild()).toBeCloseTo(0.25);
});

test('CPU time is unknown where the OS does not say', async () => {
  expect(await new ChildCpu(() => null).ofEndedChild()).toBeNull();
});

test('the peak of this very process can be seen', () => {
  expect(peakOfTree(process.pid)).toBeGreaterThan(10 * 1024 * 1024);
  expect(peakOfTree(4_194_304 + 1)).toBeNull();
});

afterEach(() => vi.useRealTimers());

test('peak memory is sampled soon, then every ten seconds while it grows, and only while it is watched', () => {
  vi.useFakeTimers();
  const looks: number[] = [];
  const peak = new PeakMemory(pid => {
    looks.push(pid);
    return looks.length;
  });
  const [one, two] = [peak.watch(1), peak.watch(2)];
  expect(one.stop()).toBeNull();
  vi.advanceTimersByTime(6000);
  expect(looks).toEqual([2, 2, 2]);
  vi.advanceTimersByTime(20_000);
  expect(looks).toHaveLength(5);
  expect(two.stop()).toBe(5);
  vi.advanceTimersByTime(60_000);
  expect(looks).toHaveLength(5);
  expect(vi.getTimerCount()).toBe(0);
});

test('a peak that stays what it was is looked at less and less often, until it grows', () => {
  vi.useFakeTimers({now: 0});
  let bytes = 5;
  let looks = 0;
  const peak = new PeakMemory(() => {
    looks += 1;
    return bytes;
  });
  const watched = peak.watch(1);
  vi.advanceTimersByTime(6000);
  const looksIn = (ms: number) => {
    const before = looks;
    vi.advanceTimersByTime(ms);
    return looks - before;
  };
  looksIn(120_000);
  expect(looksIn(80_000)).toBe(2);
  const growing = setInterval(() => (bytes += 1), 1000);
  looksIn(40_000);
  expect(looksIn(80_000)).toBe(8);
  clearInterval(growing);
  expect(watched.stop()).toBeGreaterThan(100);
  peak.close();
});
