const UNIT_MS: Readonly<Record<string, number>> = {ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000};

/** Parts from the largest unit to the smallest, each at most once: `90s`, `10m`, `1h30m`, `1.5s`, `500ms`. */
export const DURATION_PATTERN =
  /^(?=\d)(\d{1,9}(\.\d{1,3})?d)?(\d{1,9}(\.\d{1,3})?h)?(\d{1,9}(\.\d{1,3})?m(?!s))?(\d{1,9}(\.\d{1,3})?s)?(\d{1,9}ms)?$/;

/** Milliseconds of `500ms`, `30s`, `10m`, `1h30m`, `2d`; null when it is none of these. A bare number needs its unit. */
export function parseDuration(text: string): number | null {
  const trimmed = text.trim();
  if (!DURATION_PATTERN.test(trimmed)) return null;
  let total = 0;
  for (const [, amount, unit] of trimmed.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    total += Number(amount) * (UNIT_MS[unit ?? ''] ?? Number.NaN);
  }
  return Math.round(total);
}

/** A duration as people read it, with two units at most: `340 ms`, `4.2 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${trimZero(ms / 1000)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return pair([Math.floor(seconds / 60), 'min'], [seconds % 60, 's']);
  const minutes = Math.round(seconds / 60);
  if (minutes < 1440) return pair([Math.floor(minutes / 60), 'h'], [minutes % 60, 'min']);
  const hours = Math.round(minutes / 60);
  return pair([Math.floor(hours / 24), 'd'], [hours % 24, 'h']);
}

function trimZero(value: number): string {
  return value.toFixed(1).replace(/\.0$/, '');
}

function pair(large: readonly [number, string], small: readonly [number, string]): string {
  return small[0] === 0 ? large.join(' ') : `${large.join(' ')} ${small.join(' ')}`;
}
