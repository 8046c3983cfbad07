import {type Random, seededRandom} from '../../base/random.ts';
import type {Weights} from '../../model/strategy.ts';
import {DECAY} from '../agent-record.ts';
import {expected} from '../decaying-mean.ts';
import {lowest} from './compare.ts';
import type {Choice, Contestant, Pool, Request, Strategy} from './strategy.ts';

/** Measured in docs/balancing.md. */
export const DEFAULT_WEIGHTS: Weights = {speed: 0.5, cost: 0.1, reliability: 0.4};

/** What is expected anyway counts as much as this many attempts. */
const TRUST = 2;
/** Nobody is expected to be perfectly reliable, nor never to be. */
const LEAST_RELIABLE = 0.01;
/** However cheap something is, it is not used at any price in time. */
const MOST_COST_RATIO = 20;
const HOUR_MS = 3_600_000;

/**
 * Least connections where the connections are weighted by how fast, cheap and reliable each agent has been. The score is a
 * product of powers, so that units do not matter and who else is compared changes nothing:
 *
 *     (expected time × its load)^speed × price^cost × (1 / reliability)^reliability
 */
export class WeightedStrategy implements Strategy {
  readonly name = 'weighted';
  readonly #random: Random;
  readonly #weights: Weights;

  constructor({weights = DEFAULT_WEIGHTS, random = seededRandom(1)}: {weights?: Weights; random?: Random} = {}) {
    this.#weights = normalised(weights);
    this.#random = random;
  }

  join(): void {
    // What it compares stands in the agents' records.
  }

  leave(): void {
    // Likewise.
  }

  choose(pools: readonly Pool[], {nowMs, preferredCost}: Request): Choice | null {
    const weights = preferredCost === 'high' ? normalised({...this.#weights, cost: 0}) : this.#weights;
    const usualUsd = weights.cost > 0 ? usualCost(pools) : null;
    return lowest(pools, (contestant, pool) => scoreOf(contestant, pool, {weights, nowMs, usualUsd}), this.#random);
  }
}

/** So that they sum to 1. Weights that say nothing count alike. */
export function normalised({speed, cost, reliability}: Weights): Weights {
  const sum = speed + cost + reliability;
  if (![speed, cost, reliability].every(weight => weight >= 0 && Number.isFinite(weight))) {
    throw new RangeError(`weights are numbers from 0 on, but these are ${speed}, ${cost} and ${reliability}`);
  }
  return sum > 0 ? {speed: speed / sum, cost: cost / sum, reliability: reliability / sum} : normalised(DEFAULT_WEIGHTS);
}

interface Scale {
  readonly weights: Weights;
  readonly nowMs: number;
  /** What an attempt costs on the average of the pools; null: unknown, or it does not count. */
  readonly usualUsd: number | null;
}

function scoreOf(contestant: Contestant, pool: Pool, {weights, nowMs, usualUsd}: Scale): number {
  const {record, load, slots, hostLoad} = contestant;
  const {prior} = pool;
  const at = {trust: TRUST, nowMs, halfLifeMs: DECAY.halfLifeMs};
  const slowness = Math.exp(expected(record.slowness, {...at, prior: Math.log(prior.slowness)}));
  const reliability = 1 - expected(record.faults, {...at, prior: prior.errorRate});
  const crowd = 1 + pool.crowding + Math.min(hostLoad / slots, 1) * 1e-3;
  const score =
    (slowness * ((load + 1) / slots) * crowd) ** weights.speed *
    (1 / Math.max(reliability, LEAST_RELIABLE)) ** weights.reliability;
  if (usualUsd === null) return score;
  const usd = costOf(pool, {
    slowness,
    usd: record.usd.weight > 0 ? expected(record.usd, {...at, prior: prior.usd ?? 0}) : prior.usd,
  });
  return usd === null
    ? score
    : score * Math.min(Math.max(usd / usualUsd, 1 / MOST_COST_RATIO), MOST_COST_RATIO) ** weights.cost;
}

/** What an attempt is expected to cost, by the hour and by use; null: nothing is known of either. */
function costOf({costPerHour, prior}: Pool, {slowness, usd}: {slowness: number; usd: number | null}): number | null {
  if (costPerHour === null) return usd;
  return (costPerHour * prior.durationMs * slowness) / HOUR_MS + (usd ?? 0);
}

function usualCost(pools: readonly Pool[]): number | null {
  let sum = 0;
  let count = 0;
  for (const pool of pools) {
    const usd = costOf(pool, pool.prior);
    if (usd === null) continue;
    sum += usd;
    count += 1;
  }
  return sum > 0 ? sum / count : null;
}
