import {backoffMs} from '../base/backoff.ts';
import {never} from '../base/never.ts';
import type {Random} from '../base/random.ts';
import type {AttemptOutcome} from '../model/attempt.ts';
import {isStartingDeath} from '../model/edge.ts';
import type {Failure} from '../model/failure.ts';

/**
 * Where a runtime stands that may be dying whenever it is started.
 *
 *     steady ──► failing ──► parked
 *        ▲          │           │
 *        └──────────┴───────────┘  it has worked, or somebody wants it tried again
 *
 * failing: nothing is started with it before `retryAtMs`. parked: nothing at all any more, and `detail`, what it said last
 * (its stderr), is shown.
 */
export type CrashLoop =
  | {readonly name: 'steady'}
  | {readonly name: 'failing'; readonly times: number; readonly retryAtMs: number; readonly detail: string}
  | {readonly name: 'parked'; readonly times: number; readonly sinceMs: number; readonly detail: string};

export type StartEvidence =
  /** `startedMs`: when what has died was started. `isLasting`: of itself it does not pass, as a missing key. */
  | {readonly kind: 'died-at-start'; readonly startedMs: number; readonly isLasting: boolean; readonly detail: string}
  /** A host has seen it die so often that it leaves it alone for longer than is waited here. */
  | {readonly kind: 'left-alone'}
  /** It has done something: it starts. */
  | {readonly kind: 'worked'}
  /** Somebody wants it tried again. */
  | {readonly kind: 'restarted'};

export interface CrashLoopOptions {
  /** Deaths in a row after which it is parked, ≥ 1. */
  readonly mostDeaths: number;
  readonly baseMs: number;
  readonly maxMs: number;
}

export const CRASH_LOOP: CrashLoopOptions = {mostDeaths: 5, baseMs: 500, maxMs: 30_000};

export const STEADY: CrashLoop = {name: 'steady'};

/** Who ends this early, without having said or used anything, has died at its start, in milliseconds. */
const START_MS = 10_000;

/**
 * The one transition. What was started before the last death was known, side by side with that, has died with it: a hundred
 * agents that start during one hiccup of the machine have tried once. A cause that does not pass by itself counts each time. So
 * does that a host leaves it alone, which would otherwise make each further try wait for it; the last death is one of the team's.
 */
export function nextCrashLoop(
  state: CrashLoop,
  evidence: StartEvidence,
  {nowMs, random, options = CRASH_LOOP}: {nowMs: number; random: Random; options?: CrashLoopOptions},
): CrashLoop {
  switch (evidence.kind) {
    case 'worked':
    case 'restarted':
      return STEADY;
    case 'died-at-start': {
      if (state.name === 'parked') return state;
      const before = state.name === 'failing' ? state : null;
      const {detail, startedMs, isLasting} = evidence;
      if (before && !isLasting && startedMs < before.retryAtMs) return {...before, detail};
      const times = (before?.times ?? 0) + 1;
      if (times >= options.mostDeaths) return {name: 'parked', times, sinceMs: nowMs, detail};
      return {name: 'failing', times, retryAtMs: nowMs + backoffMs(times, options, random), detail};
    }
    case 'left-alone':
      if (state.name !== 'failing') return state;
      return {...state, times: Math.min(state.times + 1, Math.max(state.times, options.mostDeaths - 1))};
    default:
      return never(evidence);
  }
}

/** Whether something may be started with it now. */
export function mayStart(state: CrashLoop, nowMs: number): boolean {
  if (state.name === 'failing') return nowMs >= state.retryAtMs;
  return state.name === 'steady';
}

export interface StartFacts {
  readonly startedMs: number;
  /** It has said which session it begins. */
  readonly hasSpoken: boolean;
  /** Of the runtimes of the team others have worked, and this one never has: what of other runtimes may be their task's fault is its own. */
  readonly standsOut: boolean;
}

/** What the end of a prompt says of the start of its runtime; null: nothing either way. */
export function startEvidenceOf(
  outcome: AttemptOutcome,
  {startedMs, hasSpoken, standsOut}: StartFacts,
): StartEvidence | null {
  const {result, durationMs, usage} = outcome;
  if (result.ok || (usage.inputTokens ?? 0) > 0 || (usage.outputTokens ?? 0) > 0) return {kind: 'worked'};
  const death = deathOf(result.failure, {hasSpoken, standsOut});
  if (death === null) return null;
  return durationMs < START_MS ? {kind: 'died-at-start', startedMs, ...death} : {kind: 'worked'};
}

/** What was said at a death that may be one of starting; null for every other failure. */
function deathOf(
  failure: Failure,
  {hasSpoken, standsOut}: Pick<StartFacts, 'hasSpoken' | 'standsOut'>,
): {readonly isLasting: boolean; readonly detail: string} | null {
  switch (failure.reason) {
    case 'runtime-missing':
      return {isLasting: true, detail: failure.detail};
    case 'agent-error':
      if (failure.kind === 'auth') return {isLasting: true, detail: failure.detail};
      if (failure.kind !== 'crashed' || hasSpoken) return null;
      if (!standsOut && !isStartingDeath(failure.runtime, hasSpoken)) return null;
      return {isLasting: false, detail: failure.detail};
    default:
      return null;
  }
}
