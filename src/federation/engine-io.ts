import type {JsonValue} from '../base/json.ts';
import type {Result} from '../base/result.ts';
import type {AttemptOutcome, Memo, SessionMark} from '../model/attempt.ts';
import type {Autoscale, TeamSettings} from '../model/autoscale.ts';
import type {Budget} from '../model/budget.ts';
import type {Failure, StopReason} from '../model/failure.ts';
import type {BreakerNews} from '../model/edge.ts';
import type {AgentId, AttemptId, HostId, TaskSeq, TeamId} from '../model/ids.ts';
import type {ProcessProbe, Vitals} from '../model/health.ts';
import type {Gate, ProviderId, ProviderSignal} from '../model/provider.ts';
import type {AttemptMeans} from '../model/attempt-means.ts';
import type {Plan} from '../model/plan.ts';
import type {EngineRecord, HostRecord, StoredTeam} from '../model/record.ts';
import type {StrategyChoice} from '../model/strategy.ts';
import type {TaskSpec} from '../model/task.ts';
import type {TeamSpec} from '../model/team.ts';
import type {TeamView} from '../model/team-view.ts';
import type {Credits, MergeResult, TeamRepository, Work} from '../model/work.ts';

/** Correlates an input that wants an answer with the `answer` effect. */
export type RequestId = number;

