import fc from 'fast-check';
import {expect, it} from 'vitest';
import {fairShare} from '../../../src/daemon/admission/fair-share.ts';

function sharesOf(total: number, wants: readonly number[], turn = 0): number[] {
  const claims = wants.map((want, index) => ({project: `p${index}`, want}));
  return claims.map(({project}) => fairShare({total, claims, project, turn}));
}

it.each([
  [10, [50], [10]],
  [10, [50, 50], [5, 5]],
  [10, [2, 50], [2, 8]],
  [10, [50, 1, 50, 3], [3, 1, 3, 3]],
  [10, [3, 4], [3, 4]],
  [0, [3, 4], [0, 0]],
  [Number.POSITIVE_INFINITY, [3, 4], [3, 4]],
])('%s among those who want %s is %s', (total, wants, shares) => {
  expect(sharesOf(total, wants)).toEqual(shares);
});

it('gives what cannot be divided to each in its turn', () => {
  expect([0, 1, 2, 3].map(turn => sharesOf(1, [9, 9, 9], turn).indexOf(1))).toEqual([0, 2, 1, 0]);
});

it('gives away everything that is wanted and there, no more, and to nobody less than to another who wants no more', () => {
  fc.assert(
    fc.property(
      fc.integer({min: 0, max: 300}),
      fc.array(fc.integer({min: 0, max: 100}), {minLength: 1, maxLength: 6}),
      fc.nat(1000),
      (total, wants, turn) => {
        const shares = sharesOf(total, wants, turn);
        const wanted = wants.reduce((sum, want) => sum + want, 0);
        expect(shares.reduce((sum, share) => sum + share, 0)).toBe(Math.min(total, wanted));
        for (const [index, share] of shares.entries()) {
          expect(share).toBeLessThanOrEqual(wants[index] ?? 0);
          const others = shares.filter((_, other) => (wants[other] ?? 0) <= (wants[index] ?? 0));
          if (share < (wants[index] ?? 0)) expect(Math.max(...others)).toBeLessThanOrEqual(share + 1);
        }
      },
    ),
  );
});
