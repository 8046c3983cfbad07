import fc from 'fast-check';
import {afterEach, beforeEach, expect, test, vi} from 'vitest';
import {Alarms} from '../../../src/hub/client/alarms.ts';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

test('alarms ring in the order of their times, once, and not when they were taken back', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ms: fc.nat(1000), cancelAtMs: fc.option(fc.nat(1000))}), {maxLength: 200}),
      plan => {
        const startedMs = Date.now();
        const alarms = new Alarms(() => Date.now());
        const rung: number[] = [];
        const cancels = plan.map(({ms}, index) => alarms.after(ms, () => rung.push(index)));
        const cancelled = new Set<number>();
        for (let now = 0; now <= 1000; now += 50) {
          vi.advanceTimersByTime(startedMs + now - Date.now());
          for (const [index, {cancelAtMs}] of plan.entries()) {
            if (cancelAtMs === null || cancelAtMs > now || cancelled.has(index)) continue;
            cancels[index]!();
            if (!rung.includes(index)) cancelled.add(index);
          }
          expect(vi.getTimerCount()).toBeLessThanOrEqual(1);
        }
        vi.advanceTimersByTime(1000);
        const expected = plan.map((_, index) => index).filter(index => !cancelled.has(index));
        expect(rung).toEqual(expected.toSorted((a, b) => plan[a]!.ms - plan[b]!.ms || a - b));
        expect([alarms.size, vi.getTimerCount()]).toEqual([0, 0]);
      },
    ),
    {numRuns: 50},
  );
});

test('an alarm may set and take back others, and wait longer than a timer can', () => {
  const alarms = new Alarms(() => Date.now());
  const rung: string[] = [];
  const cancel = alarms.after(20, () => rung.push('never'));
  alarms.after(10, () => {
    cancel();
    alarms.after(0, () => rung.push('inner'));
  });
  const monthMs = 30 * 24 * 3_600_000;
  alarms.after(monthMs, () => rung.push('a month later'));
  vi.advanceTimersByTime(1000);
  expect([rung, alarms.size]).toEqual([['inner'], 1]);
  vi.advanceTimersByTime(monthMs);
  expect(rung).toEqual(['inner', 'a month later']);
});
