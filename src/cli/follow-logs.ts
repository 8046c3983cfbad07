import {StringDecoder} from 'node:string_decoder';
import type {ApiClient} from '../api/client.ts';
import {sleep} from '../base/clock.ts';
import {isTerminal} from '../model/task.ts';
import type {Cli} from './cli.ts';
import {must} from './connect.ts';
import {follow} from './follow.ts';
import {attemptsOf, type LoggedAttempt} from './read-logs.ts';

const POLL_MS = 300;

/** Prints what is printed until the task, or without one the team, is over. Several tasks get their id as a prefix. */
export async function followLogs(
  cli: Cli,
  client: ApiClient,
  {team, task}: {team: string; task: string | undefined},
): Promise<void> {
  if (task === undefined) return followTeamLogs(cli, client, team);
  for (let shown = 0; ; ) {
    const [latest] = await attemptsOf(client, team, task);
    // An attempt that failed may be followed by another one.
    if (latest !== undefined && latest.attempt > shown) {
      shown = latest.attempt;
      await followOne(client, team, latest, data => sayChunk(cli, latest, data));
      continue;
    }
    const [row] = must(await client.tasks(team, {id: task}));
    if (row !== undefined && isTerminal(row.state.name)) return;
    await sleep(POLL_MS);
  }
}

/** Every attempt that is running now or starts later, each line under its task's id. */
async function followTeamLogs(cli: Cli, client: ApiClient, team: string): Promise<void> {
  const followed = new Map<string, Promise<void>>();
  const start = (attempt: LoggedAttempt) => {
    const key = `${attempt.task} ${attempt.attempt}`;
    if (followed.has(key)) return;
    const lines = new Lines(line => sayLine(cli, attempt, line));
    followed.set(
      key,
      followOne(client, team, attempt, data => lines.push(data)).then(() => lines.end()),
    );
  };
  await follow(client, team, {
    onView: view => {
      for (const {task, attempt} of view.running) start({task, attempt});
    },
  });
  await Promise.all(followed.values());
}

async function followOne(
  client: ApiClient,
  team: string,
  {task, attempt}: LoggedAttempt,
  say: (data: Uint8Array) => void,
) {
  for (let offset = 0; ; ) {
    const part = must(await client.log(team, {task, attempt, offset}));
    if (part.data.length > 0) say(part.data);
    offset += part.data.length;
    if (part.over) return;
    if (offset >= (part.size ?? 0)) await sleep(POLL_MS);
  }
}

function sayChunk(cli: Cli, attempt: LoggedAttempt, data: Uint8Array): void {
  if (cli.print.json === 'none') cli.print.log(data);
  else cli.print.value({...attempt, text: Buffer.from(data).toString('utf8')});
}

function sayLine(cli: Cli, attempt: LoggedAttempt, line: string): void {
  if (cli.print.json !== 'none') cli.print.value({...attempt, line});
  else cli.print.log(Buffer.from(`${cli.print.style('cyan', attempt.task)} | ${line}\n`));
}

/** Longer lines are cut into pieces, so that output without a line end needs no memory. */
const MAX_LINE = 64 * 1024;

/** Whole lines from chunks of bytes that may cut through a character. */
class Lines {
  readonly #decoder = new StringDecoder('utf8');
  readonly #say: (line: string) => void;
  #rest = '';

  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  push(data: Uint8Array): void {
    const lines = (this.#rest + this.#decoder.write(Buffer.from(data))).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#say(line);
    if (this.#rest.length > MAX_LINE) this.end();
  }

  end(): void {
    const rest = this.#rest + this.#decoder.end();
    this.#rest = '';
    if (rest !== '') this.#say(rest);
  }
}
