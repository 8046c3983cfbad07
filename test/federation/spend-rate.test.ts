import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {HOUR_MS, SpendRate} from '../../src/federation/spend-rate.ts';

const MINUTE = 60_000;

describe('what has been spent within the hour', () => {
  it('is all of the last hour, and nothing once it is more than an hour and a minute ago', () => {
    const rate = new SpendRate();
    rate.add(2, 0);
    rate.add(3, 30 * MINUTE);
    expect(rate.lastHour(60 * MINUTE)).toBe(5);
    expect(rate.lastHour(61 * MINUTE)).toBe(3);
    expect(rate.lastHour(91 * MINUTE)).toBe(0);
  });

  it('is never less than what was spent in the sixty minutes before, nor more than in sixty-one', () => {
    const spent = fc.array(
      fc.record({afterMs: fc.integer({min: 0, max: 20 * MINUTE}), usd: fc.integer({min: 1, max: 9})}),
    );
    fc.assert(
      fc.property(spent, amounts => {
        const rate = new SpendRate();
        const log: {usd: number; atMs: number}[] = [];
        let nowMs = 0;
        for (const {afterMs, usd} of amounts) {
          nowMs += afterMs;
          rate.add(usd, nowMs);
          log.push({usd, atMs: nowMs});
          const since = (ms: number) =>
            log.filter(({atMs}) => atMs > nowMs - ms).reduce((sum, {usd: amount}) => sum + amount, 0);
          expect(rate.lastHour(nowMs)).toBeGreaterThanOrEqual(since(HOUR_MS));
          expect(rate.lastHour(nowMs)).toBeLessThanOrEqual(since(HOUR_MS + MINUTE));
        }
      }),
    );
  });

  it('says when it will be no more than so much', () => {
    const rate = new SpendRate();
    rate.add(2, 0);
    rate.add(3, 30 * MINUTE);
    const atMs = rate.whenAtMost(3, 40 * MINUTE);
    expect(atMs).toBe(61 * MINUTE);
    expect(rate.whenAtMost(5, 40 * MINUTE)).toBe(40 * MINUTE);
    expect(rate.whenAtMost(0, 40 * MINUTE)).toBe(91 * MINUTE);
    expect(rate.lastHour(atMs)).toBeLessThanOrEqual(3);
  });

  it('makes a rate of it, of no less than five minutes', () => {
    const rate = new SpendRate();
    expect(rate.perHour(0)).toBe(0);
    rate.add(1, 0);
    expect(rate.perHour(1000)).toBe(12);
    expect(rate.perHour(30 * MINUTE)).toBe(2);
  });

  it('takes what was spent before a restart to have been spent evenly', () => {
    const rate = new SpendRate();
    rate.resume({usd: 40, sinceMs: -3 * HOUR_MS, nowMs: HOUR_MS});
    expect(rate.lastHour(HOUR_MS)).toBeCloseTo(10);
    const young = new SpendRate();
    young.resume({usd: 40, sinceMs: 0, nowMs: 10 * MINUTE});
    expect(young.lastHour(10 * MINUTE)).toBeCloseTo(40);
    expect(young.lastHour(71 * MINUTE)).toBe(0);
    const justBegun = new SpendRate();
    justBegun.resume({usd: 40, sinceMs: 5, nowMs: 5});
    expect(justBegun.lastHour(5)).toBe(40);
  });
});
