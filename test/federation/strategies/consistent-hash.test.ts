import fc from 'fast-check';
import {expect, test} from 'vitest';
import {ConsistentHashStrategy} from '../../../src/federation/strategies/consistent-hash.ts';
import {contestant, poolOf, type Puppet, request} from './fabricated-contestants.ts';

const KEYS = Array.from({length: 2000}, (_, n) => `repo-${n}`);

/** Who has each key when nobody is busy. */
function owners(strategy: ConsistentHashStrategy, all: readonly Puppet[]): readonly (string | undefined)[] {
  const pools = [poolOf(all)];
  return KEYS.map(affinity => strategy.choose(pools, request({affinity}))?.chosen.id);
}

function team(prefix: string, count: number): {strategy: ConsistentHashStrategy; all: Puppet[]} {
  const strategy = new ConsistentHashStrategy();
  const all = Array.from({length: count}, (_, n) => contestant(`${prefix}-${n}`));
  for (const one of all) strategy.join(one);
  return {strategy, all};
}

test('when an agent leaves only its keys move, which are about one in as many as there are agents', () => {
  fc.assert(
    // More than 64 are found by another way than fewer.
    fc.property(fc.integer({min: 2, max: 90}), fc.nat(), fc.nat(1000), (count, who, prefix) => {
      const {strategy, all} = team(`t${prefix}`, count);
      const before = owners(strategy, all);
      const leaver = all[who % count];
      if (!leaver) throw new Error('nobody there');
      strategy.leave(leaver);
      const after = owners(
        strategy,
        all.filter(one => one !== leaver),
      );
      const moved = before.filter((owner, index) => owner !== after[index]);
      expect(new Set(moved).size).toBeLessThanOrEqual(1);
      expect(moved.every(owner => owner === leaver.id)).toBe(true);
      // 64 places on the ring each: shares differ by about an eighth, and by half only ever so seldom.
      expect(moved.length / KEYS.length).toBeLessThan(1.6 / count + 0.02);
      strategy.join(leaver);
      expect(owners(strategy, all)).toEqual(before);
    }),
    {numRuns: 25},
  );
});

test('a key that everybody wants does not fill up its agent while others have little to do', () => {
  fc.assert(
    fc.property(fc.integer({min: 2, max: 80}), fc.integer({min: 2, max: 8}), fc.nat(1000), (count, slots, hot) => {
      const strategy = new ConsistentHashStrategy();
      const all = Array.from({length: count}, (_, n) => contestant(`a-${n}`, {slots}));
      for (const one of all) strategy.join(one);
      const pools = [poolOf(all)];
      for (let given = 1; given <= count * slots; given += 1) {
        const chosen = strategy.choose(pools, request({affinity: `hot-${hot}`}))?.chosen;
        const one = all.find(each => each === chosen);
        if (!one) throw new Error('somebody is free');
        one.load += 1;
        // At most a quarter more than its part of all that is at work, and one attempt in any case.
        expect(one.load).toBeLessThanOrEqual(Math.ceil((1.25 * given) / count));
        if (one.load === slots) pools[0]?.free.remove(one);
      }
    }),
    {numRuns: 25},
  );
});
