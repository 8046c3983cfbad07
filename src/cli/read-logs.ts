import type {ApiClient} from '../api/client.ts';
import {GodelError} from '../model/failure.ts';
import {must} from './connect.ts';

/** Which log. */
export interface LoggedAttempt {
  readonly task: string;
  /** From 1 within the task. */
  readonly attempt: number;
}

const PAGE = 5000;

/** The attempt asked for, or the latest one; none when the task has not started. Fails when there is no such task. */
export async function attemptsOf(
  client: ApiClient,
  team: string,
  task: string,
  number?: number,
): Promise<readonly LoggedAttempt[]> {
  const attempts = must(await client.attempts(team, task));
  const found = number === undefined ? attempts.at(-1) : attempts.find(each => each.number === number);
  if (found !== undefined) return [{task, attempt: found.number}];
  if (number === undefined) return [];
  const range =
    attempts.length === 0 ? 'nothing yet: the task has not started' : `a whole number from 1 to ${attempts.length}`;
  throw new GodelError({reason: 'out-of-range', what: '--attempt', value: String(number), range});
}

/** Which attempts are meant, by the id of their task. */
export type TaskFilter = (task: string) => boolean;

/** The instances of a `foreach`: no other id has a bracket. */
export function instancesOf(task: string): TaskFilter {
  return id => id.startsWith(`${task}[`);
}

/**
 * The attempts of a team that were started last, in the order of their start, as the journal has them; `cursor` is where
 * the journal ended.
 */
export async function lastAttempts(client: ApiClient, team: string, {last, isMeant = () => true}: LastAttempts) {
  let attempts: LoggedAttempt[] = [];
  let total = 0;
  for (let cursor = 0; ; ) {
    const page = must(await client.events(team, {after: cursor, limit: PAGE}));
    for (const event of page) {
      ({cursor} = event);
      const {body} = event;
      if (body.type !== 'attempt-leased' || !isMeant(body.task)) continue;
      total += 1;
      attempts.push({task: body.task, attempt: body.number});
    }
    attempts = attempts.slice(-last);
    if (page.length < PAGE) return {attempts, omitted: total - attempts.length, cursor};
  }
}

interface LastAttempts {
  readonly last: number;
  readonly isMeant?: TaskFilter;
}

/** The whole log of an attempt as it is now, or its end; `skipped` bytes before that are left out. */
export async function readLog(
  client: ApiClient,
  team: string,
  {task, attempt}: LoggedAttempt,
  {tailBytes}: {tailBytes?: number},
) {
  const chunks: Uint8Array[] = [];
  let offset = 0;
  let skipped = 0;
  if (tailBytes !== undefined) {
    const {size} = must(await client.log(team, {task, attempt, offset: 0, length: 1}));
    skipped = Math.max(0, (size ?? 0) - tailBytes);
    offset = skipped;
  }
  for (;;) {
    const part = must(await client.log(team, {task, attempt, offset}));
    chunks.push(part.data);
    offset += part.data.length;
    if (part.data.length === 0 || offset >= (part.size ?? 0)) return {data: Buffer.concat(chunks), skipped};
  }
}
