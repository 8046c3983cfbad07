import {parseDuration} from '../base/duration.ts';

/** Longest time that can be given; Node's timers hold no more than 24.8 days. */
export const MAX_DURATION_MS = 24 * 86_400_000;

/** Milliseconds of a duration or a number of seconds; null when it is none, not positive, or over 24 days. */
export function parseTimeout(value: string | number): number | null {
  const ms = typeof value === 'number' ? Math.ceil(value * 1000) : parseDuration(value);
  return ms !== null && ms > 0 && ms <= MAX_DURATION_MS ? ms : null;
}
