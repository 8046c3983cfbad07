import {badOption} from '../hub-error.ts';

/** What one cache keeps at most. Of what came from the hub, or is safe there, the oldest is forgotten; what waits for it, never. */
export interface CacheLimits {
  readonly episodes: number;
  /** Of all bodies, in bytes as they are stored; search takes about as much again. */
  readonly bytes: number;
  /** What waits for the hub; beyond it nothing more is taken. */
  readonly pendingItems: number;
  readonly pendingBytes: number;
  /** Of the whole file, words and all; beyond it, it is as if the disk were full. */
  readonly fileBytes: number;
}

export const CACHE_LIMITS: CacheLimits = {
  episodes: 10_000,
  bytes: 64 * 2 ** 20,
  pendingItems: 100_000,
  pendingBytes: 256 * 2 ** 20,
  fileBytes: 2 ** 31,
};

/** Throws a HubError `bad-option`. */
export function cacheLimits(given: Partial<CacheLimits>): CacheLimits {
  const limits = {...CACHE_LIMITS, ...given};
  for (const [name, value] of Object.entries(limits)) {
    if (!Number.isSafeInteger(value) || value < 1)
      throw badOption(`limits.${name} is ${value}: use a whole number from 1`);
  }
  return limits;
}
