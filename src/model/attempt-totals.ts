import type {AttemptOutcome} from './attempt.ts';
import type {AttemptMeans} from './attempt-means.ts';
import {addUsage, UNKNOWN_USAGE, type Usage} from './usage.ts';

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

/** The sums with one more attempt that has ended; `outcome` is null when it was lost. */
export function addEnded(
  totals: AttemptTotals,
  {means, outcome}: {readonly means: AttemptMeans | undefined; readonly outcome: AttemptOutcome | null},
): AttemptTotals {
  const usage = outcome?.usage ?? UNKNOWN_USAGE;
  const noTokens = usage.inputTokens === null && usage.outputTokens === null;
  return {
    ...addUsage(totals, usage),
    attempts: totals.attempts,
    busyMs: totals.busyMs + (outcome?.durationMs ?? 0),
    unsettledUsd: totals.unsettledUsd + (usage.usd === null ? (means?.cap.usd ?? 0) : 0),
    unsettledTokens: totals.unsettledTokens + (noTokens ? (means?.cap.tokens ?? 0) : 0),
    unpriced: totals.unpriced + (means && usage.usd === null ? 1 : 0),
  };
}
