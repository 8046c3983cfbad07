import type {AgentGroup, ModelChoice} from './agent.ts';
import type {Autoscale, OnBudget} from './autoscale.ts';
import type {Budget} from './budget.ts';
import type {Ejection} from './ejection.ts';
import type {MemoryMode} from './memory.ts';
import type {Speculate} from './speculate.ts';
import type {StrategyChoice} from './strategy.ts';
import type {TaskSpec} from './task.ts';

/** A checked plan: ids are unique, needs exist, there is no cycle, defaults are filled in. Made only by `plan/`. */
export interface Plan {
  readonly name: string | null;
  readonly env: Readonly<Record<string, string>>;
  readonly tasks: readonly TaskSpec[];
  /** The agents it wants, unless the command line says otherwise. */
  readonly agents?: readonly AgentGroup[];
  /** Shell script that must exit 0 on the team's branch after every merge. */
  readonly verify?: string;
  /** Names of variables whose values are secret whatever they look like. */
  readonly secrets?: readonly string[];
  readonly budget?: Budget;
  readonly onBudget?: OnBudget;
  /** How the team grows and shrinks by itself, unless the command line says otherwise. */
  readonly autoscale?: Autoscale;
  /** How agents are chosen, unless the command line says otherwise. */
  readonly strategy?: StrategyChoice;
  /** When agents that fail are left out; what is not said is as the settings have it. */
  readonly ejection?: Partial<Ejection>;
  /** What its attempts may use together. */
  readonly limits?: TeamLimits;
  readonly escalate?: Escalation;
  /** What it does not say is as it was configured, or as by default, see `Speculate`. */
  readonly speculate?: Partial<Speculate>;
  /** Whether its team remembers, unless the command line says otherwise. */
  readonly memory?: MemoryMode;
}

/** While the attempts of the team use as much of one of these together, nothing new of it starts. */
export interface TeamLimits {
  readonly memoryBytes?: number;
  /** Processor cores, > 0. */
  readonly cpus?: number;
  /** What attempts that run have printed. */
  readonly outputBytes?: number;
}

/** After so many failures of a task (≥ 1) its prompt goes to the next of these choices, each in turn. */
export interface Escalation {
  readonly after: number;
  readonly to: readonly ModelChoice[];
}

/**
 * Both as one: what is said of the whole by both is as the later one says. Ids must differ. What a plan says of the team itself
 * (its agents, budget, strategy, whom it leaves out and how it scales) is not joined: that is the team's, and settled when it is given the plan.
 */
export function joinPlans(first: Plan | null, next: Plan): Plan {
  if (first === null) return next;
  const verify = next.verify ?? first.verify;
  const escalate = next.escalate ?? first.escalate;
  const limits = next.limits ?? first.limits;
  const speculate = {...first.speculate, ...next.speculate};
  const secrets = [...new Set([...(first.secrets ?? []), ...(next.secrets ?? [])])];
  return {
    name: first.name,
    env: {...first.env, ...next.env},
    tasks: [...first.tasks, ...next.tasks],
    ...(first.agents ? {agents: first.agents} : {}),
    ...(verify === undefined ? {} : {verify}),
    ...(secrets.length > 0 ? {secrets} : {}),
    ...(first.budget ? {budget: first.budget} : {}),
    ...(escalate ? {escalate} : {}),
    ...(limits ? {limits} : {}),
    ...(Object.keys(speculate).length > 0 ? {speculate} : {}),
  };
}