/** Everything that can happen to the engine. Hosts are believed only about what they run; see `report-rejected`. */
export type Input =
  /** The name must be free; `nameTaken: 'suffix'` picks `name-2`, `name-3`… instead of refusing. */
  | {
      readonly type: 'spawn-team';
      readonly request: RequestId;
      readonly spec: TeamSpec;
      readonly nameTaken: 'refuse' | 'suffix';
    }
  /** Answered when the team is over and nothing of it runs. A team that is over already is answered at once. */
  | {readonly type: 'end-team'; readonly request: RequestId; readonly teamId: TeamId; readonly by: StopReason}
  /** `count` is of the group, or of the whole team without one; it turns auto-scaling off. */
  | {readonly type: 'scale-team'; readonly request: RequestId; readonly teamId: TeamId; readonly change: TeamChange}
  /** drain: it ends what it has and is gone then. kill and restart stop what it has, which others do in its place. */
  | {
      readonly type: 'agent-order';
      readonly request: RequestId;
      readonly teamId: TeamId;
      readonly agent: AgentId;
      readonly what: 'kill' | 'drain' | 'restart';
    }
  /** Holds what the team, or one agent of it, has running; nothing new starts there. */
  | {
      readonly type: 'pause';
      readonly request: RequestId;
      readonly teamId: TeamId;
      readonly agent: AgentId | null;
    }
  /** `budget` takes the place of the team's. */
  | {
      readonly type: 'resume';
      readonly request: RequestId;
      readonly teamId: TeamId;
      readonly agent: AgentId | null;
      readonly budget?: Budget;
    }
  /** More to do for a team that has nothing to do. Ids that it has already become `ID#2`, `ID#3`… */
  | {
      readonly type: 'run-plan';
      readonly request: RequestId;
      readonly teamId: TeamId;
      readonly plan: Plan;
      readonly secretNames: readonly string[];
      /** For a team that has none. */
      readonly repository?: TeamRepository;
      /** What the plan says of the team, from now on. */
      readonly settings?: Partial<Pick<TeamSettings, 'autoscale' | 'strategy' | 'ejection' | 'onBudget'>>;
      /** For a team that has none. */
      readonly budget?: Budget;
      /** What the plan says and the team does not do, as sentences. */
      readonly warnings?: readonly string[];
    }
  /** The next round of what has not succeeded, see `rounds.ts`. `stored` is what the store has of a team that is over. */
  | {
      readonly type: 'retry-team';
      readonly request: RequestId;
      readonly teamId: TeamId;
      readonly tasks: readonly string[] | 'failed' | 'all';
      readonly stored: StoredTeam | null;
    }
  /** Forgets a team that is over. Answered with its last view. */
  | {readonly type: 'remove-team'; readonly request: RequestId; readonly teamId: TeamId}
  | {
      readonly type: 'host-connected';
      readonly host: HostRecord;
      readonly holds: readonly AttemptId[];
      readonly agents: readonly AgentId[];
      /** The teams it has open. */
      readonly teams: readonly TeamId[];
      /** The attempts it has paused; absent: none. */
      readonly paused?: readonly AttemptId[];
      /** It beats while it has a team. Absent: only what is heard counts. */
      readonly beats?: boolean;
    }
  /** The connection is lost; the process may live and come back. */
  | {readonly type: 'host-disconnected'; readonly hostId: HostId}
  /** The process is known to be dead. What it ran may not be: see `strays-gone`. */
  | {readonly type: 'host-gone'; readonly hostId: HostId}
  | {readonly type: 'host-start-failed'; readonly machineId: string; readonly detail: string}
  | {readonly type: 'agents-ready'; readonly hostId: HostId; readonly agents: readonly AgentId[]}
  | {
      readonly type: 'agents-failed';
      readonly hostId: HostId;
      readonly agents: readonly AgentId[];
      readonly detail: string;
    }
  | {readonly type: 'attempt-verifying'; readonly hostId: HostId; readonly attempt: AttemptId}
  /** The agent has begun, or taken up, a conversation that can be gone on with. */
  | {
      readonly type: 'attempt-session';
      readonly hostId: HostId;
      readonly attempt: AttemptId;
      readonly session: SessionMark;
    }
  /** A provider has answered, or refused, while the attempt was at work. */
  | {
      readonly type: 'provider-signal';
      readonly hostId: HostId;
      readonly attempt: AttemptId;
      readonly signal: ProviderSignal;
    }
  /** What the process of this host is found to do, after `probe-host`. */
  | {readonly type: 'host-probed'; readonly hostId: HostId; readonly probe: ProcessProbe}
  /** A breaker around a runtime or a provider has opened or closed on this host. */
  | ({readonly type: 'breaker'; readonly hostId: HostId} & BreakerNews)
  | {
      readonly type: 'merge-ended';
      readonly teamId: TeamId;
      readonly task: TaskSeq;
      readonly attempt: AttemptId;
      readonly result: MergeResult;
    }
  | {
      readonly type: 'attempt-finished';
      readonly hostId: HostId;
      readonly attempt: AttemptId;
      readonly outcome: AttemptOutcome;
    }
  /** No process of these attempts is left on the machine of the host that looked. */
  | {readonly type: 'strays-gone'; readonly hostId: HostId; readonly attempts: readonly AttemptId[]}
  | {
      readonly type: 'output-read';
      readonly teamId: TeamId;
      readonly task: TaskSeq;
      readonly output: Result<JsonValue, Failure>;
    }
  /**
   * How many attempts this project may run at a time just now, with how much memory set aside for them, and what limits it.
   * `gates`: the same for the providers that limit just now; one that is not named does not.
   */
  | {
      readonly type: 'permits';
      readonly permits: number;
      /** Absent: memory does not limit. */
      readonly memoryBytes?: number;
      readonly why: string | null;
      readonly gates?: readonly Gate[];
    }
  /** A host has given a sign of life, at least twice a second; `vitals` has the attempts that have changed. */
  | {
      readonly type: 'vitals';
      readonly hostId: HostId;
      readonly lagMs: number;
      readonly vitals: readonly Vitals[];
    }
  /** Time has passed: whatever is due by `now` happens. */
  | {readonly type: 'tick'};

/** What is absent stays as it is. */
export interface TeamChange {
  readonly count?: number;
  readonly group?: string;
  readonly autoscale?: Autoscale | 'off';
  readonly strategy?: StrategyChoice;
}

