import type {AgentGroup} from '../model/agent.ts';
import type {MemoryMode} from '../model/memory.ts';
import type {Autoscale, OnBudget} from '../model/autoscale.ts';
import type {Budget} from '../model/budget.ts';
import type {BreakerView, EdgeCounts} from '../model/edge.ts';
import type {TracedEvent} from '../model/event.ts';
import type {Failure} from '../model/failure.ts';
import type {StrategyChoice} from '../model/strategy.ts';
import type {TaskStateName} from '../model/task.ts';
import type {TeamView} from '../model/team-view.ts';

/**
 * The HTTP + WebSocket API of the daemon, version 1, under `/v1` on the project's Unix socket. Errors are
 * `{v: 1, error: Failure, text: string}` with status 400 (usage), 404, 409 (state), 413, 426 (version), 500 or 503.
 * Every request carries `godel-version` and `godel-project`; the daemon refuses another project's and says so.
 *
 *   GET    /v1/daemon                          DaemonView
 *   POST   /v1/daemon/stop                     {} → {v: 1, teams: string[]}   (refused with 409 while teams run, unless {force: true})
 *   GET    /v1/daemon/logs?limit=N             {v: 1, lines: string[]}
 *   POST   /v1/teams                           SpawnRequest → {v: 1, team: TeamView}   as soon as it is recorded
 *   GET    /v1/teams                           {v: 1, teams: TeamView[]}
 *   GET    /v1/teams/:name                     TeamView
 *   POST   /v1/teams/:name/kill                {by?: 'user'} → TeamView   when nothing of it runs any more
 *   POST   /v1/teams/:name/scale               ScaleRequest → TeamView
 *   POST   /v1/teams/:name/run                 RunRequest → TeamView   a plan for a team that is idle
 *   POST   /v1/teams/:name/retry               RetryRequest → TeamView   the next round of what has not succeeded
 *   POST   /v1/teams/:name/pause               {agent?: AgentId} → TeamView
 *   POST   /v1/teams/:name/resume              {agent?: AgentId, budget?: Budget} → TeamView
 *   GET    /v1/teams/:name/agents              {v: 1, agents: AgentView[]}
 *   POST   /v1/teams/:name/agents/kill         {agent: AgentId} → TeamView   also /drain and /restart
 *   GET    /v1/teams/:name/explain?task=|agent=    Explanation
 *   DELETE /v1/teams/:name                     {v: 1, team: string}; 409 while it is not over
 *   GET    /v1/teams/:name/tasks?state=&after=&limit=&id=    {v: 1, tasks: TaskRow[]}
 *   GET    /v1/teams/:name/tasks/attempts?id=TASK            {v: 1, attempts: AttemptRow[]}
 *   GET    /v1/teams/:name/cost                CostView
 *   GET    /v1/teams/:name/log?task=ID&attempt=N&offset=&length=   {v: 1, data: base64, offset, size: number|null, over: boolean}
 *   GET    /v1/teams/:name/output?task=ID&offset=&length=    {v: 1, data: base64, offset, size: number|null}
 *   GET    /v1/teams/:name/events?after=&limit=              {v: 1, events: TracedEvent[]}
 *   GET    /v1/memory/stats                    MemoryStats   those of `memory-contract.ts`, as all that follow
 *   POST   /v1/memory/search                   MemorySearch → MemoryAnswer
 *   GET    /v1/memory/episodes?prefix=&limit=  {v: 1, memories: MemoryView[]}   the latest first
 *   GET    /v1/memory/episodes/:id             MemoryView   the beginning of an id is enough, as wherever one is given
 *   POST   /v1/memory/episodes                 MemoryDraft → AddedMemory
 *   POST   /v1/memory/vote                     VoteRequest → AddedMemory
 *   POST   /v1/memory/forget                   ForgetRequest → ForgetReport
 *   POST   /v1/memory/quarantine               QuarantineRequest → QuarantineReport
 *   GET    /v1/memory/export?after=&limit=     MemoryPage
 *   POST   /v1/memory/import                   MemoryImport → MemoryImported
 *   WS     /v1/feed?team=NAME&events=1&after=CURSOR          FeedMessage, one JSON text frame each
 *   WS     /v1/host                            the host protocol
 */
export const API_VERSION = 1;

/** Headers of requests and answers. `api` is the sender's `API_VERSION`; without it the sender is taken to speak ours. */
export const HEADERS = {
  version: 'godel-version',
  api: 'godel-api',
  project: 'godel-project',
  trace: 'traceparent',
} as const;

/** Largest request body in bytes: a plan of 100,000 tasks fits many times over. */
export const MAX_BODY_BYTES = 64 * 1024 * 1024;
/** Most rows, events or lines in one answer. */
export const MAX_PAGE = 10_000;
/** Most bytes of a log in one answer. */
export const MAX_LOG_BYTES = 1024 * 1024;

export interface SpawnRequest {
  /** Absent: the plan's name or `team`, with `-2`, `-3`… appended until it is free. Given: must be free. */
  readonly name?: string;
  readonly count: number;
  /** The plan document as it stands in the file (YAML already turned into JSON). */
  readonly plan?: unknown;
  readonly cwd: string;
  readonly umask: number;
  readonly env: Readonly<Record<string, string>>;
  readonly failFast?: boolean;
  readonly maxFailures?: number;
  readonly timeoutMs?: number;
  /** Groups of agents; their counts make up `count`. Absent: those of the plan when these make up `count`, else agents for commands. */
  readonly agents?: readonly AgentGroup[];
  /** Over the plan's own. */
  readonly budget?: Budget;
  readonly autoscale?: Partial<Autoscale>;
  readonly strategy?: StrategyChoice;
  readonly onBudget?: OnBudget;
  /** Whether its tasks are given what others have learned, and leave what they learn. */
  readonly memory?: MemoryMode;
  /** Over the settings of the project. */
  readonly hub?: HubRequest;
  /** What agents may do beyond working in their worktrees; see docs/runtimes. */
  readonly allow?: readonly string[];
  /** Variables of `env` whose values are secret, beside those that look like it. */
  readonly secretNames?: readonly string[];
  readonly traceparent?: string;
  /** Chosen by the caller for this request alone: sent again, it is answered with the team it has made. */
  readonly key?: string;
}

