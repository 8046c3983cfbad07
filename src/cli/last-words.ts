import type {ApiClient} from '../api/client.ts';
import {lastLine} from '../base/one-line.ts';
import {GodelError} from '../model/failure.ts';
import type {Plan} from '../model/plan.ts';
import type {TeamView} from '../model/team-view.ts';
import {readLog} from './read-logs.ts';

const MAX_TASKS = 3;
const TAIL_BYTES = 4096;
const MAX_LENGTH = 300;

/**
 * What the tasks that close a plan printed last, which is where its result is: `report: The report is in report.md`.
 * Nothing when the plan ends in many tasks, and nothing of those that failed: that has been said with the failure.
 */
export async function lastWords(client: ApiClient, {team, failures}: TeamView, plan: Plan): Promise<readonly string[]> {
  const closing = closingTasks(plan);
  if (closing.length > MAX_TASKS) return [];
  const failed = new Set(failures.map(({task}) => task));
  const tasks = closing.filter(task => !failed.has(task));
  const words = await Promise.all(tasks.map(task => lastLineOf(client, team, task)));
  return words.flatMap((line, index) => (line === null ? [] : [`${tasks[index] ?? ''}: ${line}`]));
}

/** Tasks that no other task needs. Of a `foreach` there are as many last lines as items, so it has none here. */
function closingTasks({tasks}: Plan): readonly string[] {
  const needed = new Set(tasks.flatMap(({needs}) => needs));
  return tasks.filter(({id, foreach}) => foreach === undefined && !needed.has(id)).map(({id}) => id);
}

/** null when the task printed nothing, or never started, or its log cannot be had any more. */
async function lastLineOf(client: ApiClient, team: string, task: string): Promise<string | null> {
  const attempts = await client.attempts(team, task);
  const number = attempts.ok ? attempts.value.at(-1)?.number : undefined;
  if (number === undefined) return null;
  try {
    const {data} = await readLog(client, team, {task, attempt: number}, {tailBytes: TAIL_BYTES});
    return lastLine(data.toString('utf8'), MAX_LENGTH);
  } catch (error) {
    // How the team went has been said; that its log cannot be read must not change the exit code.
    if (error instanceof GodelError) return null;
    throw error;
  }
}
