import {z} from 'zod';
import type {AgentSettings} from '../model/agent-settings.ts';
import type {AttemptOutcome, SessionMark} from '../model/attempt.ts';
import type {Cap} from '../model/budget.ts';
import type {BreakerNews} from '../model/edge.ts';
import {AGENT_ERROR_KINDS, STOP_REASONS, type StopReason} from '../model/failure.ts';
import type {AttemptLimits, Vitals} from '../model/health.ts';
import type {AgentId, AttemptId, HostId, TeamId} from '../model/ids.ts';
import type {GivenMemory} from '../model/memory.ts';
import type {ProcessIdentity} from '../model/process-identity.ts';
import type {ProviderSignal} from '../model/provider.ts';
import type {ChangeRule, OutputKind, Touches} from '../model/task.ts';

/**
 * What daemon and host say to each other, over one WebSocket that the host opens. The host speaks first (`hello`); the
 * daemon answers `welcome` or `refuse`. Reports are numbered, kept by the host until acknowledged, and sent again after
 * a reconnect; the daemon acknowledges a report when what follows from it is durable.
 */
export {HOST_PROTOCOL} from './host-protocol-version.ts';

/** Everything an agent needs for one attempt. The host knows the team's environment and folder from `open-team`. */
export interface AttemptOrder {
  readonly attempt: AttemptId;
  readonly teamId: TeamId;
  /** The task's id as people see it. */
  readonly task: string;
  readonly agent: AgentId;
  readonly number: number;
  readonly work: CommandWork | PromptWork;
  readonly verify: string | null;
  /** On top of the team's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Absolute. */
  readonly cwd: string;
  readonly outputs: OutputKind | null;
  readonly timeoutMs: number | null;
  /** What the host holds it to; absent: nothing. */
  readonly limits?: AttemptLimits;
  /** Relative to the team's folder. */
  readonly logFile: string;
  /** Where the declared output goes when the attempt succeeds; relative to the team's folder. */
  readonly outputFile: string | null;
  /**
   * Whoever makes this file first may put out a result: of attempts that run at the same task, one. Relative to the team's folder;
   * absent: it is the only one.
   */
  readonly claimFile?: string;
  /** Links made in the attempt's input folder (`GODEL_INPUTS`): name there, target relative to the team's folder. */
  readonly inputs: readonly {readonly name: string; readonly target: string}[];
  readonly traceparent: string;
  /** What others have learned, made a file that `GODEL_MEMORIES` names. Absent: its team has no memory. */
  readonly memories?: readonly GivenMemory[];
  /** Absent: it works in `cwd` as it is. Otherwise `cwd` is relative to the root of the worktree. */
  readonly workspace?: WorkspaceOrder;
}

export interface CommandWork {
  readonly kind: 'command';
  readonly script: string;
}

export interface PromptWork {
  readonly kind: 'prompt';
  readonly prompt: string;
  readonly runtime: string;
  readonly model: string | null;
  readonly cap: Cap;
  /** The session to go on with; it was begun in that folder. */
  readonly resume: SessionMark | null;
  /** It answers with a verdict on the change that is in its worktree. */
  readonly isReview: boolean;
}

/** The worktree of an attempt, and what is expected of it afterwards. */
export interface WorkspaceOrder {
  /** Absolute paths: the user's checkout, and the repository's common git folder. */
  readonly root: string;
  readonly gitFolder: string;
  /** The commit to start from. */
  readonly base: string;
  /** A commit whose change is applied to it before the attempt starts, perhaps with conflict markers. */
  readonly apply: string | null;
  /** What keeps the work: `refs/godel/<team>/<task>/<attempt>`. */
  readonly ref: string;
  readonly change: ChangeRule;
  readonly touches: Touches | null;
  /** Subject of the commit. */
  readonly subject: string;
}

export interface TeamOpening {
  readonly teamId: TeamId;
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  readonly umask: number;
  /** Absolute: logs, outputs and inputs of the team. */
  readonly folder: string;
  /** Names in `env` whose values are secret: shown nowhere, and given only to what needs them. */
  readonly secrets?: readonly string[];
  /** The runtimes its agents use; their probes are what makes the agents ready. */
  readonly runtimes?: readonly string[];
  readonly allow?: readonly string[];
  /** How deep it is in teams that were spawned by agents of teams; absent: 0, spawned by a person. */
  readonly depth?: number;
  /** What the configuration says of runtimes, prices and worktrees. */
  readonly agentSettings?: AgentSettings;
}

