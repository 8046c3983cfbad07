import type {Now} from '../base/clock.ts';
import type {JsonValue} from '../base/json.ts';
import type {AgentStanding} from './agent.ts';
import type {TeamSettings} from './autoscale.ts';
import type {Budget} from './budget.ts';
import type {AttemptOutcome, Memo, SessionMark} from './attempt.ts';
import type {AttemptMeans} from './attempt-means.ts';
import type {AttemptTotals} from './attempt-totals.ts';
import type {Event} from './event.ts';
import type {StopReason} from './failure.ts';
import type {AgentId, AttemptId, HostId, TaskSeq, TeamId} from './ids.ts';
import type {Plan} from './plan.ts';
import type {ProcessIdentity} from './process-identity.ts';
import type {TaskState} from './task.ts';
import type {TeamSpec, TeamState} from './team.ts';
import type {TeamView} from './team-view.ts';
import type {TeamRepository} from './work.ts';

/**
 * What the engine decides is written down as records before anything else happens. State records are the truth from
 * which a daemon restarts; events are the journal beside them, in the same transaction.
 */
export type StateRecord =
  | {readonly kind: 'team-created'; readonly id: TeamId; readonly spec: TeamSpec; readonly at: Instant}
  | {
      readonly kind: 'team-state';
      readonly id: TeamId;
      readonly state: TeamState;
      readonly ending: StopReason | null;
      /** Absent: as before. */
      readonly timer?: StoredTimer;
    }
  /** `budget` takes the place of the one before it, first of the spec's. Absent: as before. */
  | {readonly kind: 'team-settings'; readonly teamId: TeamId; readonly settings: TeamSettings; readonly budget?: Budget}
  /** The view is what `team status` shows from then on; the engine forgets the team. */
  | {
      readonly kind: 'team-finished';
      readonly id: TeamId;
      readonly state: TeamState;
      readonly atMs: number;
      readonly view: TeamView;
    }
  /** It was over and goes on with the next round of its tasks. */
  | {
      readonly kind: 'team-revived';
      readonly id: TeamId;
      readonly state: TeamState;
      /** What `startedAt` is from now on: the time for which it was over does not count. */
      readonly startedAt: Instant;
      readonly timer: StoredTimer;
    }
  | {readonly kind: 'team-removed'; readonly id: TeamId}
  /** More for the team to do; the ids of its tasks are new to the team. */
  | {
      readonly kind: 'plan-added';
      readonly teamId: TeamId;
      readonly plan: Plan;
      readonly secretNames: readonly string[];
      /** Where its work goes, of a team that had no repository until this plan wanted one. */
      readonly repository?: TeamRepository;
    }
  /** What has become of these agents, where that is not what the team was spawned with. */
  | {readonly kind: 'agents'; readonly teamId: TeamId; readonly agents: readonly AgentRow[]}
  | {readonly kind: 'tasks-created'; readonly teamId: TeamId; readonly tasks: readonly NewTask[]}
  | {
      readonly kind: 'task-state';
      readonly teamId: TeamId;
      readonly seq: TaskSeq;
      readonly state: TaskState;
      /** Attempts that count against `retries`, and attempts lost with their host. */
      readonly failures: number;
      readonly losses: number;
      /** From 1; a task that is over begins the next one when it is retried. */
      readonly round: number;
      /** Attempts it has had, in all rounds. */
      readonly attempts: number;
      /** Absent: nothing is to be handed to the next attempt. */
      readonly memo?: Memo;
    }
  | {
      readonly kind: 'attempt-leased';
      readonly id: AttemptId;
      readonly teamId: TeamId;
      readonly task: TaskSeq;
      /** From 1 within the task. */
      readonly number: number;
      readonly agentId: AgentId;
      readonly hostId: HostId;
      readonly atMs: number;
      /** What does it: absent for a command. */
      readonly means?: AttemptMeans;
      /** The attempt at the same task beside which it was started; absent: it was the only one. */
      readonly twinOf?: AttemptId;
    }
  /** Its agent's conversation can be taken up again from here. */
  | {readonly kind: 'attempt-session'; readonly id: AttemptId; readonly session: SessionMark}
  /** `outcome` is null when the attempt was lost with its host. */
  | {
      readonly kind: 'attempt-ended';
      readonly id: AttemptId;
      readonly outcome: AttemptOutcome | null;
      readonly atMs: number;
    }
  | {readonly kind: 'host'; readonly host: HostRecord};

