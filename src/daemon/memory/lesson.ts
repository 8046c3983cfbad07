import {usdText} from '../../base/amount.ts';
import {formatDuration} from '../../base/duration.ts';
import type {JsonValue} from '../../base/json.ts';
import {never} from '../../base/never.ts';
import type {AttemptOutcome} from '../../model/attempt.ts';
import type {AttemptMeans} from '../../model/attempt-means.ts';
import type {AgentErrorKind, Failure} from '../../model/failure.ts';
import {failureText} from '../../model/failure-text.ts';
import type {TaskSpec} from '../../model/task.ts';
import {renderTemplate} from '../../plan/render.ts';
import type {Lesson} from './attempt-memory.ts';
import {headOf, tailOf} from './plain-text.ts';

/** Characters of a lesson, at most. */
const MAX = {task: 4000, input: 1000, output: 2000, critique: 2000, tag: 100, tags: 20};

/** What an attempt is to do. */
export interface LessonTask {
  readonly taskId: string;
  readonly spec: TaskSpec;
  /** The instance's item; undefined for a task without `foreach`. */
  readonly item: JsonValue | undefined;
  /** What it needs, by name. */
  readonly needs: readonly string[];
  /** Absent for a command. */
  readonly means?: AttemptMeans | undefined;
  readonly team: string;
}

/** What does not depend on how the attempt ends. `task` is also what is looked for before it begins. */
export type LessonHead = Pick<Lesson, 'task' | 'input' | 'tags'>;

/** `clean` takes secrets out of a text. */
export function lessonHead(
  {taskId, spec, item, needs, means, team}: LessonTask,
  clean: (text: string) => string,
): LessonHead {
  const asked = spec.prompt === undefined ? spec.run : renderTemplate(spec.prompt, item);
  const given = [
    ...(item === undefined ? [] : [`item: ${typeof item === 'string' ? item : JSON.stringify(item)}`]),
    ...(needs.length === 0 ? [] : [`after: ${needs.join(', ')}`]),
  ];
  const tags = [means?.runtime ?? 'command', means?.model ?? '', ...(spec.skills ?? []), team];
  return {
    task: headOf(clean(`${taskId}: ${asked}`), MAX.task),
    input: headOf(clean(given.join('\n')), MAX.input),
    tags: [...new Set(tags.map(tag => headOf(clean(tag), MAX.tag)))].filter(tag => tag !== '').slice(0, MAX.tags),
  };
}

export type LessonEnd = Pick<Lesson, 'output' | 'critique' | 'reward' | 'success'>;

/** Null: how it ended says nothing of the task. `said` is the end of what it printed, null when nobody knows. */
export function lessonEnd(
  {result, usage, durationMs, warnings = []}: AttemptOutcome,
  {
    spec,
    said,
    clean,
  }: {readonly spec: TaskSpec; readonly said: string | null; readonly clean: (text: string) => string},
): LessonEnd | null {
  if (!result.ok && !isLesson(result.failure)) return null;
  const took = `It took ${formatDuration(durationMs)}${usage.usd === null ? '' : ` and ${usdText(usage.usd)}`}.`;
  const told = result.ok
    ? [...(spec.verify === undefined ? [] : ['What was to be verified held.']), ...warnings]
    : [failureText(result.failure), ...tailOfVerify(result.failure)];
  return {
    output: tailOf(clean(said ?? tailOfRun(result.ok ? null : result.failure)), MAX.output),
    critique: headOf(clean([...told, took].join('\n')), MAX.critique),
    reward: rewardOf(result.ok, usage.usd),
    success: result.ok,
  };
}

/**
 * From 0 to 1. What failed is worth 0. What succeeded is worth 1 when its cost is unknown or nothing, and `1/2 + 1/2 / (1 + USD)`
 * otherwise: 0.75 at one dollar, and always more than 1/2, so that dear success stays better than cheap failure.
 */
export function rewardOf(success: boolean, usd: number | null): number {
  if (!success) return 0;
  return 0.5 + 0.5 / (1 + Math.max(0, usd ?? 0));
}

/** What a reviewer has said of it decides. */
export function reviewedEnd(
  end: LessonEnd,
  {
    approved,
    comments,
    clean,
  }: {readonly approved: boolean; readonly comments: string; readonly clean: (text: string) => string},
): LessonEnd {
  const verdict = `${approved ? 'A reviewer approved it' : 'A reviewer sent it back'}: ${comments}`;
  const critique = headOf(clean(`${verdict}\n${end.critique ?? ''}`), MAX.critique);
  return approved ? {...end, critique} : {...end, critique, reward: 0, success: false};
}

/** Whether it tells of the task and the agent, not of a machine, a provider, or somebody who has stopped it. */
function isLesson(failure: Failure): boolean {
  switch (failure.reason) {
    case 'command-failed':
    case 'verify-failed':
    case 'timed-out':
    case 'output-invalid':
    case 'output-too-large':
    case 'memory-exceeded':
    case 'disk-exceeded':
    case 'no-change':
    case 'outside-touches':
    case 'over-cap':
      return true;
    case 'agent-error':
      return isAgentLesson(failure.kind);
    default:
      return false;
  }
}

function isAgentLesson(kind: AgentErrorKind): boolean {
  switch (kind) {
    case 'refused':
    case 'permission-denied':
    case 'context-too-long':
    case 'bad-output':
      return true;
    case 'auth':
    case 'crashed':
      return false;
    default:
      return never(kind);
  }
}

/** The sentence has the line of it that tells most. */
function tailOfVerify(failure: Failure): readonly string[] {
  return failure.reason === 'verify-failed' && failure.tail.includes('\n') ? [failure.tail] : [];
}

function tailOfRun(failure: Failure | null): string {
  return failure?.reason === 'command-failed' ? failure.tail : '';
}