export type DaemonMessage =
  | {readonly type: 'welcome'; readonly protocol: number; readonly build: string; readonly limits: HostLimits}
  | {readonly type: 'refuse'; readonly detail: string}
  | {readonly type: 'open-team'; readonly team: TeamOpening}
  | {
      readonly type: 'open-agents';
      readonly teamId: TeamId;
      readonly agents: readonly AgentId[];
      /**
       * What each does its prompts with: those of a runtime that is not there fail, and only those. `command`: it takes
       * none. One that is not named here needs all runtimes of its team.
       */
      readonly runtimes?: Readonly<Record<AgentId, string>>;
    }
  | {readonly type: 'close-team'; readonly teamId: TeamId}
  | {readonly type: 'assign'; readonly orders: readonly AttemptOrder[]}
  | {readonly type: 'stop'; readonly attempts: readonly AttemptId[]; readonly by: StopReason}
  /** Hold the processes of these attempts, or let them go on. One that has not been ordered yet is held when it is. */
  | {readonly type: 'pause'; readonly attempts: readonly AttemptId[]; readonly paused: boolean}
  /** These agents are no more; what they have running is stopped by `stop`. */
  | {readonly type: 'close-agents'; readonly teamId: TeamId; readonly agents: readonly AgentId[]}
  | {readonly type: 'reap'; readonly request: number; readonly attempts: readonly AttemptId[]}
  /** Reads `length` bytes of a file in the team's folder from `offset`. */
  | {
      readonly type: 'read';
      readonly request: number;
      readonly folder: string;
      readonly file: string;
      readonly offset: number;
      readonly length: number;
    }
  | {readonly type: 'ack'; readonly report: number}
  /** Beat now, not only when it is time: what an attempt has done by now decides. A host that does not know this ignores it. */
  | {readonly type: 'ask-beat'}
  /** Stop every attempt, then exit. */
  | {readonly type: 'shutdown'};

export interface HostLimits {
  /** How long the host keeps working without a daemon, in milliseconds. */
  readonly graceMs: number;
  /** From SIGTERM to SIGKILL, in milliseconds. */
  readonly killGraceMs: number;
  readonly logCapBytes: number;
  readonly outputCapBytes: number;
  /** Starts in flight at a time. */
  readonly spawnConcurrency: number;
}

export type Report =
  | {readonly type: 'agents-ready'; readonly agents: readonly AgentId[]}
  | {readonly type: 'agents-failed'; readonly agents: readonly AgentId[]; readonly detail: string}
  | {readonly type: 'attempt-verifying'; readonly attempt: AttemptId}
  | {readonly type: 'attempt-session'; readonly attempt: AttemptId; readonly session: SessionMark}
  | {readonly type: 'provider-signal'; readonly attempt: AttemptId; readonly signal: ProviderSignal}
  /** A circuit breaker of the host has opened or closed, or turned an attempt away; said again to every daemon that comes. */
  | ({readonly type: 'breaker'} & BreakerNews)
  | {
      readonly type: 'attempt-finished';
      readonly attempt: AttemptId;
      readonly outcome: AttemptOutcome;
      /** The end of what it printed or answered, without secrets; only of an attempt whose order has `memories`. */
      readonly said?: string;
    };

