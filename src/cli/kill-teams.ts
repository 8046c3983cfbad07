import {plural} from '../base/amount.ts';
import type {ExitKind} from '../model/exit-code.ts';
import {GodelError} from '../model/failure.ts';
import {isFinal} from '../model/team.ts';
import type {TeamView} from '../model/team-view.ts';
import {ask} from './ask.ts';
import type {Cli} from './cli.ts';
import {must, type Project} from './connect.ts';
import {pickTeam} from './pick-team.ts';
import {teamResult} from './team-result.ts';

export interface KillOptions {
  readonly name: string | undefined;
  readonly all: boolean;
  readonly yes: boolean;
}

/** Ends the teams meant, and returns when nothing of them runs. Teams that are over already stay as they are. */
export async function killTeams(cli: Cli, project: Project, {name, all, yes}: KillOptions): Promise<ExitKind> {
  if (all && name !== undefined) {
    throw new GodelError({reason: 'usage', message: 'NAME and --all exclude each other', hint: 'Give one of them.'});
  }
  const teams = all ? await activeTeams(project) : [await pickTeam(project, name)];
  const active = teams.filter(({state}) => !isFinal(state));
  if (active.length > 0 && !yes && !(await isMeant(cli, active))) {
    cli.print.note('Nothing was ended.');
    return 'ok';
  }
  const ended = await Promise.all(
    teams.map(async view => (isFinal(view.state) ? view : must(await project.client.kill(view.team)))),
  );
  if (cli.print.json !== 'none') cli.print.value({v: 1, teams: ended.map(teamResult)});
  else if (ended.length === 0) cli.print.line('No team is running.');
  else
    for (const view of ended)
      cli.print.line(
        endedText(
          view,
          active.some(({team}) => team === view.team),
        ),
      );
  return 'ok';
}

async function activeTeams({client, hasStore}: Project): Promise<readonly TeamView[]> {
  if (!hasStore) return [];
  return must(await client.teams()).filter(({state}) => !isFinal(state));
}

/** Asked only where somebody sits: a script that says kill means it. */
async function isMeant(cli: Cli, teams: readonly TeamView[]): Promise<boolean> {
  if (!cli.stdin.isTTY || !cli.stderr.isTTY) return true;
  const names = teams.map(({team}) => team).join(', ');
  const running = teams.reduce((sum, {tasks}) => sum + tasks.running + tasks.verifying, 0);
  const text = `End ${names} and stop ${plural(running, 'running task')}? (y/n) `;
  return (await ask(cli, {text, keys: ['y', 'n'], otherwise: 'n'})) === 'y';
}

function endedText({team, state}: TeamView, wasActive: boolean): string {
  return wasActive
    ? `Team ${team} is ended (${state}); nothing of it runs any more.`
    : `Team ${team} was over already (${state}).`;
}
