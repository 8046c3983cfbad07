import type {Random} from '../../base/random.ts';
import {peakNow} from '../peak.ts';
import {betterOfTwo} from './two-choices.ts';
import type {Choice, Contestant, Pool, Request, Strategy} from './strategy.ts';

/**
 * Of two picked at random, the one whose latency times what it has to do is lower, as in Finagle's `p2cPeakEwma`: latency is a
 * mean that jumps up at once and comes down slowly. Of whom nothing is known is expected what is usual.
 */
export class PeakEwmaStrategy implements Strategy {
  readonly name = 'peak-ewma';
  readonly #random: Random;

  constructor({random}: {random: Random}) {
    this.#random = random;
  }

  join(): void {
    // What it compares stands in the agents' records.
  }

  leave(): void {
    // Likewise.
  }

  choose(pools: readonly Pool[], {nowMs}: Request): Choice | null {
    return betterOfTwo(pools, (contestant, pool) => cost(contestant, pool, nowMs), this.#random);
  }
}

function cost({load, slots, record, burden}: Contestant, {prior}: Pool, nowMs: number): number {
  const latencyMs = record.peak === null ? prior.durationMs * Math.exp(prior.slowness) : peakNow(record.peak, nowMs);
  return latencyMs * burden * ((load + 1) / slots);
}