export type EngineRecord = StateRecord | {readonly kind: 'event'; readonly event: Event};

/** A moment that can be measured from after a restart: `monoMs` counts within the boot, the wall clock beyond it. */
export interface Instant extends Now {
  readonly bootId: string;
}

/** The clock of a team's timeout: it stands still while the team is paused. */
export interface StoredTimer {
  /** Before `since`. */
  readonly usedMs: number;
  /** Null: it stands still. */
  readonly since: Instant | null;
}

/** A row of the plan (its `spec` is `plan.tasks[specIndex]`), or an instance that a `foreach` added. */
export interface NewTask {
  readonly seq: TaskSeq;
  /** As people see it: `check`, or `check[node_modules/ws]`. */
  readonly id: string;
  readonly specIndex: number;
  /** The group an instance belongs to. */
  readonly group: TaskSeq | null;
  /** The instance's item; null for a row of the plan (an item may itself be null: look at `group`). */
  readonly item: JsonValue;
}

/** An agent that was added to its team, or of which something else than `present` has been decided. */
export interface AgentRow {
  readonly id: AgentId;
  /** Index of its group in the team. */
  readonly group: number;
  /** dismissed: draining, and not to be taken back. */
  readonly standing: AgentStanding | 'dismissed';
}

export interface HostRecord {
  readonly id: HostId;
  /** Which machine: attempts of a dead host are looked for there. */
  readonly machineId: string;
  readonly process: ProcessIdentity;
  readonly gone: boolean;
}

/** Everything a restarted daemon needs to go on, as `Store.load` gives it to `Engine.restore`. */
export interface StoredState {
  readonly nextTeamId: TeamId;
  readonly nextAttemptId: AttemptId;
  /** Hosts that were not known to be gone. */
  readonly hosts: readonly HostRecord[];
  /** Teams that are not over, with their tasks in order of `seq` and their open attempts. */
  readonly teams: readonly StoredTeam[];
  /** Teams that are over and not yet removed: their names are taken. */
  readonly over: readonly TeamView[];
}

export interface StoredTeam {
  readonly id: TeamId;
  /** With the plans that were added. */
  readonly spec: TeamSpec;
  /** It was spawned without a plan: it is over only when it has been ended. */
  readonly isStandby: boolean;
  readonly state: TeamState;
  readonly ending: StopReason | null;
  readonly startedAt: Instant;
  /** Absent: they are those of the spec, as the budget is. */
  readonly settings?: TeamSettings;
  readonly budget?: Budget;
  /** Absent: it has run since `startedAt`. */
  readonly timer?: StoredTimer;
  /** What was recorded of its agents last, by id. */
  readonly agents: readonly AgentRow[];
  readonly tasks: readonly StoredTask[];
  readonly openAttempts: readonly OpenAttempt[];
  /** Those that have ended last, at most `MOST_PAST`, in the order in which they were leased: what can be learned from. */
  readonly past: readonly PastAttempt[];
  /** Sums over the attempts that ended. */
  readonly totals: AttemptTotals;
}

/** How an attempt ended that was not lost, as far as it says something of its agent and of its task. */
export interface PastAttempt {
  readonly task: TaskSeq;
  readonly agentId: AgentId;
  readonly endedAtMs: number;
  readonly result: AttemptOutcome['result'];
  readonly durationMs: number;
  readonly usd: number | null;
  /** Absent for a command. */
  readonly means?: AttemptMeans;
}

/** After so many attempts what one before them has shown counts next to nothing. */
export const MOST_PAST = 2000;

export interface StoredTask extends NewTask {
  readonly state: TaskState;
  readonly failures: number;
  readonly losses: number;
  readonly round: number;
  /** When its state was last recorded: an open attempt may come on top. */
  readonly attempts: number;
  readonly memo?: Memo;
}

export interface OpenAttempt {
  readonly id: AttemptId;
  readonly task: TaskSeq;
  readonly number: number;
  readonly agentId: AgentId;
  readonly hostId: HostId;
  readonly leasedAtMs: number;
  readonly means?: AttemptMeans;
  readonly session?: SessionMark;
  /** The attempt at the same task beside which it was started; absent: it was the only one. */
  readonly twinOf?: AttemptId;
  /** That one, or one that was started beside it, has succeeded: nothing comes of this one any more. */
  readonly hasLost?: true;
}
