import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {leastWorth, worth} from '../../../src/hub/recall/forget.ts';
import {lesson, NOW} from './lessons.ts';

const drawn = fc
  .uniqueArray(
    fc.record({
      key: fc.nat(1000),
      ageDays: fc.integer({min: 0, max: 400}),
      reward: fc.double({min: 0, max: 1, noNaN: true}),
      uses: fc.nat(1000),
      standing: fc.constantFrom('active' as const, 'quarantined' as const, 'merged' as const),
    }),
    {selector: ({key}) => key, maxLength: 40},
  )
  .map(sketches =>
    sketches.map(({key, ageDays, reward, uses, standing}) =>
      lesson({key, ageDays, episode: {reward}, state: {uses, standing}}),
    ),
  );

describe('leastWorth', () => {
  test('is what is old, unused, badly rewarded, badly judged, quarantined or merged', () => {
    const good = {ageDays: 1, episode: {reward: 0.9}, state: {uses: 5, up: 2}};
    for (const worse of [
      {...good, ageDays: 200},
      {...good, episode: {reward: 0.1}},
      {...good, state: {...good.state, uses: 0}},
      {...good, state: {...good.state, down: 9}},
      {...good, state: {...good.state, standing: 'quarantined' as const}},
      {...good, state: {...good.state, standing: 'merged' as const}},
    ]) {
      const lessons = [lesson({key: 1, ...good}), lesson({key: 2, ...worse}), lesson({key: 3, ...good})];
      const [decision, ...others] = leastWorth(lessons, 1, NOW);
      expect(decision?.episode).toBe('e2');
      expect(decision?.detail).toMatch(/^\w+, [\d.]+ days old, used \d+ times, reward [\d.]+: worth [\d.e-]+$/);
      expect(others).toEqual([]);
    }
  });

  test('law: as many as are asked for, none that stays is worth less, in whatever order they come', () => {
    fc.assert(
      fc.property(drawn, fc.nat(20), (lessons, count) => {
        const gone = new Set(leastWorth(lessons, count, NOW).map(({episode}) => episode));
        expect(gone.size).toBe(Math.min(count, lessons.length));
        const [left, taken] = [
          lessons.filter(({episode}) => !gone.has(episode.id)),
          lessons.filter(({episode}) => gone.has(episode.id)),
        ];
        const least = Math.min(...left.map(each => worth(each, NOW)));
        for (const each of taken) expect(worth(each, NOW)).toBeLessThanOrEqual(least);
        expect(leastWorth(lessons.toReversed(), count, NOW).map(({episode}) => episode)).toEqual([...gone]);
      }),
    );
  });
});
