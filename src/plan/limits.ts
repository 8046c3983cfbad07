import {parseSize} from '../base/size.ts';
import type {AttemptLimits} from '../model/health.ts';
import type {DefaultsDocument, LimitsDocument, TaskDocument} from './schema.ts';
import {hasWorktree} from './task-agent.ts';
import {parseTimeout} from './timeout.ts';

/** What one attempt of a task may use, each limit by itself taken from the task or the defaults; undefined: nothing is limited. */
export function limitsOf(task: TaskDocument, defaults: DefaultsDocument): AttemptLimits | undefined {
  const {memory, cpus, nice, output, disk}: LimitsDocument = {...defaults.limits, ...task.limits};
  const silence = task.silence ?? defaults.silence;
  const limits: AttemptLimits = {
    ...bytesOf('memoryBytes', memory),
    ...(nice !== undefined && {nice}),
    ...(cpus !== undefined && {cpus}),
    ...bytesOf('outputBytes', output),
    // A default is for those that have a worktree.
    ...(hasWorktree(task, defaults) ? bytesOf('diskBytes', disk) : {}),
    ...silenceOf(silence),
  };
  return Object.keys(limits).length === 0 ? undefined : limits;
}

function bytesOf(key: 'memoryBytes' | 'outputBytes' | 'diskBytes', size: string | undefined): AttemptLimits {
  const bytes = size === undefined ? null : parseSize(size);
  return bytes === null ? {} : {[key]: bytes};
}

function silenceOf(silence: string | number | undefined): AttemptLimits {
  const silenceMs = silence === undefined ? null : parseTimeout(silence);
  return silenceMs === null ? {} : {silenceMs};
}
