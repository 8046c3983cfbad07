import type {AttemptMeans} from '../model/attempt-means.ts';
import type {Budget, Cap} from '../model/budget.ts';
import type {Speculate, StragglerWhy} from '../model/speculate.ts';
import type {TaskSpec} from '../model/task.ts';

/** With fewer attempts that have succeeded nobody can tell what is long. */
export const LEAST_SAMPLES = 5;
/** Beyond both of these an attempt is a straggler: so many times the 95th percentile, so many deviations over the median. */
const OVER_P95 = 1.5;
const OVER_MEDIAN_MADS = 3;
/** What is over sooner is not worth a second attempt, however short its like are. */
const LEAST_MS = 200;
/** Second attempts that run at a time, as a part of the team's agents: should everything be slow, more load would make it slower. */
const MOST_AT_A_TIME = 0.1;

/** What attempts of one kind have taken, as far as that decides which of them take too long. */
export type Spread = Omit<StragglerWhy, 'elapsedMs'>;

/** How long an attempt may take whose like took so long, each in milliseconds and in any order; null: too few to tell. */
export function spreadOf(durationsMs: readonly number[]): Spread | null {
  if (durationsMs.length < LEAST_SAMPLES) return null;
  const sorted = durationsMs.toSorted((a, b) => a - b);
  const medianMs = medianOf(sorted);
  const madMs = medianOf(sorted.map(each => Math.abs(each - medianMs)).sort((a, b) => a - b));
  const p95Ms = sorted[Math.ceil(0.95 * sorted.length) - 1] ?? medianMs;
  const limitMs = Math.max(LEAST_MS, OVER_P95 * p95Ms, medianMs + OVER_MEDIAN_MADS * madMs);
  return {limitMs, samples: sorted.length, medianMs, p95Ms, madMs};
}

/** Whether the plan lets a second attempt run beside the first: each in a worktree of its own, or said to be safe. */
export function mayRunTwice(spec: TaskSpec, speculate: Speculate): boolean {
  // Two verdicts on one change would not agree on what follows.
  if (spec.idempotent === false || spec.reviews !== undefined) return false;
  if (spec.prompt !== undefined) return speculate.prompts;
  return speculate.commands && (spec.idempotent === true || spec.workspace === 'worktree');
}

/** How many second attempts a team may have running at a time. */
export function mostTwins(agents: number): number {
  return Math.max(1, Math.ceil(agents * MOST_AT_A_TIME));
}

export interface TwinSpending {
  /** What second attempts have used or may still use. */
  readonly usd: number;
  readonly tokens: number;
  readonly attempts: number;
}

/** Whether second attempts may have one more with these means; what costs nothing (null) always may. */
export function isWithinShare(
  means: Pick<AttemptMeans, 'cap'> | undefined,
  {share, spent, limit, attempts}: {share: number; spent: TwinSpending; limit: Budget; attempts: number},
): boolean {
  if (!means) return true;
  const {usd, tokens} = limit;
  if (usd === null && tokens === null) return spent.attempts + 1 <= share * attempts;
  return (
    fits(spent, means.cap, {resource: 'usd', limit: usd, share}) &&
    fits(spent, means.cap, {resource: 'tokens', limit: tokens, share})
  );
}

function fits(
  spent: TwinSpending,
  cap: Cap,
  {resource, limit, share}: {resource: 'usd' | 'tokens'; limit: number | null; share: number},
): boolean {
  return limit === null || spent[resource] + (cap[resource] ?? 0) <= share * limit;
}

/** The lower of the two in the middle, where there are two. */
function medianOf(sorted: readonly number[]): number {
  return sorted[Math.ceil(sorted.length / 2) - 1] ?? 0;
}
