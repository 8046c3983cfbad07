import type {ApiClient} from '../api/client.ts';
import type {Cli} from './cli.ts';
import {followLogs} from './follow-logs.ts';
import {attemptsOf, lastAttempts, type LoggedAttempt, readLog} from './read-logs.ts';

export interface LogOptions {
  readonly team: string;
  readonly task: string | undefined;
  readonly attempt: number | undefined;
  readonly last: number;
  readonly follow: boolean;
}

/** Without TASK, no more of each log than this: its end. */
const TAIL_BYTES = 64 * 1024;

/** Prints what tasks printed, now or as it comes. */
export async function showLogs(cli: Cli, client: ApiClient, options: LogOptions): Promise<void> {
  const {team, task, attempt, last, follow} = options;
  if (follow) return followLogs(cli, client, {team, task});
  if (task !== undefined) {
    const [found] = await attemptsOf(client, team, task, attempt);
    return showOne(cli, client, team, found ?? {task, attempt: 1});
  }
  const {attempts, omitted} = await lastAttempts(client, team, last);
  if (cli.print.json !== 'none') return showAllAsJson(cli, client, team, attempts, omitted);
  if (omitted > 0)
    cli.print.note(`The ${omitted} earlier attempts are left out; --last ${omitted + attempts.length} shows all.`);
  for (const each of attempts) {
    const {data, skipped} = await readLog(client, team, each, {tailBytes: TAIL_BYTES});
    const more = skipped > 0 ? `, the last ${data.length} bytes of ${skipped + data.length}` : '';
    cli.print.line(cli.print.style('bold', `=== ${each.task} (attempt ${each.attempt}${more})`));
    cli.print.log(data);
    // The next header begins a line of its own.
    if (data.length > 0 && data.at(-1) !== 10) cli.print.line();
  }
}

async function showOne(cli: Cli, client: ApiClient, team: string, attempt: LoggedAttempt): Promise<void> {
  const {data} = await readLog(client, team, attempt, {});
  if (cli.print.json === 'none') cli.print.log(data);
  else
    cli.print.value({
      v: 1,
      team,
      omittedAttempts: 0,
      logs: [{...attempt, text: data.toString('utf8'), skippedBytes: 0}],
    });
}

async function showAllAsJson(
  cli: Cli,
  client: ApiClient,
  team: string,
  attempts: readonly LoggedAttempt[],
  omitted: number,
) {
  const logs = [];
  for (const each of attempts) {
    const {data, skipped} = await readLog(client, team, each, {tailBytes: TAIL_BYTES});
    logs.push({...each, text: data.toString('utf8'), skippedBytes: skipped});
  }
  cli.print.value({v: 1, team, omittedAttempts: omitted, logs});
}
