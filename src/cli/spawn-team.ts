import {shellWord} from '../base/shell-word.ts';
import type {ExitKind} from '../model/exit-code.ts';
import type {Plan} from '../model/plan.ts';
import type {TeamView} from '../model/team-view.ts';
import type {Cli} from './cli.ts';
import {must, noteUnheardSettings, openProject, type Project} from './connect.ts';
import {openDisplay} from './display.ts';
import {follow} from './follow.ts';
import {lastWords} from './last-words.ts';
import {type PlanSource, planSource} from './plan-source.ts';
import {followAdvice, seeThrough} from './see-through.ts';
import {requestOf, type SpawnOptions} from './spawn-request.ts';
import {type AskedAgents, agentsFor} from './team-agents.ts';
import {teamResult} from './team-result.ts';

/** Everything that can be wrong with the request is said before any daemon is started. */
export async function spawnTeam(cli: Cli, options: SpawnOptions): Promise<ExitKind> {
  const {planForTeam, refuseTaskOptions} = await import('./plan-for-team.ts');
  if (options.task !== undefined || options.taskFile !== undefined) {
    const planned = await planForTeam(cli, options);
    return planned.how === 'over' ? planned.kind : await spawnPlanned(cli, planned.options, planned);
  }
  refuseTaskOptions(options);
  const source = await planSource(cli, options);
  return await spawnPlanned(cli, options, {source, agents: await agentsFor(cli, options, source?.plan)});
}

async function spawnPlanned(
  cli: Cli,
  options: SpawnOptions,
  {source: plan, agents}: {source: PlanSource | null; agents: AskedAgents},
): Promise<ExitKind> {
  if (plan?.plan) await noteConflicts(cli, plan.plan);
  const project = openProject(cli, options);
  await noteUnheardSettings(cli, project, options);
  const spawned = must(await project.client.spawn(requestOf(cli, {...options, ...agents}, plan)));
  if (plan === null || options.detach === true) return await untilReady(cli, project, spawned.team, plan !== null);
  return seeThrough(cli, project, spawned, view => sayLastWords(cli, project, {view, plan}));
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
    `They are idle: this team has no plan. Give it one with \`godel team run ${shellWord(team)} --plan FILE\`; end this one with \`godel team kill ${shellWord(team)}\`.`,
  ];
}
