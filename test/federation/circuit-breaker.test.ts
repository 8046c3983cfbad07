import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {
  allowance,
  type Breaker,
  BREAKER_RULES,
  type BreakerSignal,
  CLOSED,
  isOverdue,
  next,
  openForMs,
} from '../../src/federation/circuit-breaker.ts';

const rules = BREAKER_RULES;
const after = (breaker: Breaker, signals: readonly BreakerSignal[], nowMs = 0) =>
  signals.reduce((state, signal) => next(state, signal, {nowMs, rules}), breaker);
const SIGNAL = fc.constantFrom<BreakerSignal>('succeeded', 'failed', 'trip', 'probe', 'released', 'time');

describe('a breaker', () => {
  it('is overdue after five failures one after the other, and not when one succeeds between them', () => {
    const failures = (count: number) => Array.from({length: count}, (): BreakerSignal => 'failed');
    expect(isOverdue(after(CLOSED, failures(4)), {nowMs: 0, rules})).toBe(false);
    expect(isOverdue(after(CLOSED, failures(5)), {nowMs: 0, rules})).toBe(true);
    expect(isOverdue(after(CLOSED, [...failures(4), 'succeeded', ...failures(4)]), {nowMs: 0, rules})).toBe(false);
  });

  it('is overdue when half of many outcomes are failures, and no more once that was long ago', () => {
    const turns = Array.from({length: 20}, (_, n): BreakerSignal => (n % 3 === 0 ? 'succeeded' : 'failed'));
    const breaker = after(CLOSED, turns);
    expect(isOverdue(breaker, {nowMs: 0, rules})).toBe(true);
    expect(isOverdue(breaker, {nowMs: 10 * rules.windowMs, rules})).toBe(false);
  });

  it('lets one attempt through when its time is over, and closes when that succeeds', () => {
    const open = after(CLOSED, ['trip']);
    expect(allowance(open, 4)).toBe(0);
    expect(after(open, ['time'], rules.openMs - 1).name).toBe('open');
    const half = after(open, ['time'], rules.openMs);
    expect(half.name).toBe('half-open');
    expect(allowance(half, 4)).toBe(1);
    expect(after(half, ['probe', 'succeeded']).name).toBe('closed');
    expect(after(half, ['probe', 'released']).name).toBe('half-open');
  });

  it('is open twice as long each time, up to an hour, and forgets that while it works', () => {
    let breaker: Breaker = CLOSED;
    let nowMs = 0;
    const times: number[] = [];
    for (let n = 0; n < 10; n += 1) {
      breaker = next(breaker, n === 0 ? 'trip' : 'failed', {nowMs, rules});
      if (breaker.name !== 'open') throw new Error(breaker.name);
      times.push(breaker.untilMs - nowMs);
      nowMs = breaker.untilMs;
      breaker = next(breaker, 'time', {nowMs, rules});
    }
    expect(times.slice(0, 3)).toEqual([30_000, 60_000, 120_000]);
    expect(times.at(-1)).toBe(rules.maxOpenMs);
    const closed = next(breaker, 'succeeded', {nowMs, rules});
    const soon = next(closed, 'trip', {nowMs: nowMs + 1, rules});
    expect(soon.name === 'open' && soon.untilMs - nowMs - 1).toBe(rules.maxOpenMs);
    const later = next(closed, 'trip', {nowMs: nowMs + 100 * rules.maxOpenMs, rules});
    expect(later.name === 'open' && later.untilMs - nowMs - 100 * rules.maxOpenMs).toBe(rules.openMs);
  });

  it('never opens by itself, never closes but by a success, and is never open for longer than it may', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(SIGNAL, fc.nat(100_000)), {maxLength: 60}), steps => {
        let breaker: Breaker = CLOSED;
        let nowMs = 0;
        for (const [signal, ms] of steps) {
          nowMs += ms;
          const before: Breaker = breaker;
          breaker = next(before, signal, {nowMs, rules});
          if (before.name === 'closed' && breaker.name !== 'closed') expect(signal).toBe('trip');
          if (before.name !== 'closed' && breaker.name === 'closed') {
            expect([before.name, signal]).toEqual(['half-open', 'succeeded']);
          }
          if (breaker.name === 'open') expect(breaker.untilMs - nowMs).toBeLessThanOrEqual(rules.maxOpenMs);
        }
      }),
    );
  });

  it('is open longer the more often it was, and never for less than at first', () => {
    fc.assert(
      fc.property(fc.nat(200), trips => {
        expect(openForMs(trips + 1, rules)).toBeGreaterThanOrEqual(openForMs(trips, rules));
        expect(openForMs(trips, rules)).toBeGreaterThanOrEqual(rules.openMs);
      }),
    );
  });
});
