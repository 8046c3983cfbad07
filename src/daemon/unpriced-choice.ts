import {candidatesFor, requirementOf} from '../federation/requirement.ts';
import type {AgentGroup, ModelChoice} from '../model/agent.ts';
import type {AgentSettings} from '../model/agent-settings.ts';
import type {Budget} from '../model/budget.ts';
import type {Failure} from '../model/failure.ts';
import type {Plan} from '../model/plan.ts';
import {groupsOf, type TeamSpec} from '../model/team.ts';
import {priceOf} from '../runtimes/prices.ts';

/** They say themselves what they cost, whatever the model. */
const TELLING = ['claude', 'opencode', 'pi'];

/** What forbids the budget of the team: it is in USD alone, and nobody knows what some prompt of its plan costs. */
export function unpricedFailure(
  spec: Pick<TeamSpec, 'plan' | 'count' | 'groups'> & {readonly budget?: Budget | undefined},
  settings: Pick<AgentSettings, 'runtimes' | 'prices'>,
): Failure | null {
  const {budget, plan} = spec;
  const isInUsd = budget !== undefined && (budget.usd ?? budget.perHour ?? null) !== null;
  if (!isInUsd || budget.tokens !== null) return null;
  const choice = unpricedChoice(groupsOf(spec), plan, settings);
  return choice && {reason: 'price-unknown', ...choice};
}

/**
 * The first runtime and model that a prompt of the plan may be done with and whose price nobody knows; null: there is none. A
 * budget in USD means nothing for it.
 */
export function unpricedChoice(
  groups: readonly AgentGroup[],
  plan: Plan | null,
  settings: Pick<AgentSettings, 'runtimes' | 'prices'>,
): ModelChoice | null {
  const prompts = plan?.tasks.filter(task => task.prompt !== undefined) ?? [];
  if (prompts.length === 0) return null;
  const choices = prompts.flatMap(task =>
    candidatesFor(requirementOf(task, null), groups).flatMap(({choice}) => choice ?? []),
  );
  return [...choices, ...(plan?.escalate?.to ?? [])].find(choice => !isPriced(choice, settings)) ?? null;
}

function isPriced({runtime, model}: ModelChoice, settings: Pick<AgentSettings, 'runtimes' | 'prices'>): boolean {
  if (priceOf(runtime, model, settings.prices) !== null) return true;
  const custom = settings.runtimes.find(({name}) => name === runtime);
  return custom === undefined ? TELLING.includes(runtime) : custom.fields.usd !== undefined;
}
