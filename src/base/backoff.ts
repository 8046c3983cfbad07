import type {Random} from './random.ts';

export interface BackoffOptions {
  /** Upper bound of the first delay in milliseconds, > 0. */
  readonly baseMs: number;
  /** Upper bound of every delay in milliseconds, ≥ baseMs. */
  readonly maxMs: number;
}

/**
 * Delay in milliseconds before try number `tries + 1`, after `tries` (≥ 1) failures: exponential with equal jitter, so
 * between a half and the whole of min(maxMs, baseMs · 2^(tries−1)). Source: Brooker, "Exponential Backoff and Jitter".
 */
export function backoffMs(tries: number, {baseMs, maxMs}: BackoffOptions, random: Random): number {
  const ceiling = Math.min(maxMs, baseMs * 2 ** Math.min(tries - 1, 30));
  return ceiling / 2 + (random() * ceiling) / 2;
}
