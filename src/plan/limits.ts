import type {AttemptLimits} from '../model/health.ts';
import type {Assumed} from '../model/task.ts';
import type {DefaultsDocument, TaskDocument} from './schema.ts';
import type {LimitsDocument} from './schema-limits.ts';
import {hasWorktree} from './task-agent.ts';
import {parseTimeout} from './timeout.ts';
import {attemptLimits} from './written-limits.ts';

/** What one attempt of a task may use, each limit by itself taken from the task or the defaults; undefined: nothing is limited. */
export function limitsOf(task: TaskDocument, defaults: DefaultsDocument): AttemptLimits | undefined {
  const written: LimitsDocument = {...defaults.limits, ...task.limits};
  const silence = task.silence ?? defaults.silence;
  const {diskBytes, tokens, ...rest} = attemptLimits(written);
  const limits: AttemptLimits = {
    ...rest,
    // A default is for those that have a worktree, or a prompt.
    ...(diskBytes !== undefined && hasWorktree(task, defaults) ? {diskBytes} : {}),
    ...(tokens !== undefined && task.prompt !== undefined ? {tokens} : {}),
    ...silenceOf(silence),
  };
  return Object.keys(limits).length === 0 ? undefined : limits;
}

/** What of this the task does not say itself; undefined: it says all of it. */
export function assumedOf(
  task: TaskDocument,
  {limits = {}, timeoutMs}: {readonly limits?: AttemptLimits | undefined; readonly timeoutMs?: number | undefined},
): readonly Assumed[] | undefined {
  const own: Readonly<Record<string, unknown>> = {
    ...attemptLimits(task.limits ?? {}),
    ...silenceOf(task.silence),
    timeoutMs: task.timeout,
  };
  const has = [...ASSUMED.filter(name => limits[name] !== undefined), ...(timeoutMs === undefined ? [] : TIMEOUT)];
  const assumed = has.filter(name => own[name] === undefined);
  return assumed.length === 0 ? undefined : assumed;
}

const ASSUMED = ['memoryBytes', 'cpus', 'nice', 'outputBytes', 'diskBytes', 'tokens', 'silenceMs'] as const;
const TIMEOUT = ['timeoutMs'] as const;

function silenceOf(silence: string | number | undefined): AttemptLimits {
  const silenceMs = silence === undefined ? null : parseTimeout(silence);
  return silenceMs === null ? {} : {silenceMs};
}
