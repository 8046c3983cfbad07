import type {JsonValue} from '../base/json.ts';
import type {Failure, StopReason} from './failure.ts';
import type {AttemptLimits} from './health.ts';
import type {AttemptId, TaskSeq} from './ids.ts';
import type {PreferredCost} from './strategy.ts';
import type {Credits, Work} from './work.ts';

/** A plain-text template: literal parts and references to the item, rendered by `plan/render.ts`. */
export type Template = readonly (string | {readonly item: readonly string[]})[];

/** What a task is, after the plan has been checked and its defaults filled in. Shared by all instances of a `foreach`. */
export type TaskSpec = CommandTask | PromptTask;

/** A task done by running a script; any agent can do it. */
export interface CommandTask extends TaskFacts {
  /** Shell script; references to the item have become environment variables named in `expressions`. */
  readonly run: string;
  readonly prompt?: undefined;
}

/** A task done by a coding agent, always in a worktree of its own. */
export interface PromptTask extends TaskFacts {
  readonly run?: undefined;
  /** What the agent is told to do. */
  readonly prompt: Template;
}

export interface TaskFacts {
  /** The id from the plan, for example `check`; unique in its team. */
  readonly id: string;
  /** What it is called in its own plan, where the team had a task of that name already; absent: `id`. */
  readonly idInPlan?: string;
  /** Shell script that must exit 0 for the attempt to count as succeeded. */
  readonly verify?: string;
  /** Values for the variables that `run` and `verify` refer to in place of `${{ … }}`. */
  readonly expressions: Readonly<Record<string, Template>>;
  readonly needs: readonly string[];
  readonly foreach?: ForeachSource;
  /** Identity of an instance; by default made from the item's value. */
  readonly key?: Template;
  readonly condition: Condition;
  readonly outputs?: OutputKind;
  /** Time one attempt may take, verify included, in milliseconds, > 0. Absent: no limit. */
  readonly timeoutMs?: number;
  /** What one attempt may use beside time and money. Absent: no limit. */
  readonly limits?: AttemptLimits;
  /** Which of these it has only from the defaults of the plan: what the group of its agent says goes over those. */
  readonly assumed?: readonly Assumed[];
  /** Further attempts after a failed one, ≥ 0. */
  readonly retries: number;
  /** Higher goes first; default 0. */
  readonly priority: number;
  readonly env: Readonly<Record<string, Template>>;
  /** Relative to the team's working directory. */
  readonly workingDirectory?: Template;
  /** A failure of this task counts as success for those that need it and for the team. */
  readonly continueOnError: boolean;
  /** Instances of a `foreach` that may run at a time, ≥ 1. */
  readonly maxParallel?: number;
  /** Skills an agent must have; an agent without any skills accepts every task. */
  readonly skills?: readonly string[];
  /** Tasks with the same one go to the same agent, if the team's strategy is `consistent-hash`. Absent: its id. */
  readonly affinity?: Template;
  /** Among the agents that may do it, those with more of these skills come first. */
  readonly prefer?: readonly string[];
  /** What decides between agents of different cost. Absent: cheaper ones come first. */
  readonly preferredCost?: PreferredCost;
  /** The runtime, and the model of it, that must do a prompt; absent: whatever the agent has. */
  readonly runtime?: string;
  readonly model?: string;
  /** Runs in a git worktree of its own whose changes are merged. Always so for a prompt; absent: in place. */
  readonly workspace?: 'worktree';
  /** Whether it may run twice at the same time. Absent: as far as it has a worktree of its own. */
  readonly idempotent?: boolean;
  /** Whether the worktree must be changed (`required`), may be (`optional`) or must not be (`none`). Absent: `optional`. */
  readonly change?: ChangeRule;
  readonly touches?: Touches;
  readonly estimate?: Estimate;
  readonly review?: ReviewSpec;
  /** This task reviews that one: it runs when an attempt of it has succeeded, and its verdict decides what follows. */
  readonly reviews?: string;
}

export type ChangeRule = 'required' | 'optional' | 'none';

/** The files a task may change, as globs relative to the root of the repository. */
export interface Touches {
  readonly globs: readonly string[];
  /** Further globs, each with values of the item: `plan/render.ts` adds them to `globs` for an instance. */
  readonly itemGlobs?: readonly Template[];
  /** What a change outside of them is. */
  readonly policy: 'warn' | 'fail';
}

/** What somebody expects one attempt to take. */
export interface Estimate {
  readonly usd?: number;
  readonly tokens?: number;
  readonly durationMs?: number;
}

export interface ReviewSpec {
  /** How often the task may be sent back, ≥ 1; after that it fails. */
  readonly rounds: number;
}

export type Condition = 'success' | 'failure' | 'always';
export type OutputKind = 'text' | 'lines' | 'json';

export type ForeachSource =
  | {readonly from: 'output'; readonly task: string; readonly path: readonly string[]}
  /** `matrix`: the items are the combinations of one, and an instance is named by all its values. */
  | {readonly from: 'list'; readonly items: readonly JsonValue[]; readonly matrix?: true};

/**
 * Where a task stands.
 *
 *     waiting ──► ready ──► running ──► verifying ──► reviewing ──► merging ──► succeeded
 *        │          ▲          │            │            │            │
 *        │          └─ retry ──┴────────────┴────────────┴────────────┤
 *        └──────► skipped   cancelled ◄───────────────────────────────┴──────► failed
 *
 * reviewing: only with `review`. merging: only when the attempt has changed its worktree; the task is over when its
 * change is part of the team's branch, so that whoever needs it starts from there.
 *
 * A `foreach` template is a group: it goes waiting → expanded → succeeded | failed | skipped | cancelled and never runs
 * itself.
 */
export type TaskState =
  | {readonly name: 'waiting'}
  | {readonly name: 'ready'}
  /** Waits out the delay before its next attempt; `untilWallMs` is for display and restart. */
  | {readonly name: 'backing-off'; readonly untilWallMs: number}
  | {readonly name: 'running'; readonly attempt: AttemptId}
  | {readonly name: 'verifying'; readonly attempt: AttemptId}
  /** `work` is the change of the attempt that has succeeded, `credits` whose it is. */
  | {readonly name: 'reviewing'; readonly attempt: AttemptId; readonly work: Work; readonly credits: Credits}
  | {readonly name: 'merging'; readonly attempt: AttemptId; readonly work: Work; readonly credits: Credits}
  | {readonly name: 'expanded'}
  | {readonly name: 'succeeded'}
  | {readonly name: 'failed'; readonly failure: Failure}
  | {readonly name: 'skipped'; readonly because: SkipReason}
  | {readonly name: 'cancelled'; readonly by: StopReason};

export type TaskStateName = TaskState['name'];

/**
 * Why a task was skipped: a task it needs failed, was cancelled or was itself skipped for such a cause (`needs`), or
 * nothing failed and its condition was `failure()` (`condition`), which is no fault; `task` is the need that decided.
 */
export interface SkipReason {
  readonly cause: 'needs' | 'condition';
  readonly task: TaskSeq | null;
}

export const TERMINAL_TASK_STATES = [
  'succeeded',
  'failed',
  'skipped',
  'cancelled',
] as const satisfies readonly TaskStateName[];
export type TerminalTaskStateName = (typeof TERMINAL_TASK_STATES)[number];

export function isTerminal(name: TaskStateName): name is TerminalTaskStateName {
  return name === 'succeeded' || name === 'failed' || name === 'skipped' || name === 'cancelled';
}

export type Assumed = keyof AttemptLimits | 'timeoutMs';
