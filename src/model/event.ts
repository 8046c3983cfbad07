import type {AgentStanding} from './agent.ts';
import type {AgentAnomaly} from './agent-view.ts';
import type {Autoscale, ScaleDecision} from './autoscale.ts';
import type {BreakerNews, BreakerState} from './edge.ts';
import type {SelectionWhy} from './explanation.ts';
import type {Failure, StopReason} from './failure.ts';
import type {HealthState} from './health.ts';
import type {AgentId, AttemptId, HostId, TeamId} from './ids.ts';
import type {StragglerWhy} from './speculate.ts';
import type {StrategyChoice} from './strategy.ts';
import type {SkipReason} from './task.ts';
import type {TeamState} from './team.ts';

/** What happened. Past tense; `task` is the task's id as people see it, for example `check[node_modules/ws]`. */
export type EventBody =
  | {readonly type: 'team-spawned'; readonly name: string; readonly agents: number; readonly tasks: number}
  | {readonly type: 'team-ready'; readonly agents: number}
  | {readonly type: 'team-ending'; readonly by: StopReason}
  | {readonly type: 'team-scaled'; readonly decision: ScaleDecision}
  /** `why` is null when somebody asked for it. */
  | {readonly type: 'team-paused'; readonly why: string | null}
  | {readonly type: 'team-resumed'}
  /** Somebody has changed how it is run; what holds from now on. */
  | {
      readonly type: 'team-changed';
      readonly strategy: StrategyChoice;
      /** Null: it has the agents that people ask for. */
      readonly autoscale: Autoscale | null;
    }
  /** It was over and goes on. */
  | {readonly type: 'team-revived'}
  | {readonly type: 'plan-added'; readonly plan: string | null; readonly tasks: number}
  /** So many tasks that were over go again; `first` names the first of them. */
  | {readonly type: 'round-begun'; readonly tasks: number; readonly first: readonly string[]}
  /** `restarted`: stopped, and opened anew. */
  | {
      readonly type: 'agents-changed';
      readonly agents: readonly AgentId[];
      readonly to: AgentStanding | 'restarted';
    }
  | {readonly type: 'team-finished'; readonly state: TeamState}
  | {readonly type: 'tasks-added'; readonly task: string; readonly count: number}
  | {
      readonly type: 'attempt-leased';
      readonly task: string;
      readonly attempt: AttemptId;
      readonly number: number;
      readonly agent: AgentId;
      readonly host: HostId;
      /** Why this agent; absent: nobody else was there to choose from. */
      readonly why?: SelectionWhy;
    }
  | {
      readonly type: 'attempt-failed';
      readonly task: string;
      readonly attempt: AttemptId;
      readonly failure: Failure;
      readonly retryInMs: number | null;
      /** Another attempt at the task is still at work, and decides what becomes of it. */
      readonly goesOn?: AttemptId;
    }
  /** A second attempt was started beside one (`twinOf`) that takes much longer than its like. The first to succeed counts. */
  | {
      readonly type: 'attempt-speculated';
      readonly task: string;
      readonly attempt: AttemptId;
      readonly twinOf: AttemptId;
      readonly why: StragglerWhy;
    }
  | {readonly type: 'attempt-lost'; readonly task: string; readonly attempt: AttemptId; readonly host: HostId}
  | {
      readonly type: 'task-succeeded';
      readonly task: string;
      readonly attempt: AttemptId | null;
      readonly durationMs: number | null;
    }
  | {readonly type: 'task-failed'; readonly task: string; readonly failure: Failure}
  | {
      readonly type: 'task-skipped';
      readonly task: string;
      readonly because: SkipReason['cause'];
      readonly need: string | null;
    }
  | {readonly type: 'task-cancelled'; readonly task: string; readonly by: StopReason}
  | {
      readonly type: 'report-rejected';
      readonly attempt: AttemptId;
      readonly report: string;
      readonly why: 'unknown-attempt' | 'not-current' | 'wrong-host';
    }
  /** The provider let nothing more through: the task goes again when it does. */
  | {
      readonly type: 'attempt-limited';
      readonly task: string;
      readonly attempt: AttemptId;
      readonly provider: string;
      readonly kind: 'throttled' | 'quota' | 'overloaded';
      readonly retryInMs: number;
    }
  /** Something to know about an attempt that went on or succeeded all the same. */
  | {readonly type: 'attempt-warning'; readonly task: string; readonly attempt: AttemptId; readonly text: string}
  | {readonly type: 'team-warning'; readonly text: string}
  | {
      readonly type: 'task-reviewed';
      readonly task: string;
      readonly by: AgentId;
      readonly approved: boolean;
      readonly comments: string;
    }
  /** The change is part of the team's branch, whose tip is now this commit. */
  | {readonly type: 'task-merged'; readonly task: string; readonly attempt: AttemptId; readonly tip: string}
  | {
      readonly type: 'merge-conflict';
      readonly task: string;
      readonly attempt: AttemptId;
      readonly files: readonly string[];
      /** What happens now: another attempt brings it together, or the task has failed. */
      readonly next: 'resolve' | 'parked';
    }
  | {readonly type: 'task-escalated'; readonly task: string; readonly to: string}
  /** Told once, until it is over. */
  | ({readonly type: 'agent-anomaly'; readonly agent: AgentId} & AgentAnomaly)
  | {readonly type: 'agents-failed'; readonly failure: Failure; readonly agents: number}
  | {readonly type: 'waiting-for-capacity'; readonly why: string}
  | {readonly type: 'host-connected'; readonly host: HostId; readonly pid: number}
  | {readonly type: 'host-disconnected'; readonly host: HostId}
  /**
   * An agent has failed too often and is left out (`open`, for so long), gets one task to show that it works (`half-open`), or is
   * given tasks as any other again. `trips`: how often it was left out, less what has been forgiven.
   */
  | {
      readonly type: 'agent-breaker';
      readonly agent: AgentId;
      readonly state: BreakerState;
      readonly forMs: number | null;
      readonly trips: number;
    }
  /** A breaker around a runtime or the account of a provider has opened or closed on a host. */
  | ({readonly type: 'edge-breaker'; readonly host: HostId} & BreakerNews)
  /** dead: it is stuck for certain, and its process is being ended. `why` is null when it is heard again. */
  | {readonly type: 'host-health'; readonly host: HostId; readonly health: HealthState; readonly why: string | null}
  | {readonly type: 'host-gone'; readonly host: HostId};

/** An event as the engine makes it: `teamId` is null for what concerns no single team. */
export interface Event {
  readonly teamId: TeamId | null;
  readonly atMs: number;
  readonly body: EventBody;
}

/** An event as it is stored and shown. `cursor` counts over the project, `seq` within the team; both without gaps. */
export interface StoredEvent extends Event {
  readonly v: 1;
  readonly cursor: number;
  readonly seq: number;
}

/** An event as the API sends it, with its place in the trace that began with the request for its team. */
export interface TracedEvent extends StoredEvent {
  /** W3C trace context: the team's trace id, and the event's cursor as the id of the span. */
  readonly traceparent: string;
}

export function withTrace(event: StoredEvent, traceId: string): TracedEvent {
  return {...event, traceparent: `00-${traceId}-${event.cursor.toString(16).padStart(16, '0')}-01`};
}
