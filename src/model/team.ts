import type {AgentGroup} from './agent.ts';
import type {Autoscale, OnBudget} from './autoscale.ts';
import type {Budget} from './budget.ts';
import type {Ejection} from './ejection.ts';
import type {MemoryMode, RemoteHub} from './memory.ts';
import {joinPlans, type Plan} from './plan.ts';
import type {Speculate} from './speculate.ts';
import type {StrategyChoice} from './strategy.ts';
import type {TeamRepository} from './work.ts';

/**
 * running: has tasks that are not over. idle: agents but nothing to do. paused: what runs is held and nothing starts until it is
 * resumed. draining: being ended, with attempts still to stop.
 * The last three are final.
 */
export type TeamState = 'running' | 'idle' | 'paused' | 'draining' | 'succeeded' | 'failed' | 'killed';

export function isFinal(state: TeamState): boolean {
  return state === 'succeeded' || state === 'failed' || state === 'killed';
}

/** What a team may be called: one line that no command line takes for an option and no address for a path. */
export const TEAM_NAME = /^(?![-.\s])[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}]{1,100}$/u;
export const TEAM_NAME_RULE = 'a line of up to 100 characters that does not begin with a space, "-" or "."';

/** What was asked for when the team was spawned, and the plans that it was given since. */
export interface TeamSpec {
  readonly name: string;
  /** Agents, 1 to the configured limit. */
  readonly count: number;
  readonly plan: Plan | null;
  /** Absolute path: where tasks run. */
  readonly cwd: string;
  /** The caller's umask, 0 to 0o777. */
  readonly umask: number;
  /** The caller's environment without values that look like secrets. */
  readonly env: Readonly<Record<string, string>>;
  /** Names of the variables kept out of `env`, whose values live only in the runtime folder. */
  readonly secretNames: readonly string[];
  readonly failFast: boolean;
  readonly maxFailures: number | null;
  readonly timeoutMs: number | null;
  /** W3C trace id, 32 hex digits: correlates the request with everything that follows from it. */
  readonly traceId: string;
  /** What the request was marked with, so that one that is sent again makes no second team. */
  readonly requestKey?: string;
  /** Sums up to `count`. Absent: agents that only run commands. */
  readonly groups?: readonly AgentGroup[];
  readonly budget?: Budget;
  /** These four may be changed while it runs, see `TeamSettings`; absent: as by default. */
  readonly autoscale?: Autoscale;
  readonly strategy?: StrategyChoice;
  readonly ejection?: Ejection;
  readonly onBudget?: OnBudget;
  /** Absent or null: no task of it has a worktree. */
  readonly repository?: TeamRepository | null;
  /** What agents may do beyond working in their worktree, for example `network` or `bash:npm test`; see docs/permissions. */
  readonly allow?: readonly string[];
  /** How deep in teams that were spawned by agents of teams this one is: 0 when a person spawned it. */
  readonly depth?: number;
  /** What was configured where its plan does not say it, see `speculateOf`; absent: as by default. */
  readonly speculate?: Partial<Speculate>;
  /** Absent: on. */
  readonly memory?: MemoryMode;
  /** Whose memory it shares; absent: the project's own. */
  readonly hub?: RemoteHub;
}

const COMMANDS_ONLY = {
  name: 'agent',
  skills: [],
  runtime: 'command',
  model: null,
  costPerHour: null,
  speed: 1,
  slots: 1,
};

/** The agents of a team by group, in the order in which they are numbered. */
export function groupsOf({count, groups}: Pick<TeamSpec, 'count' | 'groups'>): readonly AgentGroup[] {
  return groups ?? [{...COMMANDS_ONLY, count}];
}

/** The same team with more to do. */
export function withPlan(
  spec: TeamSpec,
  {
    plan,
    secretNames,
    repository,
  }: {readonly plan: Plan; readonly secretNames: readonly string[]; readonly repository?: TeamRepository},
): TeamSpec {
  const names = [...new Set([...spec.secretNames, ...secretNames])];
  return {
    ...(repository ? {repository} : {}),
    ...spec,
    ...(plan.memory ? {memory: plan.memory} : {}),
    plan: joinPlans(spec.plan, plan),
    secretNames: names,
  };
}
