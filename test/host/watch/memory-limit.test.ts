import fc from 'fast-check';
import {expect, test} from 'vitest';
import {MemoryLimit} from '../../../src/host/watch/memory-limit.ts';

test.each([
  [
    [100, 200, 300],
    ['fine', 'fine', 'fine'],
  ],
  [
    [550, 590, 610, 650],
    ['watch', 'fine', 'watch', 'watch'],
  ],
  [
    [790, 810, 850, 799, 820],
    ['watch', 'warn', 'watch', 'watch', 'watch'],
  ],
  [
    [790, 1000],
    ['watch', 'over'],
  ],
  [
    [300, 1099, 1100],
    ['watch', 'over', 'runaway'],
  ],
  [
    [0, 150],
    ['fine', 'watch'],
  ],
])('of 1000: %j is %j', (uses, judgements) => {
  const limit = new MemoryLimit(1000);
  expect(uses.map(use => limit.judge(use))).toEqual(judgements);
});

test('it is over exactly when the limit is reached, and warns at most once', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({min: 0, max: 2000})), uses => {
      const limit = new MemoryLimit(1000);
      const judgements = uses.map(use => limit.judge(use));
      expect(judgements.map(judgement => judgement === 'over' || judgement === 'runaway')).toEqual(
        uses.map(use => use >= 1000),
      );
      expect(judgements.filter(judgement => judgement === 'warn').length).toBeLessThanOrEqual(1);
    }),
  );
});
