import {isTerminal, type TaskState, type TaskStateName} from '../model/task.ts';
import type {TaskNode} from './task-node.ts';
import {countsAsFailed, isTrouble} from './task-rules.ts';

/** The tasks of a team by what has become of them, and the one place where a task's state changes. */
export class TaskTally {
  /** By state; a `foreach` counts as one task until it is expanded, then its instances count instead. */
  readonly counts: Record<TaskStateName, number> = {
    waiting: 0,
    ready: 0,
    'backing-off': 0,
    running: 0,
    verifying: 0,
    reviewing: 0,
    merging: 0,
    expanded: 0,
    succeeded: 0,
    failed: 0,
    skipped: 0,
    cancelled: 0,
  };
  /** Tasks that are not over, a `foreach` beside its instances. */
  open = 0;
  /** Ends that make the run a failed one. */
  troubles = 0;
  /** Failures that count towards `--max-failures`. */
  countedFailures = 0;
  /** The tasks that failed, in order, instances rather than their template. */
  readonly failed = new Set<TaskNode>();

  /** So many more tasks wait. */
  add(tasks: number): void {
    this.open += tasks;
    this.counts.waiting += tasks;
  }

  enter(task: TaskNode, state: TaskState): void {
    const before = task.state.name;
    if (isTerminal(before)) throw new Error(`Internal error: "${task.id}" is ${before} and would become ${state.name}`);
    this.#move(task, state);
  }

  /** A task that is over goes again: its next round begins. */
  reopen(task: TaskNode, state: TaskState): void {
    const before = task.state.name;
    if (!isTerminal(before)) throw new Error(`Internal error: "${task.id}" is ${before} and cannot begin a round`);
    this.#move(task, state);
  }

  /** From now on the instances count, not the template. */
  expand(group: TaskNode): void {
    this.enter(group, {name: 'expanded'});
    this.counts.expanded -= 1;
    group.members = {all: [], total: 0, open: 0, succeeded: 0, failed: 0, cancelled: 0, running: 0};
  }

  #move(task: TaskNode, state: TaskState): void {
    this.#count(task, -1);
    task.state = state;
    this.#count(task, 1);
  }

  #count(task: TaskNode, sign: 1 | -1): void {
    const {name} = task.state;
    if (!task.members) this.counts[name] += sign;
    if (!isTerminal(name)) return;
    this.open -= sign;
    if (task.members) return;
    if (isTrouble(task)) this.troubles += sign;
    if (countsAsFailed(task)) this.countedFailures += sign;
    if (name === 'failed' && sign > 0) this.failed.add(task);
    else this.failed.delete(task);
  }
}
