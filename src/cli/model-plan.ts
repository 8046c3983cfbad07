import {literalText} from '../federation/decompose/plan-document.ts';
import {plannerPrompt} from '../federation/decompose/planner-prompt.ts';
import {type Planned, readPlanned} from '../federation/decompose/planned.ts';
import type {AgentGroup} from '../model/agent.ts';
import type {ExitKind} from '../model/exit-code.ts';
import {GodelError} from '../model/failure.ts';
import type {TeamView} from '../model/team-view.ts';
import type {Survey} from '../workspace/survey.ts';
import {surveyText} from '../workspace/survey-text.ts';
import {attend} from './attend.ts';
import type {Cli} from './cli.ts';
import {must, openProject, type Project} from './connect.ts';
import type {AgentOptions, AskedAgents} from './team-agents.ts';
import {requestOf} from './spawn-request.ts';
import {exitKindOfTeam, teamResult} from './team-result.ts';

export interface ModelPlanOptions extends AgentOptions {
  readonly name?: string;
  readonly budget?: number;
  readonly budgetTokens?: number;
  readonly allow?: readonly string[];
  readonly parallelism?: number;
  readonly verify?: string;
}

interface Asked {
  readonly text: string;
  readonly options: ModelPlanOptions;
  readonly found: Survey;
  readonly packages: readonly string[];
  readonly agents: AskedAgents;
}

type ModelPlan = Planned & {
  readonly how: 'plan';
  readonly runtime: string;
  readonly used: {readonly usd: number; readonly tokens: number};
};

const MAX_ROUNDS = 3;
/** The part of a budget that planning may use, over all rounds. */
const SHARE = 0.25;
const DEFAULT_WIDTH = 8;
const TIMEOUT = '20m';

/** Has a coding agent make the plan, and mend it when it is not valid, at most three times in all. Each round is a team of one agent. */
export async function planWithModel(cli: Cli, asked: Asked): Promise<ModelPlan | {how: 'over'; kind: ExitKind}> {
  const {options} = asked;
  const {agents = []} = asked.agents;
  const planner = agents.find(({runtime}) => runtime !== 'command');
  if (!planner)
    throw new GodelError({
      reason: 'usage',
      message: 'No agent takes prompts, so nobody can make a plan',
      hint: 'Name a runtime that does, for example --runtime claude.',
    });
  const runtime = planner.model === null ? planner.runtime : `${planner.runtime}/${planner.model}`;
  const verify = [options.verify ?? asked.found.test].filter(command => command !== null);
  const parallelism = options.parallelism ?? (agents.reduce((sum, {count}) => sum + count, 0) || DEFAULT_WIDTH);
  const project = openProject(cli, options);
  const used = {usd: 0, tokens: 0};
  let before: {answer: string; problems: readonly string[]} | null = null;
  for (let round = 1; round <= MAX_ROUNDS; round += 1) {
    const survey = surveyText(asked.found, asked.packages);
    const prompt = plannerPrompt({task: asked.text, survey, verify, parallelism, before});
    const answer = await askOnce(cli, project, {prompt, planner, options, used});
    if (answer.how === 'over') return answer;
    const planned = readPlanned(answer.text, {verify});
    if (planned.ok) return {...planned.value, how: 'plan', runtime, used};
    before = {answer: answer.text, problems: planned.failure};
    const next = round < MAX_ROUNDS ? 'it is told so and tries again' : 'that was the last try';
    cli.print.note(`The plan of ${runtime} cannot be used (round ${round} of ${MAX_ROUNDS}); ${next}:`);
    for (const problem of planned.failure.slice(0, 5)) cli.print.note(`  ${problem}`);
  }
  const problems = (before?.problems ?? []).map(message => ({message}));
  throw new GodelError({reason: 'plan-invalid', file: `the plan of ${runtime}`, problems, omitted: 0});
}

interface Round {
  readonly prompt: string;
  readonly planner: AgentGroup;
  readonly options: ModelPlanOptions;
  readonly used: {usd: number; tokens: number};
}

/** One team, one agent, one prompt: what it answers. */
async function askOnce(
  cli: Cli,
  {client, visitor}: Project,
  {prompt, planner, options, used}: Round,
): Promise<{how: 'text'; text: string} | {how: 'over'; kind: ExitKind}> {
  const {name = 'team', allow} = options;
  const {text, inputs} = literalText(prompt);
  const task = {prompt: text, outputs: 'text', change: 'none', timeout: TIMEOUT};
  const document = {version: 1, name: `${name.slice(0, 90)}-plan`, ...inputs, tasks: {plan: task}};
  const request = requestOf(
    cli,
    {
      ...(allow === undefined ? {} : {allow}),
      ...planningBudget(options, used),
      count: 1,
      agents: [{...planner, count: 1, skills: [], slots: 1}],
    },
    {document, env: {}, secretNames: []},
  );
  const {team} = must(await client.spawn(request));
  cli.print.note(`Team ${team} makes the plan.`);
  const attendance = await attend(cli, client, team);
  if (attendance.how === 'left') return {how: 'over', kind: attendance.kind};
  const {view, by} = attendance;
  used.usd += view.budget?.usedUsd ?? view.usage.usd ?? 0;
  used.tokens += view.budget?.usedTokens ?? (view.usage.inputTokens ?? 0) + (view.usage.outputTokens ?? 0);
  if (by !== null) return {how: 'over', kind: sayNoPlan(cli, view, by === 'SIGINT' ? 'sigint' : 'sigterm')};
  const [failed] = view.failures;
  if (failed) {
    cli.print.note(`No plan could be made; see \`godel team logs ${team} plan\`.`);
    throw new GodelError(failed.failure);
  }
  if (view.outcome !== 'ok') return {how: 'over', kind: sayNoPlan(cli, view, exitKindOfTeam(view))};
  const output = must(await visitor.output(team, {task: 'plan'}));
  return {how: 'text', text: Buffer.from(output.data).toString('utf8')};
}

/** Standard output is for the plan; with `--json` it gets how the planning team went instead. */
function sayNoPlan(cli: Cli, view: TeamView, kind: ExitKind): ExitKind {
  if (cli.print.json !== 'none') cli.print.value(teamResult(view));
  cli.print.note(`No plan could be made: ${view.endedBecause ?? 'its team was ended.'}`);
  return kind;
}

/** What is left of planning's share. Without a budget there is no limit but the time. */
function planningBudget({budget, budgetTokens}: ModelPlanOptions, used: Round['used']) {
  return {
    ...(budget === undefined ? {} : {budget: shareLeft('usd', budget, used.usd)}),
    ...(budgetTokens === undefined ? {} : {budgetTokens: Math.floor(shareLeft('tokens', budgetTokens, used.tokens))}),
  };
}

function shareLeft(what: 'usd' | 'tokens', limit: number, used: number): number {
  const left = limit * SHARE - used;
  if (left > 0) return left;
  throw new GodelError({reason: 'budget-exhausted', what, limit: limit * SHARE, used});
}
