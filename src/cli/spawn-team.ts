import {randomBytes} from 'node:crypto';
import path from 'node:path';
import type {SpawnRequest} from '../api/contract.ts';
import {shellWord} from '../base/shell-word.ts';
import type {ExitKind} from '../model/exit-code.ts';
import type {Plan} from '../model/plan.ts';
import type {TeamView} from '../model/team-view.ts';
import {attend} from './attend.ts';
import type {Cli} from './cli.ts';
import {must, noteUnheardSettings, openProject, type Project} from './connect.ts';
import {openDisplay} from './display.ts';
import {follow} from './follow.ts';
import {lastWords} from './last-words.ts';
import {type PlanSource, planSource} from './plan-source.ts';
import {type AgentOptions, type AskedAgents, agentsFor} from './team-agents.ts';
import {teamResult} from './team-result.ts';
import {sayResult} from './wait-for.ts';

export interface SpawnOptions extends AgentOptions {
  readonly input?: Readonly<Record<string, string>>;
  readonly budget?: number;
  readonly budgetTokens?: number;
  readonly allow?: readonly string[];
  readonly plan?: string;
  readonly each?: string;
  readonly name?: string;
  readonly detach?: boolean;
  readonly timeout?: number;
  readonly failFast?: boolean;
  readonly maxFailures?: number;
}

/** Everything that can be wrong with the request is said before any daemon is started. */
export async function spawnTeam(cli: Cli, options: SpawnOptions): Promise<ExitKind> {
  const plan = await planSource(cli, options);
  const agents = await agentsFor(cli, options, plan?.plan);
  if (plan?.plan) await noteConflicts(cli, plan.plan);
  const project = openProject(cli, options);
  await noteUnheardSettings(cli, project, options);
  const {team} = must(await project.client.spawn(requestOf(cli, {...options, ...agents}, plan)));
  if (plan === null || options.detach === true) return await untilReady(cli, project, team, plan !== null);
  const attendance = await attend(cli, project.client, team);
  if (attendance.how === 'left') {
    cli.print.note(`Team ${team} goes on. ${followAdvice(team)}`);
    return attendance.kind;
  }
  const kind = sayResult(cli, attendance.view);
  if (attendance.by === null) {
    await sayLastWords(cli, project, {view: attendance.view, plan});
    return kind;
  }
  return attendance.by === 'SIGINT' ? 'sigint' : 'sigterm';
}

/** Said before anything runs, and only of plans that say what their tasks touch. */
async function noteConflicts(cli: Cli, plan: Plan): Promise<void> {
  if (!plan.tasks.some(task => task.touches !== undefined)) return;
  const {conflictLines} = await import('./conflict-forecast.ts');
  for (const line of conflictLines(plan)) cli.print.note(line);
}

/** Nothing to start a daemon for, should it have ended with the team. */
async function sayLastWords(
  cli: Cli,
  {visitor}: Project,
  {view, plan}: {view: TeamView; plan: PlanSource},
): Promise<void> {
  if (plan.plan === undefined || cli.print.json !== 'none') return;
  for (const line of await lastWords(visitor, view, plan.plan)) cli.print.line(`  ${line}`);
}

function requestOf(
  cli: Cli,
  options: Omit<SpawnOptions, 'count'> & AskedAgents,
  plan: PlanSource | null,
): SpawnRequest {
  const {count, agents, name, failFast, maxFailures, timeout, budget, budgetTokens, allow} = options;
  const hasBudget = budget !== undefined || budgetTokens !== undefined;
  return {
    count,
    cwd: cli.cwd,
    umask: currentUmask(),
    env: taskEnvironment(cli, options, plan),
    ...(plan === null || plan.secretNames.length === 0 ? {} : {secretNames: plan.secretNames}),
    traceparent: `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`,
    ...(plan === null ? {} : {plan: plan.document}),
    ...(name === undefined ? {} : {name}),
    ...(failFast === undefined ? {} : {failFast}),
    ...(maxFailures === undefined ? {} : {maxFailures}),
    ...(timeout === undefined ? {} : {timeoutMs: timeout}),
    ...(agents === undefined ? {} : {agents}),
    ...(hasBudget ? {budget: {usd: budget ?? null, tokens: budgetTokens ?? null}} : {}),
    ...(allow === undefined ? {} : {allow}),
  };
}

/** What the plan's env files say, the caller's own over it, and the folder of the plan file, for what lies beside it. */
function taskEnvironment(
  {env, cwd}: Cli,
  {plan}: Pick<SpawnOptions, 'plan'>,
  source: PlanSource | null,
): Readonly<Record<string, string>> {
  const folder = plan === undefined ? '' : path.dirname(path.resolve(cwd, plan));
  return {...source?.env, ...env, GODEL_PLAN_DIR: folder};
}

/** Node can only say the umask while setting one. */
function currentUmask(): number {
  const umask = process.umask(0o077);
  process.umask(umask);
  return umask;
}

/** Waits until every agent is ready or has failed, then says what can be done next. */
async function untilReady(cli: Cli, {client}: Project, team: string, hasPlan: boolean): Promise<ExitKind> {
  const display = await openDisplay(cli);
  const leave = new AbortController();
  let left: ExitKind = 'ok';
  const unlisten = cli.interrupts.listen(signal => {
    left = signal === 'SIGINT' ? 'sigint' : 'sigterm';
    leave.abort();
  });
  let view: TeamView | null;
  try {
    view = await follow(client, team, {until: isSettled, onView: each => display.show(each), signal: leave.signal});
  } finally {
    display.close();
    unlisten();
  }
  if (view === null) {
    cli.print.note(`Team ${team} goes on. ${followAdvice(team)}`);
    return left;
  }
  if (cli.print.json !== 'none') cli.print.value(teamResult(view));
  else for (const line of readyLines(view, hasPlan)) cli.print.line(line);
  return view.agents.ready === 0 && view.outcome !== 'ok' ? 'tasks' : 'ok';
}

function isSettled({agents, outcome}: TeamView): boolean {
  return outcome !== null || agents.ready + agents.failed >= agents.requested;
}

function readyLines({team, agents}: TeamView, hasPlan: boolean): readonly string[] {
  const failed = agents.failed > 0 ? `, ${agents.failed} failed` : '';
  const ready = `Team ${team}: ${agents.ready} of ${agents.requested} agents ready${failed}.`;
  if (hasPlan) return [ready, `It works by itself. ${followAdvice(team)}`];
  return [
    ready,
    `They are idle: this team has no plan. Give the next one work with \`godel team spawn --count ${agents.requested} --plan FILE\`; end this one with \`godel team kill ${shellWord(team)}\`.`,
  ];
}

function followAdvice(team: string): string {
  const name = shellWord(team);
  return `Follow it with \`godel team status ${name}\`, wait with \`godel team wait ${name}\`, end it with \`godel team kill ${name}\`.`;
}
