import type {TeamSettings} from './autoscale.ts';
import type {Failure} from './failure.ts';
import type {AgentId, TeamId} from './ids.ts';
import type {TeamState} from './team.ts';
import type {Usage} from './usage.ts';
import type {TeamRepository} from './work.ts';

/** A team as every face shows it (CLI, TUI, API). Computed in one place; lists are bounded, the counts are not. */
export interface TeamView {
  readonly v: 1;
  readonly team: string;
  readonly teamId: TeamId;
  readonly state: TeamState;
  /** W3C trace id of the request that made the team, 32 hex digits. */
  readonly traceId: string;
  readonly agents: {
    readonly requested: number;
    readonly ready: number;
    readonly busy: number;
    /** Also those that have attempts on a host that is not heard. */
    readonly starting: number;
    readonly failed: number;
    /** These three only where there are any. `draining` are not among `requested`. */
    readonly paused?: number;
    readonly suspect?: number;
    readonly draining?: number;
  };
  readonly tasks: TaskCounts;
  readonly attempts: number;
  /** Attempts that failed and were followed by another one. */
  readonly retries: number;
  readonly startedAtMs: number;
  readonly durationMs: number;
  /** Agents busy on average over the time since the start; null before anything ran. */
  readonly meanBusyAgents: number | null;
  readonly usage: Usage;
  /** Attempts of prompts that are over and whose cost nobody knows; absent in old views. */
  readonly unpriced?: number;
  readonly waiting: readonly WaitingView[];
  readonly running: readonly RunningView[];
  readonly failures: readonly FailureView[];
  /** Where its work goes; null: no task of it has a worktree. */
  readonly repository: TeamRepository | null;
  readonly budget: BudgetView | null;
  /** What somebody should know before it is too late, for example that nobody can do a task. */
  readonly warnings: readonly string[];
  /** Tasks that failed, or were skipped or cancelled for it, and count as a failure of the team; absent in old views. */
  readonly troubles?: number;
  /** Why it was ended before its plan was over, as a sentence; null when it was not. */
  readonly endedBecause: string | null;
  /** As they are now; absent in views of teams that were over before there were any. */
  readonly settings?: TeamSettings;
  /**
   * Attempts that are to stand still and may go on, as their host is not heard; it is told as soon as it is. Absent: there are none.
   */
  readonly unheld?: number;
  /** Why it has paused by itself, as a sentence; absent: it has not. */
  readonly pausedBecause?: string;
  /** Agents that give signs of trouble, the first of them; absent: none does. */
  readonly ailing?: readonly AilingView[];
  /** How the team will end the process that waits for it; null while it is not over. */
  readonly outcome: TeamOutcome | null;
}

/** Used and reserved against what the team may use. Null is unknown or, for a limit, none. */
export interface BudgetView {
  readonly limitUsd: number | null;
  readonly limitTokens: number | null;
  readonly usedUsd: number;
  readonly usedTokens: number;
  /** By attempts that run. */
  readonly reservedUsd: number;
  readonly reservedTokens: number;
  /** What may be spent within any hour, and what was within the last one, to the minute. Absent: an hour is not limited. */
  readonly hour?: {readonly limitUsd: number; readonly usedUsd: number};
}

export interface AilingView {
  readonly agent: AgentId;
  /** As a sentence without its end. */
  readonly why: string;
}

export type TeamOutcome = 'ok' | 'tasks-failed' | 'timed-out' | 'killed' | 'budget' | 'quota';

/** Instances of a `foreach` count as tasks, their template does not. */
export interface TaskCounts {
  readonly total: number;
  readonly waiting: number;
  /** Ready to run, including those that wait out a retry delay. */
  readonly ready: number;
  readonly running: number;
  readonly verifying: number;
  readonly reviewing: number;
  readonly merging: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly skipped: number;
  readonly cancelled: number;
}

/** Why ready tasks are not running, for example `{why: 'every agent is busy', tasks: 12}`. */
export interface WaitingView {
  readonly why: string;
  readonly tasks: number;
}

export interface RunningView {
  readonly task: string;
  readonly agent: AgentId;
  readonly attempt: number;
  readonly verifying: boolean;
  /** What does it, for example `claude/haiku`; null for a command. */
  readonly runtime: string | null;
  readonly elapsedMs: number;
  /** Last line of output, cut to 200 characters; null when nothing was printed. */
  readonly lastLine: string | null;
}

export interface FailureView {
  readonly task: string;
  readonly attempts: number;
  readonly failure: Failure;
  readonly text: string;
}

export const MAX_RUNNING_SHOWN = 1000;
export const MAX_AILING_SHOWN = 10;
export const MAX_FAILURES_SHOWN = 100;
