import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {chooseForgotten, type ForgetPolicy, worth} from '../../../src/hub/recall/forget.ts';
import {DAY_MS, lesson, NOW} from './lessons.ts';

const POLICY: ForgetPolicy = {capacity: null, lifetimeMs: null, halfLifeMs: 30 * DAY_MS};

const drawn = fc
  .uniqueArray(
    fc.record({
      key: fc.nat(1000),
      ageDays: fc.integer({min: 0, max: 400}),
      reward: fc.double({min: 0, max: 1, noNaN: true}),
      uses: fc.nat(1000),
      standing: fc.constantFrom('active' as const, 'quarantined' as const, 'forgotten' as const),
      expiresAtMs: fc.constantFrom(null, NOW - 1, NOW + 1),
    }),
    {selector: ({key}) => key, maxLength: 40},
  )
  .map(sketches =>
    sketches.map(({key, ageDays, reward, uses, standing, expiresAtMs}) =>
      lesson({key, ageDays, vector: null, episode: {reward, expiresAtMs}, state: {uses, standing}}),
    ),
  );

describe('chooseForgotten', () => {
  test('forgets nothing when nothing is asked', () => {
    expect(chooseForgotten([lesson({key: 1, ageDays: 5000})], POLICY, NOW)).toEqual([]);
  });

  test('forgets what has expired and what has lived its time; what names its own end keeps to that', () => {
    const lessons = [
      lesson({key: 1, episode: {expiresAtMs: NOW}}),
      lesson({key: 2, ageDays: 11}),
      lesson({key: 3, ageDays: 11, episode: {expiresAtMs: NOW + 1}}),
      lesson({key: 4, ageDays: 9}),
    ];
    const decisions = chooseForgotten(lessons, {...POLICY, lifetimeMs: 10 * DAY_MS}, NOW);
    expect(decisions.map(({key, reason}) => [key, reason])).toEqual([
      [1, 'expired'],
      [2, 'lifetime'],
    ]);
    expect(decisions[0]?.detail).toBe('It was to be kept until 2027-01-15T08:00:00.000Z.');
    expect(decisions[1]?.detail).toBe('It is older than 10.0 days.');
  });

  test('forgets first what is old, unused, badly rewarded, badly judged or quarantined', () => {
    const good = {ageDays: 1, episode: {reward: 0.9}, state: {uses: 5, up: 2}};
    for (const worse of [
      {...good, ageDays: 200},
      {...good, episode: {reward: 0.1}},
      {...good, state: {...good.state, uses: 0}},
      {...good, state: {...good.state, down: 9}},
      {...good, state: {...good.state, standing: 'quarantined' as const}},
    ]) {
      const lessons = [lesson({key: 1, ...good}), lesson({key: 2, ...worse}), lesson({key: 3, ...good})];
      const [decision, ...others] = chooseForgotten(lessons, {...POLICY, capacity: 2}, NOW);
      expect(decision).toMatchObject({key: 2, episode: 'e2', reason: 'capacity'});
      expect(decision?.detail).toMatch(/^There is room for 2 episodes and there are 3: /);
      expect(others).toEqual([]);
    }
  });

  test('law: exactly as many stay as may, none that stays is worth less, and each has a reason once', () => {
    fc.assert(
      fc.property(drawn, fc.nat(20), (lessons, capacity) => {
        const policy = {...POLICY, capacity, lifetimeMs: 300 * DAY_MS};
        const decisions = chooseForgotten(lessons, policy, NOW);
        const gone = new Map(decisions.map(decision => [decision.key, decision]));
        expect(gone.size).toBe(decisions.length);
        const present = lessons.filter(({state}) => state.standing !== 'forgotten');
        const staying = present.filter(({key}) => !gone.has(key));
        const ended = decisions.filter(({reason}) => reason !== 'capacity').length;
        expect(staying.length).toBe(Math.min(capacity, present.length - ended));
        const least = Math.min(...staying.map(each => worth(each, policy.halfLifeMs, NOW)));
        for (const {reason, value, detail} of decisions) {
          expect(detail).not.toBe('');
          if (reason === 'capacity') expect(value).toBeLessThanOrEqual(least);
        }
        expect(chooseForgotten(lessons.toReversed(), policy, NOW)).toEqual(decisions);
      }),
    );
  });
});
