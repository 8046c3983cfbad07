import {shellWord} from '../base/shell-word.ts';
import type {ExitKind} from '../model/exit-code.ts';
import type {TeamView} from '../model/team-view.ts';
import {attend} from './attend.ts';
import type {Cli} from './cli.ts';
import type {Project} from './connect.ts';
import {sayResult} from './wait-for.ts';

/**
 * Follows a team that this command has set to work, ends it when interrupted, and says how it went. `onOver` is told of a
 * team that came to its end by itself.
 */
export async function seeThrough(
  cli: Cli,
  {client}: Project,
  team: string,
  onOver: (view: TeamView) => Promise<void> = () => Promise.resolve(),
): Promise<ExitKind> {
  const attendance = await attend(cli, client, team);
  if (attendance.how === 'left') {
    cli.print.note(`Team ${team} goes on. ${followAdvice(team)}`);
    return attendance.kind;
  }
  const kind = sayResult(cli, attendance.view);
  if (attendance.by === null) {
    await onOver(attendance.view);
    return kind;
  }
  return attendance.by === 'SIGINT' ? 'sigint' : 'sigterm';
}

export function followAdvice(team: string): string {
  const name = shellWord(team);
  return `Follow it with \`godel team status ${name}\`, wait with \`godel team wait ${name}\`, end it with \`godel team kill ${name}\`.`;
}
