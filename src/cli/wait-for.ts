import {fstatSync} from 'node:fs';
import type {ApiClient} from '../api/client.ts';
import type {ExitKind} from '../model/exit-code.ts';
import type {TeamView} from '../model/team-view.ts';
import type {Cli} from './cli.ts';
import {openDisplay} from './display.ts';
import {follow} from './follow.ts';
import {summaryLines} from './summary-text.ts';
import {exitKindOfTeam, teamResult} from './team-result.ts';

/** Waits for a team and says how it went. An interrupt ends the process, and leaves the team alone. */
export async function waitFor(cli: Cli, client: ApiClient, team: string): Promise<ExitKind> {
  const display = await openDisplay(cli);
  let left: ExitKind = 'ok';
  const leave = new AbortController();
  const unlisten = cli.interrupts.listen(signal => {
    left = signal === 'SIGINT' ? 'sigint' : 'sigterm';
    leave.abort();
  });
  try {
    const view = await follow(client, team, {
      until: hasDone,
      onView: view => display.show(view),
      ...(cli.print.json === 'lines' ? {onEvent: event => cli.print.value(event)} : {}),
      signal: leave.signal,
    });
    display.close();
    if (view !== null) {
      const said = sayResult(cli, view);
      return view.outcome === null && (view.troubles ?? 0) > 0 ? 'tasks' : said;
    }
    cli.print.note(`Team ${team} goes on.`);
    return left;
  } finally {
    display.close();
    unlisten();
  }
}

/** Over; or idle again after it was given something to do. */
function hasDone({outcome, state, tasks}: TeamView): boolean {
  return outcome !== null || (state === 'idle' && tasks.total > 0);
}

/** Whether both go to one terminal, file or pipe (`2>&1`): then the failures stand above already, as they happened. */
function goesTogether({stdout, stderr}: Cli): boolean {
  if (stdout.isTTY || stderr.isTTY) return stdout.isTTY && stderr.isTTY;
  if (stdout.fd === undefined || stderr.fd === undefined) return false;
  const out = fstatSync(stdout.fd);
  const err = fstatSync(stderr.fd);
  return out.dev === err.dev && out.ino === err.ino;
}

/** The end of a team for people, or as the JSON value of `team spawn` and `team wait`. */
export function sayResult(cli: Cli, view: TeamView): ExitKind {
  if (cli.print.json !== 'none') cli.print.value(teamResult(view));
  else for (const line of summaryLines(view, cli.print, {withFailures: !goesTogether(cli)})) cli.print.line(line);
  return exitKindOfTeam(view);
}
