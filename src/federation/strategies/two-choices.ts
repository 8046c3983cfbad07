import type {Random} from '../../base/random.ts';
import {freeIn, memberAt} from './compare.ts';
import type {Choice, Contestant, Pool} from './strategy.ts';

/** The one with the lower score of two different ones picked at random; of equals the first. */
export function betterOfTwo(
  pools: readonly Pool[],
  score: (contestant: Contestant, pool: Pool) => number,
  random: Random,
): Choice | null {
  const size = freeIn(pools);
  if (size === 0) return null;
  const place = Math.floor(random() * size);
  const first = memberAt(pools, place);
  if (!first) return null;
  const a = {contestant: first.contestant, score: score(first.contestant, first.pool)};
  const second = size === 1 ? null : memberAt(pools, (place + 1 + Math.floor(random() * (size - 1))) % size);
  if (!second) return {chosen: a.contestant, compared: [a]};
  const b = {contestant: second.contestant, score: score(second.contestant, second.pool)};
  return b.score < a.score ? {chosen: b.contestant, compared: [b, a]} : {chosen: a.contestant, compared: [a, b]};
}
