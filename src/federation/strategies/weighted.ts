import {type Random, seededRandom} from '../../base/random.ts';
import type {Weights} from '../../model/strategy.ts';
import {type AgentRecord, DECAY} from '../agent-record.ts';
import {type DecayingMean, drawn, faded} from '../decaying-mean.ts';
import {lowest} from './compare.ts';
import type {Choice, Contestant, Pool, Request, Strategy} from './strategy.ts';

/** Measured in docs/balancing.md. */
export const DEFAULT_WEIGHTS: Weights = {speed: 0.5, cost: 0.1, reliability: 0.4};

/** What is expected anyway counts as much as this many attempts. */
const TRUST = 2;
/** Nobody is expected to be perfectly reliable, nor never to be. */
const LEAST_RELIABLE = 0.01;
/** However cheap something is, it is not used at any price in time. */
const MOST_LOG_COST = Math.log(20);
/** What is known of an agent fades slowly: without news it is looked at again after this long. */
const HOLDS_MS = 10_000;
const HOUR_MS = 3_600_000;

/**
 * Least connections where the connections are weighted by how fast, cheap and reliable each agent has been. The score is a
 * product of powers, so that units do not matter and who else is compared changes nothing:
 *
 *     (expected time × its load)^speed × price^cost × (1 / reliability)^reliability × burden
 */
export class WeightedStrategy implements Strategy {
  readonly name = 'weighted';
  readonly #random: Random;
  readonly #weights: Weights;
  readonly #known = new Map<Contestant, Known>();

  constructor({weights = DEFAULT_WEIGHTS, random = seededRandom(1)}: {weights?: Weights; random?: Random} = {}) {
    this.#weights = normalised(weights);
    this.#random = random;
  }

  join(contestant: Contestant): void {
    if (!this.#known.has(contestant)) this.#known.set(contestant, {...NOTHING});
  }

  leave(contestant: Contestant): void {
    this.#known.delete(contestant);
  }

  choose(pools: readonly Pool[], {nowMs, preferredCost}: Request): Choice | null {
    const weights = preferredCost === 'high' ? normalised({...this.#weights, cost: 0}) : this.#weights;
    const usualUsd = weights.cost > 0 ? usualCost(pools) : null;
    const logUsual = usualUsd === null ? null : Math.log(usualUsd);
    const score = (contestant: Contestant, pool: Pool) => {
      const known = this.#known.get(contestant);
      if (!known) return Number.POSITIVE_INFINITY;
      const isOld = nowMs - known.atMs > HOLDS_MS || known.record !== contestant.record || known.of !== pool.prior.of;
      if (isOld) learn(known, {contestant, pool, nowMs});
      const work = weights.speed * (known.slowness + Math.log(workOf(contestant, pool)));
      const cost = logUsual === null || known.logUsd === null ? 0 : weights.cost * within(known.logUsd - logUsual);
      const odd = contestant.burden === 1 ? 0 : Math.log(contestant.burden);
      return work + cost + weights.reliability * known.unreliability + odd;
    };
    const choice = lowest(pools, score, this.#random);
    if (!choice) return null;
    const {chosen, compared} = choice;
    return {chosen, compared: compared.map(({contestant, score}) => ({contestant, score: Math.exp(score)}))};
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

/** What makes up the score of somebody but for its load, as logarithms, which add up. */
interface Known {
  atMs: number;
  record: AgentRecord | null;
  of: string | null;
  slowness: number;
  unreliability: number;
  /** Of what an attempt costs in USD; null: unknown. */
  logUsd: number | null;
}

const NOTHING: Known = {atMs: 0, record: null, of: null, slowness: 0, unreliability: 0, logUsd: null};

function learn(known: Known, {contestant, pool, nowMs}: {contestant: Contestant; pool: Pool; nowMs: number}): void {
  const {record} = contestant;
  const {prior} = pool;
  // Most often all was last measured at the same time: what the time has left of it is worked out once.
  let share = 1;
  let atMs = nowMs;
  const expect = (mean: DecayingMean, anyway: number) => {
    if (mean.weight === 0) return anyway;
    if (mean.atMs !== atMs) share = faded({...mean, weight: 1}, nowMs, DECAY.halfLifeMs);
    atMs = mean.atMs;
    return drawn(mean, {prior: anyway, trust: TRUST, left: mean.weight * share});
  };
  known.atMs = nowMs;
  known.record = record;
  known.of = prior.of;
  known.slowness = expect(record.slowness, prior.slowness);
  known.unreliability = -Math.log(Math.max(1 - expect(record.faults, prior.errorRate), LEAST_RELIABLE));
  const usd = record.usd.weight === 0 ? prior.usd : expect(record.usd, prior.usd ?? 0);
  const cost = pool.costPerHour === null ? usd : costOf(pool, {slowness: known.slowness, usd});
  known.logUsd = cost === null ? null : Math.log(Math.max(cost, Number.MIN_VALUE));
}

/** Its load with one more for its slots, and what else is busy that it shares. */
function workOf({load, slots, hostLoad}: Contestant, {crowding}: Pool): number {
  return ((load + 1) / slots) * (1 + crowding + Math.min(hostLoad / slots, 1) * 1e-3);
}

function within(logRatio: number): number {
  return Math.min(Math.max(logRatio, -MOST_LOG_COST), MOST_LOG_COST);
}

/** What an attempt is expected to cost, by the hour and by use; null: nothing is known of either. */
function costOf({costPerHour, prior}: Pool, {slowness, usd}: {slowness: number; usd: number | null}): number | null {
  if (costPerHour === null) return usd;
  return (costPerHour * prior.durationMs * Math.exp(slowness)) / HOUR_MS + (usd ?? 0);
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
