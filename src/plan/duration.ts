const UNITS_MS = {d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1} as const;

/** Parts from the largest unit to the smallest, each at most once: `90s`, `10m`, `1h30m`, `500ms`. */
export const DURATION_PATTERN = /^(?=\d)(\d{1,9}d)?(\d{1,9}h)?(\d{1,9}m(?!s))?(\d{1,9}s)?(\d{1,9}ms)?$/;

/** Longest time that can be given; Node's timers hold no more than 24.8 days. */
export const MAX_DURATION_MS = 24 * UNITS_MS.d;

/** Milliseconds of `90s`, `10m`, `1h30m` or a number of seconds; null when it is none, not positive, or over 24 days. */
export function parseDuration(value: string | number): number | null {
  const ms = typeof value === 'number' ? Math.ceil(value * 1000) : millisecondsOf(value);
  return ms !== null && ms > 0 && ms <= MAX_DURATION_MS ? ms : null;
}

function millisecondsOf(text: string): number | null {
  if (!DURATION_PATTERN.test(text)) return null;
  let sum = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+)(ms|[dhms])/g)) {
    if (isUnit(unit)) sum += Number(amount) * UNITS_MS[unit];
  }
  return sum;
}

function isUnit(unit: string | undefined): unit is keyof typeof UNITS_MS {
  return unit !== undefined && Object.hasOwn(UNITS_MS, unit);
}
