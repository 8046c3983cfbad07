import type {RetryRequest} from '../api/contract.ts';
import {plural} from '../base/amount.ts';
import type {ExitKind} from '../model/exit-code.ts';
import {GodelError} from '../model/failure.ts';
import type {TeamView} from '../model/team-view.ts';
import type {Cli, GlobalOptions} from './cli.ts';
import {must, openProject} from './connect.ts';
import {pickTeamAnd} from './pick-team-and.ts';
import {refuseEmpty} from './refuse-empty.ts';
import {followAdvice, seeThrough} from './see-through.ts';
import {teamResult} from './team-result.ts';

export interface RetryOptions extends GlobalOptions {
  readonly failed?: boolean;
  readonly all?: boolean;
  readonly detach?: boolean;
}

interface Meant {
  readonly name: string | undefined;
  readonly tasks: readonly string[];
}

/** Starts the next round of what has not succeeded, and sees it through. */
export async function retryTeam(cli: Cli, {name, tasks}: Meant, options: RetryOptions): Promise<ExitKind> {
  refuseEmpty('TASK', tasks);
  const project = openProject(cli, options);
  const {team, words} = await pickTeamAnd(project, name, tasks);
  const asked = tasksOf(words, options);
  const again = must(await project.client.retry(team.team, {tasks: asked, env: cli.env}));
  if (options.detach !== true) return await seeThrough(cli, project, again);
  if (cli.print.json !== 'none') cli.print.value(teamResult(again));
  else cli.print.line(`${startedText(again)} ${followAdvice(team.team)}`);
  return 'ok';
}

function tasksOf(tasks: readonly string[], {failed, all}: RetryOptions): RetryRequest['tasks'] {
  if (failed === true && all === true) {
    throw new GodelError({reason: 'usage', message: '--failed and --all exclude each other'});
  }
  if (tasks.length === 0) return all === true ? 'all' : 'failed';
  if (failed === true || all === true) {
    throw new GodelError({
      reason: 'usage',
      message: `TASK and ${all === true ? '--all' : '--failed'} exclude each other`,
    });
  }
  return tasks;
}

function startedText({team, tasks}: TeamView): string {
  const {total, succeeded, failed, skipped, cancelled} = tasks;
  const open = total - succeeded - failed - skipped - cancelled;
  return `Team ${team} is at work again: ${plural(open, 'task')} to do, ${succeeded} done before.`;
}
