import type {SpawnRequest} from '../api/contract.ts';
import {fail, ok, type Result} from '../base/result.ts';
import type {Settings} from '../config/settings.ts';
import type {Failure} from '../model/failure.ts';
import type {Autoscale} from '../model/autoscale.ts';
import {DEFAULT_EJECTION, type Ejection} from '../model/ejection.ts';
import {DEFAULT_SPECULATE, type Speculate} from '../model/speculate.ts';
import type {StrategyChoice} from '../model/strategy.ts';
import type {MemoryMode, RemoteHub} from '../model/memory.ts';
import type {Plan} from '../model/plan.ts';
import {groupsOf, type TeamSpec} from '../model/team.ts';
import type {TeamRepository} from '../model/work.ts';
import {parseAllowance} from '../runtimes/allow.ts';

export interface SpecRequest {
  readonly request: SpawnRequest;
  readonly name: string;
  readonly plan: Plan | null;
  readonly env: Readonly<Record<string, string>>;
  readonly secretNames: readonly string[];
  readonly traceId: string;
  readonly requestKey: string;
  readonly repository: TeamRepository | null;
  readonly depth: number;
  /** How it chooses its agents if neither the request nor its plan says so; absent: as by default. */
  readonly strategy?: StrategyChoice | undefined;
  /** When its agents are left out where its plan does not say so; absent: as by default. */
  readonly ejection?: Ejection | undefined;
  /** What holds of second attempts where its plan does not say it; absent: as by default. */
  readonly speculate?: Partial<Speculate>;
  /** Whether it remembers if neither says so. */
  readonly memory: MemoryMode;
  /** Null: the project's own. */
  readonly hub: RemoteHub | null;
  /** Null: it has the agents that were asked for. */
  readonly autoscale: Autoscale | null;
}

/** The team that was asked for. */
export function specOf({request, name, plan, repository, depth, autoscale, ...rest}: SpecRequest): TeamSpec {
  const {strategy: configured, ejection: rules, memory: rule, hub, ...facts} = rest;
  const groups = request.agents ?? groupsOfPlan(request, plan);
  const budget = request.budget ?? plan?.budget;
  const onBudget = request.onBudget ?? plan?.onBudget;
  const strategy = request.strategy ?? plan?.strategy ?? configured;
  const ejection = plan?.ejection ? {...(rules ?? DEFAULT_EJECTION), ...plan.ejection} : rules;
  const memory = request.memory ?? plan?.memory ?? rule;
  return {
    ...facts,
    name,
    count: request.count,
    plan,
    cwd: request.cwd,
    umask: request.umask,
    failFast: request.failFast ?? false,
    maxFailures: request.maxFailures ?? null,
    timeoutMs: request.timeoutMs ?? null,
    ...(groups ? {groups} : {}),
    ...(budget ? {budget} : {}),
    ...(autoscale ? {autoscale} : {}),
    ...(strategy ? {strategy} : {}),
    ...(ejection ? {ejection} : {}),
    ...(onBudget ? {onBudget} : {}),
    ...(repository ? {repository} : {}),
    ...(request.allow ? {allow: request.allow} : {}),
    ...(depth > 0 ? {depth} : {}),
    ...(memory === 'off' ? {memory} : {}),
    ...(hub ? {hub} : {}),
  };
}

/** What is configured of second attempts; nothing where nobody has set anything: what was not asked for is not recorded. */
export function configuredSpeculate({
  speculatePrompts,
  speculateShare: budgetShare,
}: Pick<Settings, 'speculatePrompts' | 'speculateShare'>): Pick<SpecRequest, 'speculate'> {
  const prompts = speculatePrompts === 'on';
  const isDefault = prompts === DEFAULT_SPECULATE.prompts && budgetShare === DEFAULT_SPECULATE.budgetShare;
  return isDefault ? {} : {speculate: {prompts, budgetShare}};
}

function groupsOfPlan({count}: SpawnRequest, plan: Plan | null): TeamSpec['groups'] {
  const total = plan?.agents?.reduce((sum, group) => sum + group.count, 0);
  return total === count ? plan?.agents : undefined;
}

/** Whether any task of the plan works in a worktree. */
export function needsRepository(plan: Plan | null): boolean {
  return plan?.tasks.some(task => task.workspace === 'worktree' || task.prompt !== undefined) ?? false;
}

/** The runtimes that do a team's prompts: those of its agents, and those that its plan moves failed tasks to. */
export function runtimesOf(spec: Pick<TeamSpec, 'count' | 'groups' | 'plan'>): readonly string[] {
  const ofAgents = groupsOf(spec).map(({runtime}) => runtime);
  const escalated = spec.plan?.escalate?.to.map(({runtime}) => runtime) ?? [];
  return [...new Set([...ofAgents, ...escalated])].filter(runtime => runtime !== 'command');
}

/** What can be seen to be wrong with a request without looking at the machine. */
export function checkAgents({count, agents, allow}: SpawnRequest): Result<void, Failure> {
  const total = agents?.reduce((sum, group) => sum + group.count, 0);
  if (total !== undefined && total !== count) {
    return fail({reason: 'usage', message: `The groups have ${total} agents, and ${count} were asked for`});
  }
  for (const text of allow ?? []) {
    const parsed = parseAllowance(text);
    if (!parsed.ok) return fail({reason: 'usage', message: `--allow: ${parsed.failure}`});
  }
  return ok(undefined);
}

/**
 * How deep in teams that agents spawn a new team would be. An agent's environment says whether it may: `GODEL_SPAWN` is
 * `refused`, or how deep a team is that it spawns.
 */
export function depthOf(env: Readonly<Record<string, string>>): Result<number, Failure> {
  const token = env['GODEL_SPAWN'];
  if (token === undefined) return ok(0);
  const depth = Number(token);
  return Number.isSafeInteger(depth) && depth > 0
    ? ok(depth)
    : fail({reason: 'spawn-refused', detail: 'Its team allows none.'});
}
