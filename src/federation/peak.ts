/**
 * A mean of latencies that jumps up at once and comes down slowly, as in Finagle's `PeakEwma` (Twitter, finagle-core,
 * `loadbalancer/Metric`): a new peak replaces the mean, anything lower is averaged in by the time since the last one.
 */
export interface Peak {
  readonly costMs: number;
  readonly atMs: number;
}

/** Finagle's τ is 10 s for calls of milliseconds; attempts take seconds to minutes. */
const TAU_MS = 60_000;

export function observePeak(peak: Peak | null, latencyMs: number, nowMs: number): Peak {
  if (peak === null || latencyMs > peak.costMs) return {costMs: latencyMs, atMs: nowMs};
  const share = 2 ** ((Math.min(peak.atMs, nowMs) - nowMs) / TAU_MS);
  return {costMs: peak.costMs * share + latencyMs * (1 - share), atMs: Math.max(peak.atMs, nowMs)};
}

/** What it is now: with nothing observed it comes down by itself, so that whoever was slow once is tried again. */
export function peakNow(peak: Peak, nowMs: number): number {
  return nowMs <= peak.atMs ? peak.costMs : peak.costMs * 2 ** ((peak.atMs - nowMs) / TAU_MS);
}
