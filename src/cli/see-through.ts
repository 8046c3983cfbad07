import {shellWord} from '../base/shell-word.ts';
import type {ExitKind} from '../model/exit-code.ts';
import type {TeamView} from '../model/team-view.ts';
import {attend} from './attend.ts';
import type {Cli} from './cli.ts';
import type {Project} from './connect.ts';
import {sayResult} from './wait-for.ts';

/**
 * Follows a team that this command has just set to work, ends it when interrupted, and says how it went. `onOver` is told of
 * a team that came to its end by itself.
 */
export async function seeThrough(
  cli: Cli,
  {client}: Project,
  {team, troubles: before = 0}: TeamView,
  onOver: (view: TeamView) => Promise<void> = () => Promise.resolve(),
): Promise<ExitKind> {
  const attendance = await attend(cli, client, team);
  if (attendance.how === 'left') {
    cli.print.note(`Team ${team} goes on. ${followAdvice(team)}`);
    return attendance.kind;
  }
  const {view} = attendance;
  const said = sayResult(cli, view);
  // It is idle again: what it was given to do is over, and it is not.
  const kind = view.outcome === null && (view.troubles ?? 0) > before ? 'tasks' : said;
  if (attendance.by === null) {
    await onOver(view);
    return kind;
  }
  return attendance.by === 'SIGINT' ? 'sigint' : 'sigterm';
}

export function followAdvice(team: string): string {
  const name = shellWord(team);
  return `Follow it with \`godel team status ${name}\`, wait with \`godel team wait ${name}\`, end it with \`godel team kill ${name}\`.`;
}