export type HostMessage =
  | {
      readonly type: 'hello';
      readonly protocol: {readonly min: number; readonly max: number};
      readonly build: string;
      readonly projectId: string;
      readonly storeId: string;
      readonly hostId: HostId;
      readonly machineId: string;
      readonly process: ProcessIdentity;
      /** Attempts it has accepted and not yet finished, or finished with the report not acknowledged. */
      readonly holds: readonly AttemptId[];
      readonly agents: readonly AgentId[];
      readonly teams: readonly TeamId[];
      /** Those of `holds` that are paused; absent: none. */
      readonly paused?: readonly AttemptId[];
    }
  | {readonly type: 'reports'; readonly first: number; readonly reports: readonly Report[]}
  /** News for display only: neither numbered nor kept. */
  | {readonly type: 'progress'; readonly lines: readonly {readonly attempt: AttemptId; readonly line: string}[]}
  | {readonly type: 'reaped'; readonly request: number; readonly attempts: readonly AttemptId[]; readonly ended: number}
  /** `data` is base64; `size` is the file's whole size now, null when it does not exist (yet). */
  | {readonly type: 'data'; readonly request: number; readonly data: string; readonly size: number | null}
  /**
   * Signs of life: neither numbered nor kept, at most twice a second. Of the attempts that run a program it names those that have
   * changed; one that is not named is as it was, and silent for so much longer. `lagMs`: how late the host's own timer was.
   */
  | {readonly type: 'vitals'; readonly lagMs: number; readonly vitals: readonly Vitals[]}
  /** The same with nothing to say: twice a second comes one or the other, while the host has a team. */
  | {readonly type: 'beat'};

const id = z.custom<AttemptId>(
  value => Number.isSafeInteger(value) && (value as number) >= 0,
  'expected an attempt id',
);
const agent = z.custom<AgentId>(value => typeof value === 'string' && value.length > 0 && value.length <= 200);
const team = z.custom<TeamId>(value => Number.isSafeInteger(value) && (value as number) >= 0, 'expected a team id');
const host = z.custom<HostId>(value => typeof value === 'string' && value.length > 0 && value.length <= 100);
const text = (max: number) => z.string().max(max);
const tally = z.number().int().nonnegative();
const amount = z.number().nonnegative().nullable();
const ended = {exitCode: z.number().int().nullable(), signal: text(20).nullable(), tail: text(8192)};

/** The failures that a host may report; all others are decided by the daemon. */
const hostFailure = z.discriminatedUnion('reason', [
  z.object({reason: z.literal('command-failed'), ...ended}),
  z.object({reason: z.literal('verify-failed'), ...ended}),
  z.object({reason: z.literal('spawn-failed'), command: text(1000), code: text(50), detail: text(2000)}),
  z.object({reason: z.literal('timed-out'), timeoutMs: z.number().positive()}),
  z.object({
    reason: z.literal('runtime-unavailable'),
    what: z.enum(['runtime', 'provider']),
    name: text(200),
    retryAfterMs: z.number().nonnegative(),
    detail: text(8192),
  }),
  z.object({reason: z.literal('output-invalid'), expected: z.literal('json'), detail: text(2000)}),
  z.object({reason: z.literal('output-too-large'), limitBytes: z.number().positive()}),
  z.object({
    reason: z.enum(['memory-exceeded', 'disk-exceeded']),
    limitBytes: z.number().positive(),
    usedBytes: z.number().nonnegative(),
  }),
  z.object({reason: z.literal('output-unwritable'), file: text(5000), code: text(50), detail: text(2000)}),
  z.object({
    reason: z.literal('stopped'),
    by: z.enum(STOP_REASONS),
  }),
  z.object({
    reason: z.literal('agent-error'),
    runtime: text(100),
    kind: z.enum(AGENT_ERROR_KINDS),
    detail: text(8192),
    exitCode: z.number().int().nullable(),
  }),
  z.object({
    reason: z.literal('provider-limited'),
    provider: text(200),
    kind: z.enum(['throttled', 'quota', 'overloaded']),
    retryAfterMs: amount,
    detail: text(8192),
  }),
  z.object({reason: z.literal('no-change')}),
  z.object({
    reason: z.literal('outside-touches'),
    files: z.array(text(5000)).max(100),
    omitted: z.number().nonnegative(),
    globs: z.array(text(5000)).max(1000),
  }),
  z.object({reason: z.literal('over-cap'), capUsd: amount, capTokens: amount}),
  z.object({reason: z.literal('workspace-failed'), detail: text(8192), hint: text(2000).exactOptional()}),
  z.object({reason: z.literal('git-failed'), detail: text(8192), hint: text(2000).exactOptional()}),
  z.object({reason: z.literal('runtime-missing'), runtime: text(100), detail: text(2000), hint: text(2000)}),
  z.object({reason: z.literal('unexpected'), message: text(4000)}),
]);

