import type {z} from 'zod';
import type {Plan} from '../model/plan.ts';
import type {Speculate} from '../model/speculate.ts';
import {agentGroups, listOf} from './agent-groups.ts';
import {autoscaleOf} from './autoscale.ts';
import type {Scope} from './expressions.ts';
import {teamLimitsOf} from './written-limits.ts';
import {modelChoice} from './model-choice.ts';
import type {Problem} from './problem.ts';
import type {planSchema} from './schema.ts';
import {ejectionOf} from './schema-eject.ts';
import type {SpeculateDocument} from './schema-autoscale.ts';
import {strategyChoice} from './strategy.ts';
import {TextCompiler} from './text-compiler.ts';

type TopDocument = Partial<Omit<z.infer<typeof planSchema>, 'tasks'>>;

interface FactsRequest {
  readonly inputs: Scope['inputs'];
  readonly report: (problem: Problem) => void;
}

/** What a plan says of the team as a whole: its agents, limits, secrets, and what its branch must stand. */
export function planFacts(top: TopDocument, {inputs, report}: FactsRequest): Partial<Plan> {
  const {
    agents,
    verify,
    secrets,
    budget,
    autoscale,
    strategy,
    eject,
    limits,
    escalate,
    speculate,
    memory,
    defaults = {},
  } = top;
  const onBudget = top['on-budget'];
  const scaled = autoscale === undefined ? null : autoscaleOf(autoscale, report);
  const compiler = new TextCompiler({path: [], scope: {inputs, item: 'none'}, report});
  return {
    ...(agents === undefined ? {} : {agents: agentGroups(agents, {defaults, report})}),
    ...(verify === undefined ? {} : {verify: compiler.script('verify', verify)}),
    ...(secrets === undefined ? {} : {secrets: listOf(secrets)}),
    ...(budget === undefined ? {} : {budget: budgetOf(budget, report)}),
    ...(onBudget === undefined ? {} : {onBudget}),
    ...(scaled === null ? {} : {autoscale: scaled}),
    ...(strategy === undefined ? {} : {strategy: strategyChoice(strategy, report)}),
    ...(eject === undefined ? {} : {ejection: ejectionOf(eject)}),
    ...(limits === undefined ? {} : {limits: teamLimitsOf(limits)}),
    ...(escalate === undefined
      ? {}
      : {escalate: {after: escalate.after ?? 1, to: listOf(escalate.to).map(modelChoice)}}),
    ...(speculate === undefined ? {} : {speculate: speculateOf(speculate)}),
    ...(memory === undefined ? {} : {memory}),
  };
}

function speculateOf({commands, prompts, 'budget-share': budgetShare}: SpeculateDocument): Partial<Speculate> {
  return {
    ...(commands === undefined ? {} : {commands}),
    ...(prompts === undefined ? {} : {prompts}),
    ...(budgetShare === undefined ? {} : {budgetShare}),
  };
}

function budgetOf(
  budget: NonNullable<TopDocument['budget']>,
  report: FactsRequest['report'],
): NonNullable<Plan['budget']> {
  const {usd = null, tokens = null, 'per-hour': perHour} = typeof budget === 'number' ? {usd: budget} : budget;
  if (usd === null && tokens === null && perHour === undefined) {
    const hint = 'write `budget: 50` for USD, or `budget: {tokens: 2000000}`';
    report({path: ['budget'], at: 'value', message: '`budget` limits nothing', hint});
  }
  return {usd, tokens, ...(perHour === undefined ? {} : {perHour})};
}
