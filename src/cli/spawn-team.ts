import {randomBytes} from 'node:crypto';
import path from 'node:path';
import type {SpawnRequest} from '../api/contract.ts';
import {shellWord} from '../base/shell-word.ts';
import type {ExitKind} from '../model/exit-code.ts';
import {GodelError} from '../model/failure.ts';
import type {TeamView} from '../model/team-view.ts';
import {SETTING_KINDS} from '../config/setting-kinds.ts';
import {attend} from './attend.ts';
import type {Cli, GlobalOptions} from './cli.ts';
import {must, noteUnheardSettings, openProject, type Project, settingsOf} from './connect.ts';
import {openDisplay} from './display.ts';
import {follow} from './follow.ts';
import {wholeNumber} from './option-values.ts';
import {lastWords} from './last-words.ts';
import {type PlanSource, planSource} from './plan-source.ts';
import {teamResult} from './team-result.ts';
import {sayResult} from './wait-for.ts';

export interface SpawnOptions extends GlobalOptions {
  readonly count?: string;
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
  const count = agentCount(cli, options);
  const plan = await planSource(cli, options);
  const project = openProject(cli, options);
  await noteUnheardSettings(cli, project, options);
  const {team} = must(await project.client.spawn(requestOf(cli, {...options, count}, plan)));
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

/** Nothing to start a daemon for, should it have ended with the team. */
async function sayLastWords(
  cli: Cli,
  {visitor}: Project,
  {view, plan}: {view: TeamView; plan: PlanSource},
): Promise<void> {
  if (plan.plan === undefined || cli.print.json !== 'none') return;
  for (const line of await lastWords(visitor, view, plan.plan)) cli.print.line(`  ${line}`);
}

/** How many agents were asked for, within what the settings allow; an excess is refused with the setting to raise. */
function agentCount(cli: Cli, options: SpawnOptions): number {
  if (options.count === undefined) {
    const hint = 'Say how many agents, for example --count 4.';
    throw new GodelError({reason: 'usage', message: '--count is missing', hint});
  }
  const {settings, provenance} = settingsOf(cli, options);
  const from = provenance.maxAgents === 'default' ? 'by default' : `from ${provenance.maxAgents}`;
  const why = `max-agents is ${settings.maxAgents} ${from} and at most ${SETTING_KINDS.maxAgents.max}; every agent at work is a process tree on this machine`;
  return wholeNumber('--count', {min: 1, max: settings.maxAgents, why})(options.count);
}

function requestOf(
  cli: Cli,
  options: Omit<SpawnOptions, 'count'> & {readonly count: number},
  plan: PlanSource | null,
): SpawnRequest {
  const {count, name, failFast, maxFailures, timeout} = options;
  return {
    count,
    cwd: cli.cwd,
    umask: currentUmask(),
    env: taskEnvironment(cli, options),
    traceparent: `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`,
    ...(plan === null ? {} : {plan: plan.document}),
    ...(name === undefined ? {} : {name}),
    ...(failFast === undefined ? {} : {failFast}),
    ...(maxFailures === undefined ? {} : {maxFailures}),
    ...(timeout === undefined ? {} : {timeoutMs: timeout}),
  };
}

/** The caller's environment, with the folder of the plan file, so that a plan finds what lies beside it. */
function taskEnvironment({env, cwd}: Cli, {plan}: Pick<SpawnOptions, 'plan'>): Readonly<Record<string, string>> {
  const folder = plan === undefined ? '' : path.dirname(path.resolve(cwd, plan));
  return {...env, GODEL_PLAN_DIR: folder};
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
