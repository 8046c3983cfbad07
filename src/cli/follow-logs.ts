import {StringDecoder} from 'node:string_decoder';
import type {ApiClient} from '../api/client.ts';
import {sleep} from '../base/clock.ts';
import {isTerminal, type TaskStateName} from '../model/task.ts';
import type {Cli} from './cli.ts';
import {must} from './connect.ts';
import {follow} from './follow.ts';
import {attemptsOf, instancesOf, lastAttempts, type LoggedAttempt, type TaskFilter} from './read-logs.ts';

const POLL_MS = 300;

interface Followed {
  readonly team: string;
  readonly task: string | undefined;
  /** Without one task: so many attempts that were started before are shown first. */
  readonly last: number;
}

/** Prints what is printed until the task, or without one the team, is over. Several tasks get their id as a prefix. */
export async function followLogs(cli: Cli, client: ApiClient, {team, task, last}: Followed): Promise<void> {
  if (task === undefined) return followAll(cli, client, {team, last});
  for (let shown = 0; ; ) {
    const [latest] = await attemptsOf(client, team, task);
    // An attempt that failed may be followed by another one.
    if (latest !== undefined && latest.attempt > shown) {
      shown = latest.attempt;
      await followOne(client, team, latest, data => sayChunk(cli, latest, data));
      continue;
    }
    const state = await stateOf(client, team, task);
    const isOver = state === undefined || isTerminal(state);
    // A `foreach` has no attempts itself; its instances have.
    if (shown === 0 && (isOver || state === 'expanded')) return followInstances(cli, client, {team, task, last});
    if (isOver) return;
    await sleep(POLL_MS);
  }
}

async function followInstances(cli: Cli, client: ApiClient, {team, task, last}: Followed & {readonly task: string}) {
  const over = new AbortController();
  const following = followAll(cli, client, {team, last, isMeant: instancesOf(task), signal: over.signal});
  for (;;) {
    const state = await stateOf(client, team, task);
    if (state === undefined || isTerminal(state)) break;
    await sleep(POLL_MS);
  }
  over.abort();
  await following;
}

async function stateOf(client: ApiClient, team: string, task: string): Promise<TaskStateName | undefined> {
  const [row] = must(await client.tasks(team, {id: task}));
  return row?.state.name;
}

interface FollowAll {
  readonly team: string;
  readonly last: number;
  readonly isMeant?: TaskFilter;
  readonly signal?: AbortSignal;
}

/** The attempts that were started last and every one that starts from now on, each line under its task's id. */
async function followAll(cli: Cli, client: ApiClient, {team, last, isMeant = () => true, signal}: FollowAll) {
  const followed: Promise<void>[] = [];
  const start = (attempt: LoggedAttempt) => {
    const lines = new Lines(line => sayLine(cli, attempt, line));
    const following = followOne(client, team, attempt, data => lines.push(data)).then(() => lines.end());
    // A failure is thrown below, where all are awaited; until then nobody listens.
    following.catch(() => undefined);
    followed.push(following);
  };
  const {attempts, cursor} = await lastAttempts(client, team, {last, isMeant});
  for (const attempt of attempts) start(attempt);
  // By the journal: an attempt may begin and end between two views.
  await follow(client, team, {
    eventsAfter: cursor,
    onEvent: ({body}) => {
      if (body.type === 'attempt-leased' && isMeant(body.task)) start({task: body.task, attempt: body.number});
    },
    ...(signal === undefined ? {} : {signal}),
  });
  await Promise.all(followed);
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