const commit = z.string().regex(/^[0-9a-f]{40,64}$/);
const session = z.object({
  attempt: z.number().int(),
  runtime: text(100),
  session: text(1000),
  folder: text(5000),
});
const signal = z.object({
  provider: text(200),
  kind: z.enum(['ok', 'throttled', 'quota', 'overloaded']),
  retryAfterMs: amount,
});

const outcome = z.object({
  result: z.union([z.object({ok: z.literal(true)}), z.object({ok: z.literal(false), failure: hostFailure})]),
  durationMs: z.number().nonnegative(),
  usage: z.object({
    cpuSeconds: amount,
    maxRssBytes: amount,
    usd: amount,
    inputTokens: amount,
    outputTokens: amount,
    cacheReadTokens: amount,
    cacheWriteTokens: amount,
  }),
  outputBytes: amount,
  work: z
    .object({
      commit,
      base: commit,
      ref: text(1000),
      files: z.number().nonnegative(),
      insertions: z.number().nonnegative(),
      deletions: z.number().nonnegative(),
    })
    .nullable()
    .exactOptional(),
  warnings: z.array(text(2000)).max(100).exactOptional(),
  verdict: z.object({approved: z.boolean(), comments: text(8192)}).exactOptional(),
});

const vitals = z.object({
  attempt: id,
  processes: z.number().int().nonnegative(),
  cpuMs: amount,
  rssBytes: amount,
  outputBytes: z.number().nonnegative(),
  silentMs: z.number().nonnegative(),
  state: z.enum(['running', 'sleeping', 'stopped']).exactOptional(),
});

const report = z.discriminatedUnion('type', [
  z.object({type: z.literal('agents-ready'), agents: z.array(agent).max(100_000)}),
  z.object({type: z.literal('agents-failed'), agents: z.array(agent).max(100_000), detail: text(4000)}),
  z.object({type: z.literal('attempt-verifying'), attempt: id}),
  z.object({type: z.literal('attempt-session'), attempt: id, session}),
  z.object({type: z.literal('provider-signal'), attempt: id, signal}),
  z.object({
    type: z.literal('breaker'),
    of: z.object({kind: z.enum(['runtime', 'provider']), name: text(200)}),
    state: z.enum(['closed', 'open', 'half-open']),
    detail: text(8192),
    retryAfterMs: z.number().nonnegative(),
    counts: z.object({opens: tally, refusals: tally, openMs: tally}).exactOptional(),
  }),
  z.object({type: z.literal('attempt-finished'), attempt: id, outcome, said: text(8192).exactOptional()}),
]);

/** Parses what a host sends; the daemon believes nothing that has not passed here. */
export const hostMessageSchema: z.ZodType<HostMessage> = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('hello'),
    protocol: z.object({min: z.number().int(), max: z.number().int()}),
    build: text(100),
    projectId: text(100),
    storeId: text(100),
    hostId: host,
    machineId: text(200),
    process: z.object({pid: z.number().int().positive(), startTime: text(50), bootId: text(100)}),
    holds: z.array(id).max(100_000),
    agents: z.array(agent).max(100_000),
    teams: z.array(team).max(100_000),
    paused: z.array(id).max(100_000).exactOptional(),
  }),
  z.object({type: z.literal('reports'), first: z.number().int().nonnegative(), reports: z.array(report).max(100_000)}),
  z.object({type: z.literal('progress'), lines: z.array(z.object({attempt: id, line: text(1000)})).max(100_000)}),
  z.object({
    type: z.literal('reaped'),
    request: z.number().int(),
    attempts: z.array(id).max(100_000),
    ended: z.number().int(),
  }),
  z.object({
    type: z.literal('data'),
    request: z.number().int(),
    data: text(4_000_000),
    size: z.number().nonnegative().nullable(),
  }),
  z.object({type: z.literal('vitals'), lagMs: z.number().nonnegative(), vitals: z.array(vitals).max(100_000)}),
  z.object({type: z.literal('beat')}),
]);
