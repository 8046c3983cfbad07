const UNIT_MS: readonly (readonly [RegExp, number])[] = [
  [/^(?:ms|milli)/, 1],
  [/^s/, 1000],
  [/^m/, 60_000],
  [/^h/, 3_600_000],
  [/^d/, 86_400_000],
];
const DAY_MS = 86_400_000;
/** Nobody means more than this; a number beyond it was something else. */
const LONGEST_MS = 32 * DAY_MS;

const UNIT = '(?:ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?)';
const SPAN = new RegExp(
  `(?:again|retry|retrydelay|wait|resets?|retry[-_ ]after)\\b[^\\d\\n]{0,20}?((?:\\d+(?:\\.\\d+)?\\s*${UNIT}\\b[,\\s]*(?:and\\s+)?)+)`,
  'i',
);
const PART = new RegExp(`(\\d+(?:\\.\\d+)?)\\s*(${UNIT})\\b`, 'gi');
const BARE_SECONDS = /retry[-_ ]after["':=\s]{1,4}(\d+(?:\.\d+)?)(?![\d.:-])/i;
const ISO_TIME = /\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?/;
/** As Claude says it: `usage limit reached|1767225600`. */
const EPOCH_SECONDS = /\|(\d{10})\b/;
const CLOCK_TIME = /(?:again at|resets?(?: at)?)\s+(\d{1,2})(?::(\d\d))?\s*([ap]m)?\b/i;

/** Milliseconds that a `Retry-After` header asks for: seconds, or a date; null: it says nothing of use. */
export function retryAfterHeader(value: string | null, nowMs: number): number | null {
  if (value === null || value.trim() === '') return null;
  const seconds = Number(value);
  if (!Number.isNaN(seconds)) return within(seconds * 1000);
  const at = Date.parse(value);
  return Number.isNaN(at) ? null : within(at - nowMs);
}

/**
 * Milliseconds that an error text asks for (`retry in 30s`, `try again in 1 hour 5 minutes`, `try again at 3:05 PM`,
 * `resets 3pm`); null: it names no time. A time of day is taken in the zone of this machine, and as the next such time.
 */
export function retryAfterIn(text: string, nowMs: number): number | null {
  const span = SPAN.exec(text)?.[1];
  if (span !== undefined) return within(lengthOf(span));
  const seconds = BARE_SECONDS.exec(text)?.[1];
  if (seconds !== undefined) return within(Number(seconds) * 1000);
  const epoch = EPOCH_SECONDS.exec(text)?.[1];
  if (epoch !== undefined) return within(Number(epoch) * 1000 - nowMs);
  const iso = /again|retry|reset/i.test(text) ? ISO_TIME.exec(text)?.[0] : undefined;
  if (iso !== undefined) return within(Date.parse(iso) - nowMs);
  const clock = CLOCK_TIME.exec(text);
  return clock === null ? null : untilTimeOfDay(clock, nowMs);
}

function lengthOf(span: string): number {
  let total = 0;
  for (const [, amount, unit] of span.matchAll(PART)) {
    const name = (unit ?? '').toLowerCase();
    total += Number(amount) * (UNIT_MS.find(([pattern]) => pattern.test(name))?.[1] ?? Number.NaN);
  }
  return Math.ceil(total);
}

function untilTimeOfDay([, hourText, minuteText, half]: RegExpExecArray, nowMs: number): number | null {
  // `again at 5` without anything more could be a count of anything.
  if (half === undefined && minuteText === undefined) return null;
  const hour = Number(hourText);
  const at = new Date(nowMs);
  at.setHours(
    half === undefined ? hour : (hour % 12) + (half.toLowerCase() === 'pm' ? 12 : 0),
    Number(minuteText ?? 0),
    0,
    0,
  );
  if (at.getTime() <= nowMs) at.setDate(at.getDate() + 1);
  return within(at.getTime() - nowMs);
}

function within(ms: number): number | null {
  return Number.isFinite(ms) && ms <= LONGEST_MS ? Math.max(0, Math.ceil(ms)) : null;
}
