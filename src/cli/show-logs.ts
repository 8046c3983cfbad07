import type {ApiClient} from '../api/client.ts';
import {plural} from '../base/amount.ts';
import type {Cli} from './cli.ts';
import {must} from './connect.ts';
import {followLogs} from './follow-logs.ts';
import {attemptsOf, instancesOf, lastAttempts, type LoggedAttempt, readLog} from './read-logs.ts';

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
  if (follow) return followLogs(cli, client, {team, task, last});
  if (task === undefined) return showLast(cli, client, team, await lastAttempts(client, team, {last}));
  const [found] = await attemptsOf(client, team, task, attempt);
  if (found !== undefined) return showOne(cli, client, team, found);
  const instances = await lastAttempts(client, team, {last, isMeant: instancesOf(task)});
  if (instances.attempts.length > 0) return showLast(cli, client, team, instances);
  const [row] = must(await client.tasks(team, {id: task}));
  cli.print.note(
    `Task ${task} has printed nothing: ${row === undefined ? 'it is gone' : `no attempt of it was started (${row.state.name})`}.`,
  );
  if (cli.print.json !== 'none') cli.print.value({v: 1, team, omittedAttempts: 0, logs: []});
}

/** Each log under a header, and of a long one its end. */
async function showLast(cli: Cli, client: ApiClient, team: string, {attempts, omitted}: Shown): Promise<void> {
  if (cli.print.json !== 'none') return showAllAsJson(cli, client, team, attempts, omitted);
  if (omitted > 0)
    cli.print.note(
      `${plural(omitted, 'earlier attempt is', 'earlier attempts are')} left out; --last ${omitted + attempts.length} shows all.`,
    );
  for (const each of attempts) {
    const {data, skipped} = await readLog(client, team, each, {tailBytes: TAIL_BYTES});
    const more = skipped > 0 ? `, the last ${data.length} bytes of ${skipped + data.length}` : '';
    cli.print.line(cli.print.style('bold', `=== ${each.task} (attempt ${each.attempt}${more})`));
    cli.print.log(data);
    // The next header begins a line of its own.
    if (data.length > 0 && data.at(-1) !== 10) cli.print.line();
  }
}

interface Shown {
  readonly attempts: readonly LoggedAttempt[];
  readonly omitted: number;
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
