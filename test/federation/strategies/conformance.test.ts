import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {seededRandom} from '../../../src/base/random.ts';
import {STRATEGY_NAMES} from '../../../src/model/strategy.ts';
import {noteOutcome} from '../../../src/federation/agent-record.ts';
import type {Contestant, Strategy} from '../../../src/federation/strategies/strategy.ts';
import {strategyOf} from '../../../src/federation/strategies/strategy-of.ts';
import {contestants, type Puppet, poolOf, request} from './fabricated-contestants.ts';

/** What may happen to a strategy: who is named is by place among all there may be. */
type Step =
  | {readonly do: 'join' | 'leave' | 'free' | 'occupy'; readonly who: number}
  | {readonly do: 'end'; readonly who: number; readonly ok: boolean; readonly ms: number}
  | {readonly do: 'choose'; readonly key: number};

const WHO = fc.nat(11);
const STEP: fc.Arbitrary<Step> = fc.oneof(
  fc.record({do: fc.constantFrom('join', 'leave', 'free', 'occupy'), who: WHO}),
  fc.record({do: fc.constant('end' as const), who: WHO, ok: fc.boolean(), ms: fc.integer({min: 1, max: 100_000})}),
  fc.record({do: fc.constant('choose' as const), key: fc.nat(5)}),
);

/** Plays the steps; `look` sees every choice with who was free then. */
function play(
  strategy: Strategy,
  steps: readonly Step[],
  look: (choice: ReturnType<Strategy['choose']>, free: readonly Puppet[]) => void,
): void {
  const all = contestants(12).map((one, index) => ({...one, slots: 1 + (index % 3)}));
  const here = new Set<Puppet>();
  const free = new Set<Puppet>();
  let nowMs = 0;
  for (const step of steps) {
    nowMs += 1000;
    const one = 'who' in step ? all[step.who] : undefined;
    if (step.do === 'choose') {
      const half = [...free].filter((_, index) => index % 2 === 0);
      const rest = [...free].filter((_, index) => index % 2 === 1);
      const pools = [poolOf(half, {costPerHour: 1}), poolOf(rest, {costPerHour: null})];
      look(strategy.choose(pools, request({nowMs, affinity: `key ${step.key}`})), [...free]);
    } else if (!one) throw new Error('nobody there');
    else if (step.do === 'join') {
      here.add(one);
      strategy.join(one);
    } else if (step.do === 'leave') {
      here.delete(one);
      free.delete(one);
      strategy.leave(one);
    } else if (step.do === 'free' && here.has(one)) {
      one.load = Math.max(0, one.load - 1);
      free.add(one);
    } else if (step.do === 'occupy' && free.has(one)) {
      one.load += 1;
      if (one.load >= one.slots) free.delete(one);
    } else if (step.do === 'end') {
      one.record = noteOutcome(one.record, {ok: step.ok, durationMs: step.ms, usualMs: 5000, usd: null}, nowMs);
    }
  }
}

describe.each(STRATEGY_NAMES)('%s', name => {
  const make = (seed = 1) => strategyOf({name}, seededRandom(seed));

  it('chooses only who is free, and nobody only when nobody is', () => {
    fc.assert(
      fc.property(fc.array(STEP, {maxLength: 120}), steps => {
        play(make(), steps, (choice, free) => {
          expect(choice === null).toBe(free.length === 0);
          if (choice) expect(free).toContain(choice.chosen);
        });
      }),
    );
  });

  it('says whom it compared, the chosen one first and nobody twice, at most five', () => {
    fc.assert(
      fc.property(fc.array(STEP, {maxLength: 120}), steps => {
        play(make(), steps, (choice, free) => {
          if (!choice) return;
          const [first, ...others] = choice.compared;
          expect(first?.contestant).toBe(choice.chosen);
          expect(choice.compared.length).toBeLessThanOrEqual(5);
          expect(new Set(choice.compared.map(({contestant}) => contestant)).size).toBe(choice.compared.length);
          for (const {contestant, score} of choice.compared) {
            expect(free).toContain(contestant);
            expect(Number.isFinite(score)).toBe(true);
          }
          for (const {score} of others) expect(score).toBeGreaterThanOrEqual(first?.score ?? Number.NaN);
        });
      }),
    );
  });

  it('chooses the same for the same calls and seed', () => {
    fc.assert(
      fc.property(fc.array(STEP, {maxLength: 120}), fc.nat(1000), (steps, seed) => {
        const choices = (strategy: Strategy) => {
          const ids: (string | null)[] = [];
          play(strategy, steps, choice => ids.push(choice?.chosen.id ?? null));
          return ids;
        };
        expect(choices(make(seed))).toEqual(choices(make(seed)));
      }),
    );
  });

  it('lets nobody who is as good as the others wait for ever', () => {
    fc.assert(
      fc.property(fc.integer({min: 1, max: 20}), fc.nat(1000), (count, seed) => {
        const strategy = make(seed);
        const all = contestants(count);
        for (const one of all) strategy.join(one);
        const pools = [poolOf(all)];
        const chosen = new Set<Contestant>();
        for (let n = 0; n < count * 60 && chosen.size < count; n += 1) {
          const choice = strategy.choose(pools, request({affinity: `task ${n}`}));
          const one = all.find(({id}) => id === choice?.chosen.id);
          if (!one) continue;
          chosen.add(one);
          one.turn = count + n;
        }
        expect(chosen.size).toBe(count);
      }),
      {numRuns: 30},
    );
  });

  it('forgets who has left and takes who has come', () => {
    const strategy = make();
    const [old, young] = contestants(2);
    if (!old || !young) throw new Error('nobody there');
    strategy.join(old);
    expect(strategy.choose([poolOf([old])], request())?.chosen).toBe(old);
    strategy.leave(old);
    strategy.join(young);
    for (let n = 0; n < 20; n += 1) {
      expect(strategy.choose([poolOf([young])], request({affinity: `${n}`}))?.chosen).toBe(young);
    }
    expect(strategy.choose([poolOf([])], request())).toBeNull();
  });
});

it.each(['weighted', 'least-connections', 'power-of-two', 'peak-ewma'] as const)(
  '%s prefers others to one that stands out, and takes it when nobody else is there',
  name => {
    const strategy = strategyOf({name}, seededRandom(1));
    const [odd, other] = contestants(2).map((one, index) => (index === 0 ? {...one, handicap: 1.5, burden: 1.5} : one));
    if (!odd || !other) throw new Error('nobody there');
    for (const one of [odd, other]) strategy.join(one);
    for (let n = 0; n < 20; n += 1) {
      expect(strategy.choose([poolOf([odd, other])], request({affinity: `${n}`}))?.chosen).toBe(other);
    }
    expect(strategy.choose([poolOf([odd])], request())?.chosen).toBe(odd);
  },
);
