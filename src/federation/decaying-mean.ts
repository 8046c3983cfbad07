/**
 * A mean of what was measured, the newer the heavier. With the time its weight fades, not its value, so that what was learned long
 * ago counts less against what is expected anyway. As of `atMs` (monotonic).
 */
export interface DecayingMean {
  readonly sum: number;
  readonly weight: number;
  readonly atMs: number;
}

export const NOTHING_MEASURED: DecayingMean = {sum: 0, weight: 0, atMs: 0};

export interface Decay {
  /** After this long a measurement counts half, in milliseconds, > 0. */
  readonly halfLifeMs: number;
  /** A measurement also counts this much less with each one after it, > 0 and ≤ 1. */
  readonly keep: number;
}

export function measured(mean: DecayingMean, value: number, {nowMs, decay}: {nowMs: number; decay: Decay}) {
  const kept = faded(mean, nowMs, decay.halfLifeMs) * decay.keep;
  const share = mean.weight === 0 ? 0 : kept / mean.weight;
  return {sum: mean.sum * share + value, weight: kept + 1, atMs: Math.max(nowMs, mean.atMs)};
}

/** What is left of its weight now. A clock that goes back fades nothing. */
export function faded({weight, atMs}: DecayingMean, nowMs: number, halfLifeMs: number): number {
  return weight === 0 || nowMs <= atMs ? weight : weight * 2 ** ((atMs - nowMs) / halfLifeMs);
}

export function meanOf({sum, weight}: DecayingMean): number | null {
  return weight > 0 ? sum / weight : null;
}

/** The mean drawn towards `prior` as if that had been measured `trust` times. */
export function expected(mean: DecayingMean, {prior, trust, nowMs, halfLifeMs}: Expectation): number {
  return drawn(mean, {prior, trust, left: faded(mean, nowMs, halfLifeMs)});
}

/** Likewise, where `left` is what is left of its weight. */
export function drawn(mean: DecayingMean, {prior, trust, left}: {prior: number; trust: number; left: number}): number {
  return left === 0 ? prior : (prior * trust + (mean.sum / mean.weight) * left) / (trust + left);
}

export interface Expectation {
  readonly prior: number;
  readonly trust: number;
  readonly nowMs: number;
  readonly halfLifeMs: number;
}