/** The hub of a team; what is absent is as the settings say. Paths are absolute. */
export interface HubRequest {
  /** `project`, `off`, or the address of another. */
  readonly url?: string;
  readonly tenant?: string;
  readonly tokenFile?: string;
}

/** What is absent stays as it is. */
export interface ScaleRequest {
  /** Agents in all; turns `autoscale` off. Down: idle agents go at once, busy ones when they are done, skills stay covered. */
  readonly count?: number;
  /** The group (its name) that `count` is of; absent: the team, shared out as the groups are now. */
  readonly group?: string;
  /** `off`, or what is to be different from the settings it has or the default ones. */
  readonly autoscale?: 'off' | Partial<Autoscale>;
  readonly strategy?: StrategyChoice;
}

export interface RunRequest {
  /** As in `SpawnRequest`. What it says of how the team chooses its agents and scales holds from now on; its agents are those it has. */
  readonly plan: unknown;
  readonly env: Readonly<Record<string, string>>;
  readonly secretNames?: readonly string[];
  /** Where keys of the plan stand, for messages: `{agents: 'godel.yaml:3'}`. */
  readonly places?: Readonly<Record<string, string>>;
}

export interface RetryRequest {
  /** Ids of tasks; `failed`: those that failed or were cancelled or skipped for it; `all`: whatever has not succeeded. */
  readonly tasks: readonly string[] | 'failed' | 'all';
  /** Secret values are not kept when a team is over. */
  readonly env: Readonly<Record<string, string>>;
  readonly secretNames?: readonly string[];
}

export interface PauseRequest {
  /** Absent: the whole team. */
  readonly agent?: string;
}

export interface ResumeRequest extends PauseRequest {
  /** What the team may use from now on, in all; over the budget it has. */
  readonly budget?: Budget;
}

export const AGENT_ORDERS = ['kill', 'drain', 'restart'] as const;

/** What is to become of an agent. kill: it goes at once; drain: when what it is at work on is done; restart: at once, and it comes back. */
export interface AgentOrder {
  readonly agent: string;
  readonly what: (typeof AGENT_ORDERS)[number];
}

/** About a task, an agent, or without either the team. */
export interface ExplainQuery {
  readonly task?: string;
  readonly agent?: string;
}

export interface DaemonView {
  readonly v: 1;
  readonly pid: number;
  readonly version: string;
  readonly project: string;
  readonly projectId: string;
  readonly socket: string;
  readonly uptimeMs: number;
  readonly teams: readonly {readonly name: string; readonly state: string}[];
  readonly hosts: readonly {
    readonly id: string;
    readonly pid: number;
    readonly state: 'connected' | 'disconnected';
    readonly agents: number;
    readonly running: number;
    /** Of the program that it runs; absent while it is away. */
    readonly version?: string;
  }[];
  readonly permits: {readonly granted: number; readonly why: string | null};
  /** Of runtimes and providers, those that are not closed. */
  readonly breakers?: readonly BreakerView[];
  /** What those of which anything was heard have counted, whatever their state. */
  readonly breakerCounts?: readonly EdgeCounts[];
  /** Why the daemon cannot write its store just now (full disk, for example), or null; nothing starts meanwhile. */
  readonly storeTrouble: string | null;
  /** What somebody should know and nothing else shows, for example that a reboot has lost a team's secret variables. */
  readonly warnings: readonly string[];
}

/** A stretch of an attempt's log. `over`: the attempt has ended and the log ends with `data`. */
export interface LogPart {
  readonly v: 1;
  readonly data: Uint8Array;
  readonly offset: number;
  /** The whole file's size now; null when it does not exist (yet). */
  readonly size: number | null;
  readonly over: boolean;
}

/** A stretch of what a task has put out for those that need it. */
export interface OutputPart {
  readonly v: 1;
  readonly data: Uint8Array;
  readonly offset: number;
  /** The whole output's size; null: there is none, or not yet. */
  readonly size: number | null;
}

export interface OutputQuery {
  readonly task: string;
  readonly offset?: number;
  readonly length?: number;
}

export interface LogQuery {
  readonly task: string;
  /** From 1 within the task; absent: the latest. */
  readonly attempt?: number;
  readonly offset?: number;
  readonly length?: number;
}

export interface TaskListQuery {
  readonly states?: readonly TaskStateName[];
  readonly id?: string;
  readonly after?: number;
  readonly limit?: number;
}

export interface EventQuery {
  readonly after?: number;
  readonly limit?: number;
}

export interface FeedQuery {
  readonly team: string;
  /** Send events too, starting after this cursor. Absent: views only. */
  readonly eventsAfter?: number;
}

/** The first message is always a view; a view follows at most 5 times a second while something changes. */
export type FeedMessage =
  | {readonly type: 'view'; readonly view: TeamView}
  | {readonly type: 'event'; readonly event: TracedEvent}
  /** Events after this cursor are no longer in the journal; what follows is what is left. */
  | {readonly type: 'gap'; readonly after: number}
  | {readonly type: 'error'; readonly error: Failure; readonly text: string};
