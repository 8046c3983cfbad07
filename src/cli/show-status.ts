import type {ApiClient} from '../api/client.ts';
import {failureOf} from '../model/failure.ts';
import {failureText} from '../model/failure-text.ts';
import type {TeamView} from '../model/team-view.ts';
import {type Cli, isInteractive} from './cli.ts';
import {statusLines} from './summary-text.ts';

export interface StatusOptions {
  readonly plain?: boolean;
  readonly watch?: boolean;
}

/** The state of a team in the form that fits where it goes. */
export async function showStatus(
  cli: Cli,
  client: ApiClient,
  view: TeamView,
  {plain, watch}: StatusOptions,
): Promise<void> {
  const {print} = cli;
  if (print.json === 'lines') await streamViews(cli, client, view.team);
  else if (print.json === 'one') print.value(view);
  else if (watch) await watchLines(cli, client, view.team);
  else if (!plain && isInteractive(cli, cli.stdout) && cli.stdin.isTTY) await fullScreen(cli, client, view);
  else for (const line of statusLines(view, print)) print.line(line);
}

// What follows a feed is loaded only where a feed is followed, so that asking once stays quick.

/** Every view as a line of JSON until the team is over. */
async function streamViews(cli: Cli, client: ApiClient, team: string): Promise<void> {
  const {follow} = await import('./follow.ts');
  await follow(client, team, {onView: view => cli.print.value(view)});
}

async function watchLines(cli: Cli, client: ApiClient, team: string): Promise<void> {
  const {follow} = await import('./follow.ts');
  const {plain} = await import('./display.ts');
  const lines = plain(cli, text => cli.print.line(text));
  const last = await follow(client, team, {onView: view => lines.show(view)});
  lines.close();
  if (last !== null) for (const line of statusLines(last, cli.print)) cli.print.line(line);
}

async function fullScreen(cli: Cli, client: ApiClient, first: TeamView): Promise<void> {
  const {print, stdin, stdout} = cli;
  const {follow} = await import('./follow.ts');
  const {loadTui} = await import('./display.ts');
  const {LiveTeam, openStatus} = await loadTui(cli);
  const live = new LiveTeam();
  live.show(first);
  const leave = new AbortController();
  print.enterFullScreen();
  const feed = follow(client, first.team, {
    // A team that is over stays on the screen until its reader leaves.
    until: () => false,
    onView: view => live.show(view),
    signal: leave.signal,
  }).catch((error: unknown) => live.notice(noticeOf(error)));
  try {
    await openStatus(live, {
      stdin,
      stdout,
      write: text => print.draw(text),
      signal: leave.signal,
      onKill: () => void killFromScreen(client, first.team, live),
    });
  } finally {
    leave.abort();
    print.restore();
    await feed;
  }
}

async function killFromScreen(client: ApiClient, team: string, live: {notice(text: string): void}): Promise<void> {
  const answer = await client.kill(team);
  live.notice(answer.ok ? `Team ${team} is ended; nothing of it runs any more.` : failureText(answer.failure));
}

function noticeOf(error: unknown): string {
  return failureText(failureOf(error));
}
