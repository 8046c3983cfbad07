export interface PhiOptions {
  /** Intervals that are remembered, ≥ 1. */
  readonly window: number;
  /** What an interval is taken to be until some have been seen, in milliseconds, > 0. */
  readonly firstIntervalMs: number;
  /** Beats are never taken to be more regular than this, in milliseconds, > 0: one that is a little late is no news. */
  readonly minDeviationMs: number;
  /** What every beat may be late without any suspicion, in milliseconds. */
  readonly pauseMs: number;
}

/** Beyond this an interval is no longer one between beats; it also keeps the sums of squares exact. */
const LONGEST_INTERVAL_MS = 60_000;
/** 2^-1074 is the smallest number above 0: what is less likely is not told apart any more. */
const MOST_PHI = 323;

/**
 * How suspicious the silence of something is that beats: after Hayashibara, Défago, Yared, Katayama, "The φ accrual failure
 * detector" (SRDS 2004). φ = −log10 of the probability that a beat comes this late or later, had nothing happened, with
 * normally distributed intervals; 1 is wrong once in ten times, 3 once in a thousand. As in Akka there is a least deviation
 * and a pause that is always allowed. A beat costs O(1). No clock: times are told, and have to be of a clock that stands
 * still while the listener cannot listen.
 */
export class PhiAccrual {
  readonly #options: PhiOptions;
  /** Whole milliseconds, so that what is added can be taken off again exactly. */
  readonly #intervals: Float64Array;
  #count = 0;
  #next = 0;
  #sum = 0;
  #sumOfSquares = 0;
  #lastMs: number;

  constructor(options: PhiOptions, nowMs: number) {
    this.#options = options;
    this.#intervals = new Float64Array(options.window);
    this.#lastMs = nowMs;
    // As if two had been seen, so that the first real ones do not decide alone.
    const {firstIntervalMs} = options;
    this.#remember(firstIntervalMs * 0.75);
    if (options.window > 1) this.#remember(firstIntervalMs * 1.25);
  }

  get lastMs(): number {
    return this.#lastMs;
  }

  /** It has beaten. Beats that come together have waited somewhere on the way: they say that it lives, not how often it beats. */
  heard(nowMs: number): void {
    const intervalMs = nowMs - this.#lastMs;
    if (!(intervalMs >= 0)) return;
    this.#lastMs = nowMs;
    if (intervalMs >= this.#options.firstIntervalMs / 4) this.#remember(intervalMs);
  }

  /** Counts from now on: it was not expected to beat until now. */
  restart(nowMs: number): void {
    this.#lastMs = Math.max(this.#lastMs, nowMs);
  }

  /** ≥ 0; grows with the silence and is never NaN. */
  phi(nowMs: number): number {
    return phiOf((nowMs - this.#lastMs - this.#options.pauseMs - this.#mean) / this.#deviation);
  }

  /** When φ will reach `phiOf(score)` if nothing is heard. */
  whenMs(score: number): number {
    return this.#lastMs + this.#options.pauseMs + this.#mean + score * this.#deviation;
  }

  get #mean(): number {
    return this.#sum / this.#count;
  }

  get #deviation(): number {
    const variance = this.#sumOfSquares / this.#count - this.#mean ** 2;
    return Math.max(this.#options.minDeviationMs, Math.sqrt(Math.max(0, variance)));
  }

  #remember(intervalMs: number): void {
    const interval = Math.round(Math.min(intervalMs, LONGEST_INTERVAL_MS));
    if (this.#count === this.#intervals.length) {
      const oldest = this.#intervals[this.#next] ?? 0;
      this.#sum -= oldest;
      this.#sumOfSquares -= oldest ** 2;
    } else this.#count += 1;
    this.#intervals[this.#next] = interval;
    this.#next = (this.#next + 1) % this.#intervals.length;
    this.#sum += interval;
    this.#sumOfSquares += interval ** 2;
  }
}

/**
 * −log10 of the upper tail of the standard normal distribution, in the logistic approximation that Akka and Cassandra use
 * (Bowling et al. 2009, error of the probability below 1.4e-4), extended so that it stays finite.
 */
export function phiOf(score: number): number {
  const power = exponent(score);
  // log10(1 + e^x), without overflow: for large x it is x / ln 10.
  const phi = power > 30 ? power / Math.LN10 : Math.log1p(Math.exp(power)) / Math.LN10;
  return Math.min(MOST_PHI, phi);
}

function exponent(score: number): number {
  const bounded = Math.max(-40, Math.min(40, score));
  return bounded * (1.5976 + 0.070566 * bounded * bounded);
}

/** The score at which φ is this much: the inverse of `phiOf`, by bisection, to 1e-6. */
export function scoreOf(phi: number): number {
  let low = -40;
  let high = 40;
  for (let step = 0; step < 60 && high - low > 1e-6; step += 1) {
    const middle = (low + high) / 2;
    if (phiOf(middle) < phi) low = middle;
    else high = middle;
  }
  return high;
}
