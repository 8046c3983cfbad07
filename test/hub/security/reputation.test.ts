import fc from 'fast-check';
import {expect, test} from 'vitest';
import {
  isTrusted,
  LEAST_RECALLED,
  meetsQuorum,
  NO_REPUTATION,
  type Outcome,
  type Reputation,
  REPUTATION_HALF_LIFE_MS,
  reputationOf,
  trustOf,
  withOutcome,
  withoutOutcome,
} from '../../../src/hub/security/reputation.ts';

const T = 1e12;
const after = (outcomes: readonly Outcome[]) => outcomes.reduce(withOutcome, NO_REPUTATION);
const many = (count: number, held: boolean, atMs = T) => Array.from({length: count}, () => ({held, atMs}));

test('trust is Laplace’s rule of succession', () => {
  expect(trustOf(NO_REPUTATION, T)).toBe(0.5);
  expect(trustOf(after(many(8, true)), T)).toBeCloseTo(9 / 10);
  expect(trustOf(after([...many(3, true), ...many(5, false)]), T)).toBeCloseTo(4 / 10);
});

test('an outcome counts half after the half-life, and in the end nothing', () => {
  const once = after(many(1, true));
  expect(trustOf(once, T + REPUTATION_HALF_LIFE_MS)).toBeCloseTo(1.5 / 2.5);
  expect(trustOf(once, T + 100 * REPUTATION_HALF_LIFE_MS)).toBeCloseTo(0.5);
  expect(isTrusted(after(many(10, true)), T + 10 * REPUTATION_HALF_LIFE_MS)).toBe(false);
});

test('nobody is trusted unseen, by one lucky outcome, or with as many bad ones', () => {
  expect(isTrusted(NO_REPUTATION, T)).toBe(false);
  expect(isTrusted(after(many(1, true)), T)).toBe(false);
  expect(isTrusted(after(many(2, true)), T)).toBe(true);
  expect(isTrusted(after([...many(5, true), ...many(5, false)]), T)).toBe(false);
  expect(isTrusted(after(many(2, true)), T, {least: 0.9, evidence: 2})).toBe(false);
});

test('the order of outcomes does not matter; a good one never lowers trust nor a bad one raises it', () => {
  const outcome = fc.record({
    held: fc.boolean(),
    weight: fc.double({min: 0, max: 1, noNaN: true}),
    atMs: fc.integer({min: T, max: T * 1.01}),
  });
  fc.assert(
    fc.property(fc.array(outcome, {minLength: 1, maxLength: 20}), fc.infiniteStream(fc.nat()), (outcomes, keys) => {
      const shuffled = outcomes
        .map(each => ({each, key: keys.next().value ?? 0}))
        .toSorted((a, b) => a.key - b.key)
        .map(({each}) => each);
      expect(trustOf(after(shuffled), T * 1.01)).toBeCloseTo(trustOf(after(outcomes), T * 1.01), 9);
      const trust = trustOf(after(outcomes), T * 1.01);
      const next = (held: boolean) => trustOf(after([...outcomes, {held, atMs: T * 1.01}]), T * 1.01);
      expect(next(true)).toBeGreaterThanOrEqual(trust - 1e-12);
      expect(next(false)).toBeLessThanOrEqual(trust + 1e-12);
      expect(trust).toBeGreaterThan(0);
      expect(trust).toBeLessThan(1);
    }),
  );
});

test('weights and times that are none are refused', () => {
  for (const weight of [-1, 2, Number.NaN])
    expect(() => withOutcome(NO_REPUTATION, {held: true, weight, atMs: T})).toThrow('weight');
  expect(() => withOutcome(NO_REPUTATION, {held: true, atMs: Number.NaN})).toThrow('time');
});

test('a lesson is recalled when enough others have confirmed it and nobody took it out', () => {
  expect(meetsQuorum({confirmed: 2, standing: 'active'}, 3)).toBe(false);
  expect(meetsQuorum({confirmed: 3, standing: 'active'}, 3)).toBe(true);
  expect(meetsQuorum({confirmed: 0, standing: 'active'}, 0)).toBe(true);
  expect(meetsQuorum({confirmed: 9, standing: 'quarantined'}, 3)).toBe(false);
  expect(meetsQuorum({confirmed: 9, standing: 'forgotten'}, 0)).toBe(false);
  for (const quorum of [-1, 0.5, Number.NaN])
    expect(() => meetsQuorum({confirmed: 1, standing: 'active'}, quorum)).toThrow('quorum');
});

test('an outcome that is taken back leaves what there was', () => {
  const outcome = fc.record({held: fc.boolean(), atMs: fc.integer({min: T, max: T * 1.01})});
  fc.assert(
    fc.property(fc.array(outcome, {maxLength: 10}), outcome, (outcomes, one) => {
      const before = after(outcomes);
      const back = withoutOutcome(withOutcome(before, one), one);
      expect(trustOf(back, T * 1.02)).toBeCloseTo(trustOf(before, T * 1.02), 9);
    }),
  );
});

test('nobody alone makes or breaks an agent, two who agree do', () => {
  const refuter = after(many(1000, false));
  const friend = after(many(1000, true));
  const trust = (...heard: readonly Reputation[]) => trustOf(reputationOf(heard, T), T);
  expect(trust()).toBe(0.5);
  expect(trust(refuter)).toBe(0.25);
  expect(trust(refuter)).toBeGreaterThanOrEqual(LEAST_RECALLED);
  expect(trust(refuter, refuter)).toBeLessThan(LEAST_RECALLED);
  expect(trust(friend)).toBe(0.75);
  expect(trust(friend, refuter, refuter)).toBeGreaterThan(LEAST_RECALLED);
  expect(trust(after(many(1, false)))).toBeGreaterThan(0.25);
});