/** What is to be done once the records of the same step are durable. */
export type Effect =
  | {readonly type: 'answer'; readonly request: RequestId; readonly result: Result<TeamView, Failure>}
  | {readonly type: 'start-host'; readonly machineId: string}
  /** The host has been silent for longer than the grace: end its process, then say `host-gone`. */
  | {
      readonly type: 'kill-host';
      readonly hostId: HostId;
      /** It is certain that it obeys nobody, so that there is no use in asking it first. */
      readonly isStuck?: true;
    }
  /** Look what its process does; answered by `host-probed`. */
  | {readonly type: 'probe-host'; readonly hostId: HostId}
  /** Have it say now how its attempts are, and not only with its next beat. */
  | {readonly type: 'ask-beat'; readonly hostId: HostId}
  | {readonly type: 'open-team'; readonly hostId: HostId; readonly teamId: TeamId; readonly spec: TeamSpec}
  | {
      readonly type: 'open-agents';
      readonly hostId: HostId;
      readonly teamId: TeamId;
      readonly agents: readonly AgentId[];
      /** What each does its prompts with; `command`: it takes none. */
      readonly runtimes: Readonly<Record<AgentId, string>>;
    }
  /** These agents are no more, and nothing of theirs runs. */
  | {
      readonly type: 'close-agents';
      readonly hostId: HostId;
      readonly teamId: TeamId;
      readonly agents: readonly AgentId[];
    }
  /** The processes of these attempts are held, or go on. */
  | {
      readonly type: 'pause-attempts';
      readonly hostId: HostId;
      readonly attempts: readonly AttemptId[];
      readonly paused: boolean;
    }
  /** The team is over for this host: its agents, environment and input folders go. */
  | {readonly type: 'close-team'; readonly hostId: HostId; readonly teamId: TeamId}
  | {readonly type: 'assign'; readonly hostId: HostId; readonly assignment: Assignment}
  | {
      readonly type: 'stop-attempts';
      readonly hostId: HostId;
      readonly attempts: readonly AttemptId[];
      readonly by: StopReason;
    }
  /** Find and end what is left of these attempts, which ran under a host of the same machine that is gone. */
  | {readonly type: 'reap'; readonly hostId: HostId; readonly attempts: readonly AttemptId[]}
  | {readonly type: 'read-output'; readonly teamId: TeamId; readonly task: TaskSeq; readonly taskSpec: TaskSpec}
  /** The engine could use this much; answered by `permits` inputs, now and whenever it changes. */
  | {
      readonly type: 'want-permits';
      readonly want: number;
      readonly memoryBytes: number;
      readonly providers: readonly Demand[];
    }
  | {readonly type: 'provider-signal'; readonly signal: ProviderSignal}
  /**
   * Make the change part of the team's branch; answered by `merge-ended`. Asked again after a restart, also when it had been
   * done: then the answer is the same.
   */
  | {readonly type: 'merge'; readonly request: MergeRequest}
  /** So many teams are over that this one, the oldest, has been removed: its files can go. */
  | {readonly type: 'forget-team'; readonly teamId: TeamId; readonly name: string}
  /** The team is over and recorded: what the daemon keeps for it in memory or in the runtime folder can go. */
  | {readonly type: 'team-over'; readonly teamId: TeamId; readonly view: TeamView};

export interface Assignment {
  readonly attempt: AttemptId;
  readonly teamId: TeamId;
  readonly task: TaskSeq;
  readonly taskId: string;
  readonly spec: TaskSpec;
  /** The instance's item; undefined for a task without `foreach`. */
  readonly item: JsonValue | undefined;
  /** From 1 within the task. */
  readonly number: number;
  readonly agentId: AgentId;
  /** For each need: how it ended, for `GODEL_NEEDS`. */
  readonly needs: readonly NeedResult[];
  /** Absent for a command. */
  readonly means?: AttemptMeans;
  /** It may have company: of the attempts at the task with the same one only one may put out a result. */
  readonly race?: number;
  readonly memo?: Memo;
  /** For a review: what is to be reviewed. */
  readonly reviewed?: {
    readonly task: TaskSeq;
    readonly taskId: string;
    readonly spec: TaskSpec;
    readonly work: Work;
    readonly item: JsonValue | undefined;
  };
}

export interface MergeRequest {
  readonly teamId: TeamId;
  readonly task: TaskSeq;
  readonly taskId: string;
  readonly attempt: AttemptId;
  readonly work: Work;
  readonly spec: TaskSpec;
  /** The instance's item; undefined for a task without `foreach`. */
  readonly item: JsonValue | undefined;
  readonly credits: Credits;
}

/** What the engine could use of a provider, and what of that runs. */
export interface Demand {
  readonly provider: ProviderId;
  readonly want: number;
  readonly running: number;
}

export interface NeedResult {
  readonly id: string;
  /** What its own plan calls it. */
  readonly name: string;
  readonly seq: TaskSeq;
  readonly state: 'succeeded' | 'failed' | 'skipped' | 'cancelled';
  readonly foreach: boolean;
  readonly total: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly outputs: TaskSpec['outputs'] | null;
}

/** The engine's answer to one input. */
export interface Step {
  readonly records: EngineRecord[];
  readonly effects: Effect[];
}
