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
      onView: view => display.show(view),
      ...(cli.print.json === 'lines' ? {onEvent: event => cli.print.value(event)} : {}),
      signal: leave.signal,
    });
    display.close();
    if (view !== null) return sayResult(cli, view);
    cli.print.note(`Team ${team} goes on.`);
    return left;
  } finally {
    display.close();
    unlisten();
  }
}

/** Then the failures stand above already, as they happened. */
function sharesTerminal({stdout, stderr}: Cli): boolean {
  return stdout.isTTY && stderr.isTTY;
}

/** The end of a team for people, or as the JSON value of `team spawn` and `team wait`. */
export function sayResult(cli: Cli, view: TeamView): ExitKind {
  if (cli.print.json !== 'none') cli.print.value(teamResult(view));
  else for (const line of summaryLines(view, cli.print, {withFailures: !sharesTerminal(cli)})) cli.print.line(line);
  return exitKindOfTeam(view);
}
