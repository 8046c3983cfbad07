import type {StopReason} from '../model/failure.ts';
import {isTerminal, type SkipReason, type TaskState} from '../model/task.ts';
import type {Members, TaskNode} from './task-node.ts';

/** Whether the task counts as failed for those that need it, for its ancestors' `failure()` and for the team. */
export function countsAsFailed(task: TaskNode): boolean {
  return task.state.name === 'failed' && !task.spec.continueOnError;
}

/** Tells `dependent` that one of the tasks it needs is over. */
export function noteNeedOver(dependent: TaskNode, need: TaskNode): void {
  dependent.unfinishedNeeds -= 1;
  if (need.ancestorFailed || countsAsFailed(need)) dependent.ancestorFailed = true;
  const cause = obstacleCause(need);
  if (cause === null) return;
  if (dependent.obstacle === null) dependent.obstacle = {need, cause};
  else if (cause === 'needs') dependent.obstacle.cause = 'needs';
}

/**
 * What these rows of a plan know of their needs, told anew: needs before those that need them. A row's place among them is
 * its `specIndex`.
 */
export function tellNeedsAnew(rows: readonly TaskNode[]): void {
  for (const row of rows) {
    row.unfinishedNeeds = row.needs.length;
    row.obstacle = null;
    row.ancestorFailed = false;
  }
  const left = Uint32Array.from(rows, row => row.needs.length);
  const queue = rows.filter(row => row.needs.length === 0);
  for (let row = queue.pop(); row; row = queue.pop()) {
    for (const dependent of row.dependents) {
      if (isTerminal(row.state.name)) noteNeedOver(dependent, row);
      const remaining = (left[dependent.specIndex] ?? 0) - 1;
      left[dependent.specIndex] = remaining;
      if (remaining === 0) queue.push(dependent);
    }
  }
}

function obstacleCause(need: TaskNode): SkipReason['cause'] | null {
  switch (need.state.name) {
    case 'failed':
      return need.spec.continueOnError ? null : 'needs';
    case 'cancelled':
      return 'needs';
    case 'skipped':
      return need.state.because.cause;
    default:
      return null;
  }
}

/**
 * What becomes of a task whose needs are all over: null when it may run, otherwise why it is skipped. As in GitHub
 * Actions, `failure()` looks at all ancestors and `success()` at the direct needs.
 */
export function skipReason(task: TaskNode): SkipReason | null {
  switch (task.spec.condition) {
    case 'always':
      return null;
    case 'failure':
      return task.ancestorFailed ? null : {cause: 'condition', task: null};
    case 'success':
      return task.obstacle && {cause: task.obstacle.cause, task: task.obstacle.need.seq};
  }
}

/** How a `foreach` ended whose instances are all over: failed before cancelled before succeeded. */
export function groupState(members: Members, by: StopReason): TaskState {
  if (members.failed > 0) {
    return {name: 'failed', failure: {reason: 'instances-failed', failed: members.failed, total: members.total}};
  }
  if (members.cancelled > 0) return {name: 'cancelled', by};
  return {name: 'succeeded'};
}

/** Whether the end of this task makes the team's run a failed one. Skips for an unmet `failure()` are no fault. */
export function isTrouble(task: TaskNode): boolean {
  switch (task.state.name) {
    case 'failed':
      return !task.spec.continueOnError;
    case 'cancelled':
      return true;
    case 'skipped':
      return task.state.because.cause === 'needs';
    default:
      return false;
  }
}
