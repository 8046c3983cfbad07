import type {AttemptOutcome} from './attempt.ts';
import type {AttemptMeans} from './attempt-means.ts';
import {UNKNOWN_USAGE, type Usage} from './usage.ts';

/** Sums over the attempts of a team. */
export interface AttemptTotals extends Usage {
  /** All attempts, open ones included. */
  readonly attempts: number;
  readonly busyMs: number;
  /** Reserved by attempts that were lost or did not say what they used: it counts as used. */
  readonly unsettledUsd: number;
  readonly unsettledTokens: number;
  /** Attempts of prompts whose cost nobody knows. */
  readonly unpriced: number;
}

export const NO_TOTALS: AttemptTotals = {
  ...UNKNOWN_USAGE,
  attempts: 0,
  busyMs: 0,
  unsettledUsd: 0,
  unsettledTokens: 0,
  unpriced: 0,
};

/** Sums that grow in place: a copy for each of 100,000 attempts costs more than all else that is done for it. */
export type GrowingTotals = {-readonly [K in keyof AttemptTotals]: AttemptTotals[K]};

/** Counts one more attempt that has ended; `outcome` is null when it was lost. */
export function noteEnded(
  totals: GrowingTotals,
  {means, outcome}: {readonly means: AttemptMeans | undefined; readonly outcome: AttemptOutcome | null},
): void {
  if (outcome) {
    totals.busyMs += outcome.durationMs;
    noteUsage(totals, outcome.usage);
  }
  if (!means) return;
  const {usd, inputTokens, outputTokens} = outcome?.usage ?? UNKNOWN_USAGE;
  if (usd === null) {
    totals.unsettledUsd += means.cap.usd ?? 0;
    totals.unpriced += 1;
  }
  if (inputTokens === null && outputTokens === null) totals.unsettledTokens += means.cap.tokens ?? 0;
}

function noteUsage(totals: GrowingTotals, usage: Usage): void {
  if (usage.cpuSeconds !== null) totals.cpuSeconds = (totals.cpuSeconds ?? 0) + usage.cpuSeconds;
  if (usage.maxRssBytes !== null) totals.maxRssBytes = Math.max(totals.maxRssBytes ?? 0, usage.maxRssBytes);
  if (usage.usd !== null) totals.usd = (totals.usd ?? 0) + usage.usd;
  if (usage.inputTokens !== null) totals.inputTokens = (totals.inputTokens ?? 0) + usage.inputTokens;
  if (usage.outputTokens !== null) totals.outputTokens = (totals.outputTokens ?? 0) + usage.outputTokens;
  if (usage.cacheReadTokens !== null) totals.cacheReadTokens = (totals.cacheReadTokens ?? 0) + usage.cacheReadTokens;
  if (usage.cacheWriteTokens !== null) {
    totals.cacheWriteTokens = (totals.cacheWriteTokens ?? 0) + usage.cacheWriteTokens;
  }
}
