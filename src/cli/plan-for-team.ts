import {GodelError} from '../model/failure.ts';
import type {ExitKind} from '../model/exit-code.ts';
import {ask, canAsk} from './ask.ts';
import type {Cli} from './cli.ts';
import {anyPlanners, plannersFor} from './planners.ts';
import type {PlanSource} from './plan-source.ts';
import {noteReading, planLines, planValue} from './plan-text.ts';
import type {SpawnOptions} from './spawn-request.ts';
import type {AskedAgents} from './team-agents.ts';
import {planOfTask, type TaskPlan} from './task-plan.ts';
import {taskText} from './task-text.ts';

/** What a team is to do whose task was given in words, who does it, and what is left of its budget. */
export type TeamPlan =
  | {readonly how: 'team'; readonly source: PlanSource; readonly agents: AskedAgents; readonly options: SpawnOptions}
  | {readonly how: 'over'; readonly kind: ExitKind};

/** Makes the plan, shows it, and has it approved where that is wanted. Whatever forbids the team is said before a model is asked. */
export async function planForTeam(cli: Cli, options: SpawnOptions): Promise<TeamPlan> {
  refuseOthers(options);
  if (options.approve === true && !canAsk(cli)) {
    const hint = 'Use --dry-run to see the plan, or `godel plan` to write it to a file.';
    throw new GodelError({reason: 'usage', message: '--approve needs a terminal to ask at', hint});
  }
  const text = taskText(cli, options) ?? '';
  if (options.dryRun === true) return await dryRun(cli, {text, options});
  const agents = await plannersFor(cli, options);
  const planned = await planOfTask(cli, {text, options, agents: () => Promise.resolve(agents)});
  if (planned.how === 'over') return planned;
  noteReading(cli, planned, {isPrinted: false});
  for (const line of planLines(planned)) cli.print.note(line);
  if (options.approve === true && !(await isApproved(cli, planned))) {
    cli.print.note('Nothing was started.');
    return {how: 'over', kind: 'ok'};
  }
  const source = {document: planned.document, plan: planned.plan, env: {}, secretNames: []};
  return {how: 'team', source, agents, options: {...options, ...budgetLeft(options, planned)}};
}

async function dryRun(cli: Cli, {text, options}: {text: string; options: SpawnOptions}): Promise<TeamPlan> {
  const agents = () => anyPlanners(cli, options);
  const planned = await planOfTask(cli, {text, options, agents});
  if (planned.how === 'over') return planned;
  noteReading(cli, planned, {isPrinted: true});
  if (cli.print.json === 'none') cli.print.line(planned.yaml.trimEnd());
  else cli.print.value(planValue(planned));
  return {how: 'over', kind: 'ok'};
}

function refuseOthers({plan, each, input}: SpawnOptions): void {
  const other = plan !== undefined ? '--plan' : each !== undefined ? '--each' : input !== undefined ? '--input' : null;
  if (other !== null) {
    throw new GodelError({reason: 'usage', message: `A task in words and ${other} exclude each other`});
  }
}

/** Says which options make no sense without a task in words. */
export function refuseTaskOptions({dryRun, approve, parallelism, verify}: SpawnOptions): void {
  const given = {'--dry-run': dryRun, '--approve': approve, '--parallelism': parallelism, '--verify': verify};
  const [first] = Object.entries(given).find(([, value]) => value !== undefined) ?? [];
  if (first === undefined) return;
  throw new GodelError({
    reason: 'usage',
    message: `${first} is for a task in words, so it needs --task or --task-file`,
  });
}

async function isApproved(cli: Cli, {plan}: TaskPlan): Promise<boolean> {
  const text = `Start a team with this plan of ${plan.tasks.length} tasks (y/n)? `;
  return (await ask(cli, {text, keys: ['y', 'n'], otherwise: 'n'})) === 'y';
}

function budgetLeft(
  {budget, budgetTokens}: SpawnOptions,
  {used}: TaskPlan,
): Pick<SpawnOptions, 'budget' | 'budgetTokens'> {
  return {
    ...(budget === undefined ? {} : {budget: left('usd', budget, used.usd)}),
    ...(budgetTokens === undefined ? {} : {budgetTokens: left('tokens', budgetTokens, used.tokens)}),
  };
}

function left(what: 'usd' | 'tokens', limit: number, used: number): number {
  if (limit > used) return limit - used;
  throw new GodelError({reason: 'budget-exhausted', what, limit, used});
}
