import type {PreferredCost} from '../model/strategy.ts';
import type {Pool} from './strategies/strategy.ts';

export interface CostWish {
  readonly preferredCost?: PreferredCost | undefined;
  /** How much time is left, in milliseconds; absent: as much as it takes. */
  readonly deadlineInMs?: number | undefined;
}

/**
 * The pools to choose from by what they cost. With a deadline those that are expected to make it, of which the cheapest unless more
 * may be spent, or the fastest when none is. Else with `low` the cheapest that has somebody free. Pools whose price nobody knows come
 * last.
 */
export function affordable(pools: readonly Pool[], {preferredCost, deadlineInMs}: CostWish): readonly Pool[] {
  const open = pools.filter(({free}) => free.size > 0);
  if (open.length <= 1) return open;
  if (deadlineInMs !== undefined) {
    const inTime = open.filter(pool => expectedMs(pool) <= deadlineInMs);
    if (inTime.length === 0) return leastBy(open, expectedMs);
    return preferredCost === 'high' || preferredCost === 'medium' ? inTime : leastBy(inTime, price);
  }
  return preferredCost === 'low' ? leastBy(open, price) : open;
}

function expectedMs({prior}: Pool): number {
  return prior.durationMs * Math.exp(prior.slowness);
}

/** Of an attempt, in USD. */
function price({costPerHour, prior}: Pool): number {
  if (costPerHour === null) return prior.usd ?? Number.POSITIVE_INFINITY;
  return (costPerHour * prior.durationMs * Math.exp(prior.slowness)) / 3_600_000 + (prior.usd ?? 0);
}

function leastBy(pools: readonly Pool[], value: (pool: Pool) => number): readonly Pool[] {
  const least = Math.min(...pools.map(value));
  return pools.filter(pool => value(pool) === least);
}
