export const HOUR_MS = 3_600_000;
/** What is spent is counted by the minute: a window is exact to one of these. */
const BUCKET_MS = 60_000;
/** A rate over less time than this would be made of single attempts. */
const SHORTEST_MS = 5 * 60_000;

interface Bucket {
  readonly fromMs: number;
  usd: number;
}

/** What has been spent within the last hour. Time is monotonic and given with each call. */
export class SpendRate {
  /** Oldest first. */
  #buckets: Bucket[] = [];
  #firstMs: number | null = null;

  add(usd: number, nowMs: number): void {
    this.#forget(nowMs);
    this.#firstMs ??= nowMs;
    const last = this.#buckets.at(-1);
    if (last && nowMs - last.fromMs < BUCKET_MS) last.usd += usd;
    else this.#buckets.push({fromMs: nowMs, usd});
  }

  /**
   * After a restart: what was spent since then is taken to have been spent evenly, so that the hour neither begins anew nor is
   * used up by what was long ago.
   */
  resume({usd, sinceMs, nowMs}: {usd: number; sinceMs: number; nowMs: number}): void {
    const passedMs = Math.max(0, nowMs - sinceMs);
    const windowMs = Math.min(passedMs, HOUR_MS);
    const fromMs = nowMs - windowMs;
    const count = Math.max(1, Math.ceil(windowMs / BUCKET_MS));
    const each = (passedMs === 0 ? usd : usd * (windowMs / passedMs)) / count;
    this.#firstMs = nowMs - passedMs;
    if (usd <= 0) return;
    this.#buckets = Array.from({length: count}, (_, index) => ({fromMs: fromMs + index * BUCKET_MS, usd: each}));
  }

  /** Within the last hour. */
  lastHour(nowMs: number): number {
    this.#forget(nowMs);
    return this.#buckets.reduce((sum, bucket) => sum + bucket.usd, 0);
  }

  /** In an hour, if it goes on as it has. */
  perHour(nowMs: number): number {
    if (this.#firstMs === null) return 0;
    const overMs = Math.min(HOUR_MS, Math.max(SHORTEST_MS, nowMs - this.#firstMs));
    return (this.lastHour(nowMs) * HOUR_MS) / overMs;
  }

  /** When no more than so much will have been spent within the hour before, if nothing is added. */
  whenAtMost(usd: number, nowMs: number): number {
    let spent = this.lastHour(nowMs);
    if (spent <= usd) return nowMs;
    for (const bucket of this.#buckets) {
      spent -= bucket.usd;
      if (spent <= usd) return leavesAt(bucket);
    }
    const last = this.#buckets.at(-1);
    return last ? leavesAt(last) : nowMs;
  }

  #forget(nowMs: number): void {
    const kept = this.#buckets.findIndex(bucket => leavesAt(bucket) > nowMs);
    if (kept > 0) this.#buckets.splice(0, kept);
    else if (kept < 0) this.#buckets = [];
  }
}

/** The last of what a bucket counts may have been spent at its end. */
function leavesAt({fromMs}: Bucket): number {
  return fromMs + BUCKET_MS + HOUR_MS;
}
