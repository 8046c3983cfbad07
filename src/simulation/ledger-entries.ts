import type {JsonValue} from '../base/json.ts';
import type {AgentGroup} from '../model/agent.ts';
import type {AttemptMeans} from '../model/attempt-means.ts';
import type {TeamSettings} from '../model/autoscale.ts';
import type {Budget} from '../model/budget.ts';
import type {AttemptOutcome, Memo, SessionMark, Verdict} from '../model/attempt.ts';
import type {StopReason} from '../model/failure.ts';
import type {AgentId, AttemptId, HostId, TaskSeq, TeamId} from '../model/ids.ts';
import type {AgentRow} from '../model/record.ts';
import type {TaskSpec, TaskState} from '../model/task.ts';
import type {TeamSpec, TeamState} from '../model/team.ts';
import type {MergeResult, Work} from '../model/work.ts';

export interface LedgerTask {
  readonly team: LedgerTeam;
  readonly seq: TaskSeq;
  readonly id: string;
  readonly spec: TaskSpec;
  readonly item: JsonValue;
  readonly group: LedgerTask | null;
  /** Of a `foreach` that has been expanded. */
  instances: readonly LedgerTask[] | null;
  /** How many of them have an open attempt. */
  openInstances: number;
  state: TaskState;
  failures: number;
  losses: number;
  memo: Memo | undefined;
  open: LedgerAttempt | null;
  /** A second open attempt, beside it. */
  twin: LedgerAttempt | null;
  /** One that is still open though the other one has succeeded. */
  outrun: LedgerAttempt | null;
  /** From 1; a task that is over may begin another one. */
  round: number;
  /** Of this round. */
  attempts: readonly LedgerAttempt[];
  /** Of the rounds before. */
  earlier: readonly LedgerAttempt[];
  /** When the delay before the next attempt is over, by the monotonic clock. */
  retryDueMs: number | null;
}

export interface LedgerAttempt {
  readonly id: AttemptId;
  readonly task: LedgerTask;
  readonly number: number;
  readonly agentId: AgentId;
  readonly hostId: HostId;
  readonly means: AttemptMeans | undefined;
  readonly twinOf: AttemptId | null;
  /** Of a reviewer: the attempt whose work it looks at. */
  readonly reviews: LedgerAttempt | null;
  /** Where its conversation was when that was last recorded. */
  session: SessionMark | null;
  /** Undefined while it is open; null when it was lost. */
  outcome: AttemptOutcome | null | undefined;
  /** What its end counts as; null while it is open. */
  end: AttemptEnd | null;
  /** What a reviewer has said of its work. */
  verdict: Verdict | null;
  /** What has become of its work, as far as the engine has been told; git trouble is no end. */
  merge: Exclude<MergeResult, {kind: 'failed'}> | null;
  /** Why it was asked to stop first, as far as this life of the daemon knows. */
  stopping: StopReason | null;
}

/**
 * `cancelled`: its team was being ended. `limited`: its provider let nothing through. `taken`: from an agent that somebody wanted
 * killed or restarted.
 */
export type AttemptEnd = 'ok' | 'failed' | 'lost' | 'taken' | 'limited' | 'cancelled' | 'outrun';

/** An amount of what budgets limit. */
export interface Amount {
  readonly usd: number;
  readonly tokens: number;
}

export interface LedgerTeam {
  readonly id: TeamId;
  /** With the plans that were added. */
  spec: TeamSpec;
  settings: TeamSettings;
  budget: Budget | undefined;
  readonly tasks: LedgerTask[];
  /** The rows of the plan, by id. */
  readonly rows: Map<string, LedgerTask>;
  /** All that it has or has had. */
  readonly agents: Map<AgentId, AgentGroup>;
  /** What has been decided about those of which that is not `present`. */
  readonly standings: Map<AgentId, AgentRow['standing']>;
  /** The most that a prompt of it may ask for as long as nothing is known. */
  mostAsked: Amount;
  /** For how long it was at work, neither paused nor over, since it began or was taken up again. */
  clock: {readonly usedMs: number; readonly sinceMs: number | null};
  state: TeamState;
  ending: StopReason | null;
  /** Used by attempts that are over; what nobody knows counts with what was reserved. */
  used: Amount;
  /** By attempts that run. */
  reserved: Amount;
  /** What attempts that are over have cost, and when. */
  spent: readonly {readonly atMs: number; readonly usd: number}[];
  /** What the most expensive attempt has used. */
  largest: Amount;
}

/** The agents of a team that are there to stay, whether or not they work. */
export function livingOf({agents, standings}: LedgerTeam): readonly AgentId[] {
  return [...agents.keys()].filter(id => {
    const standing = standings.get(id) ?? 'present';
    return standing === 'present' || standing === 'paused';
  });
}

/** The attempt that decided, or will decide, about the task last. */
export function lastOf({attempts, outrun}: LedgerTask): LedgerAttempt | undefined {
  return attempts.findLast(attempt => attempt !== outrun && attempt.end !== 'outrun');
}

/** The work of an attempt that has succeeded. */
export function workOf({outcome}: LedgerAttempt): Work | null {
  return outcome?.result.ok ? (outcome.work ?? null) : null;
}
