import type {JsonValue} from '../base/json.ts';
import type {Result} from '../base/result.ts';
import type {Failure, StopReason} from '../model/failure.ts';
import {type AttemptId, type TeamId, taskSeq} from '../model/ids.ts';
import type {NewTask} from '../model/record.ts';
import {isTerminal, type TaskState} from '../model/task.ts';
import {instancesOf} from '../plan/expand.ts';
import {addMember, memberAgain, memberOver} from './group-members.ts';
import type {ReadyQueue} from './ready-queue.ts';
import {TaskNode} from './task-node.ts';
import {groupState, noteNeedOver, skipReason, tellNeedsAnew} from './task-rules.ts';
import {TaskTally} from './task-tally.ts';
import type {Turn} from './turn.ts';

export interface TaskProgressOptions {
  readonly teamId: TeamId;
  readonly ready: ReadyQueue;
  /** Why the team is being ended; null: it is not. */
  readonly ending: () => StopReason | null;
  /** What may be ready and is not to start yet, because something of it is still being stopped. */
  readonly keepsBack: (task: TaskNode) => boolean;
  /** It is not let go with the others: it has a reason of its own to wait. */
  readonly waitsForReview: (task: TaskNode) => boolean;
  /** A task is over, and everything that needs it knows. */
  readonly concluded: (turn: Turn, task: TaskNode) => void;
}

/**
 * How far the tasks of a team have come: what waits, what is ready, what is over and what follows from that for those that need
 * it. Every change of a task's state is made here, and recorded in the turn that makes it.
 */
export class TaskProgress {
  readonly tasks: TaskNode[] = [];
  readonly tally = new TaskTally();
  readonly #options: TaskProgressOptions;

  constructor(options: TaskProgressOptions) {
    this.#options = options;
  }

  /** The items of a `foreach` are being read just now. */
  get awaitsOutput(): boolean {
    return this.tasks.some(awaitsOutput);
  }

  /** New rows of a plan, which wait. */
  adopt(rows: readonly TaskNode[]): void {
    for (const row of rows) this.tasks.push(row);
    this.tally.add(rows.length);
  }

  /** Those of these tasks go on that wait for nothing any more. */
  letGo(turn: Turn, tasks: readonly TaskNode[]): void {
    for (const task of tasks) {
      const isFree = (task.group ?? task).unfinishedNeeds === 0;
      if (task.state.name !== 'waiting' || !isFree || this.#options.waitsForReview(task)) continue;
      if (task.group) this.#makeReady(task);
      else {
        const over: TaskNode[] = [];
        this.#admit(turn, task, over);
        this.#tell(turn, over);
      }
    }
  }

  /** The task enters a state that is not terminal. */
  enter(turn: Turn, task: TaskNode, state: TaskState): void {
    this.tally.enter(task, state);
    this.record(turn, task);
  }

  /** This attempt decides from now on what becomes of the task; what is recorded of the attempt says so. */
  work(task: TaskNode, name: 'running' | 'verifying', attempt: AttemptId): void {
    this.tally.enter(task, {name, attempt});
  }

  /** The task goes again as soon as an agent is free. */
  again(turn: Turn, task: TaskNode): void {
    this.#makeReady(task);
    this.record(turn, task);
  }

  /** The delay before the next attempt is over. */
  retryDue(task: TaskNode): void {
    if (task.state.name === 'backing-off') this.#makeReady(task);
  }

  /** Nothing keeps the task back any more, should it be ready. */
  cleared(task: TaskNode): void {
    if (task.state.name === 'ready' && !this.#options.keepsBack(task)) this.#options.ready.push(task);
  }

  /** Ends a task and everything that follows from that, without recursion: chains may be 100,000 tasks long. */
  conclude(turn: Turn, task: TaskNode, state: TaskState): void {
    const over: TaskNode[] = [];
    this.#close(turn, task, state, over);
    this.#tell(turn, over);
  }

  cancel(turn: Turn, task: TaskNode, by: StopReason): void {
    turn.emit(this.#options.teamId, {type: 'task-cancelled', task: task.id, by});
    this.conclude(turn, task, {name: 'cancelled', by});
  }

  /** Cancels everything that has not started. */
  cancelIdle(turn: Turn, by: StopReason): void {
    const groups: TaskNode[] = [];
    for (const task of this.tasks) {
      const {name} = task.state;
      if (name === 'expanded') groups.push(task);
      if (name !== 'waiting' && name !== 'ready' && name !== 'backing-off' && name !== 'reviewing') continue;
      this.enter(turn, task, {name: 'cancelled', by});
      if (task.group?.members) memberOver(task.group.members, task);
    }
    this.#options.ready.clear();
    for (const group of groups)
      if (group.members?.open === 0) this.conclude(turn, group, groupState(group.members, by));
  }

  /** A task that was over begins its next round. */
  reopen(turn: Turn, task: TaskNode, state: TaskState): void {
    if (task.group?.members) memberAgain(task.group.members, task);
    this.tally.reopen(task, state);
    task.round += 1;
    task.failures = 0;
    task.losses = 0;
    const feedback = task.memo?.feedback;
    task.memo = feedback === undefined ? undefined : {feedback};
    this.record(turn, task);
  }

  /** To be called when all of a round are reopened: what they wait for is told anew. */
  beginRound(turn: Turn, tasks: readonly TaskNode[]): void {
    tellNeedsAnew(this.tasks.filter(({group}) => group === null));
    this.letGo(turn, tasks);
  }

  /** What the source of a `foreach` printed has been read (or could not be). */
  expandWith(turn: Turn, source: TaskNode, output: Result<JsonValue, Failure>): void {
    for (const task of source.feeds) {
      if (!awaitsOutput(task)) continue;
      const over: TaskNode[] = [];
      this.#expand(turn, task, output, over);
      this.#tell(turn, over);
    }
  }

  /** From now on the instances count, not the template. */
  openGroup(group: TaskNode): void {
    this.tally.expand(group);
  }

  addMember(group: TaskNode, row: NewTask): TaskNode {
    const {seq, id, specIndex, item} = row;
    const task = new TaskNode({seq, id, specIndex, spec: group.spec, group, item});
    if (task.seq !== this.tasks.length) throw new Error(`Internal error: "${id}" is out of order`);
    this.tasks.push(task);
    this.tally.add(1);
    if (group.members) addMember(group.members, task);
    return task;
  }

  /** Puts a task into the state it had when the store was last written, without consequences. */
  restore(task: TaskNode, state: TaskState): void {
    if (state.name !== task.state.name) this.tally.enter(task, state);
    const members = task.group?.members;
    if (members && isTerminal(state.name)) memberOver(members, task);
  }

  record(turn: Turn, task: TaskNode): void {
    const {seq, state, failures, losses, round, attempts, memo} = task;
    turn.record({
      kind: 'task-state',
      teamId: this.#options.teamId,
      seq,
      state: state.name === 'ready' ? {name: 'waiting'} : state,
      failures,
      losses,
      round,
      attempts,
      ...(memo ? {memo} : {}),
    });
  }

  /** Tells everybody concerned that these tasks are over, and so on until nothing more follows. */
  #tell(turn: Turn, over: TaskNode[]): void {
    for (let node = over.pop(); node; node = over.pop()) {
      if (node.group) this.#countMember(turn, node, node.group, over);
      else this.#tellDependents(turn, node, over);
      this.#options.concluded(turn, node);
    }
  }

  #close(turn: Turn, task: TaskNode, state: TaskState, over: TaskNode[]): void {
    this.enter(turn, task, state);
    over.push(task);
  }

  #countMember(turn: Turn, member: TaskNode, group: TaskNode, over: TaskNode[]): void {
    const {members} = group;
    if (!members) throw new Error(`Internal error: "${group.id}" has instances but is not expanded`);
    memberOver(members, member);
    if (members.open === 0) this.#close(turn, group, groupState(members, this.#options.ending() ?? 'user'), over);
  }

  #tellDependents(turn: Turn, node: TaskNode, over: TaskNode[]): void {
    for (const dependent of node.dependents) {
      noteNeedOver(dependent, node);
      if (dependent.unfinishedNeeds > 0) continue;
      if (dependent.state.name === 'waiting') this.#admit(turn, dependent, over);
      // Instances that go again wait for needs that go again.
      else if (dependent.state.name === 'expanded') this.letGo(turn, dependent.members?.all ?? []);
    }
  }

  /** The task's needs are over: it runs, is expanded, or is skipped. */
  #admit(turn: Turn, task: TaskNode, over: TaskNode[]): void {
    const because = skipReason(task);
    const {teamId} = this.#options;
    if (because) {
      const need = because.task === null ? null : (this.tasks[because.task]?.id ?? null);
      turn.emit(teamId, {type: 'task-skipped', task: task.id, because: because.cause, need});
      this.#close(turn, task, {name: 'skipped', because}, over);
      return;
    }
    const {foreach} = task.spec;
    if (!foreach) {
      this.#makeReady(task);
      return;
    }
    if (foreach.from === 'list') {
      this.#expand(turn, task, {ok: true, value: foreach.items}, over);
      return;
    }
    const source = task.source;
    if (source?.state.name === 'succeeded') {
      turn.effect({type: 'read-output', teamId, task: source.seq, taskSpec: source.spec});
      return;
    }
    const detail = `its items come from the output of "${foreach.task}", which is ${source?.state.name ?? 'unknown'}`;
    this.#expand(turn, task, {ok: false, failure: {reason: 'foreach-invalid', detail}}, over);
  }

  #expand(turn: Turn, group: TaskNode, output: Result<JsonValue, Failure>, over: TaskNode[]): void {
    const {teamId} = this.#options;
    const instances = output.ok ? instancesOf(group.spec, output.value) : output;
    if (!instances.ok) {
      turn.emit(teamId, {type: 'task-failed', task: group.id, failure: instances.failure});
      this.#close(turn, group, {name: 'failed', failure: instances.failure}, over);
      return;
    }
    const rows: NewTask[] = instances.value.map(({key, item}, index) => ({
      seq: taskSeq(this.tasks.length + index),
      id: `${group.id}[${key}]`,
      specIndex: group.specIndex,
      group: group.seq,
      item,
    }));
    turn.record({kind: 'tasks-created', teamId, tasks: rows});
    turn.emit(teamId, {type: 'tasks-added', task: group.id, count: rows.length});
    this.openGroup(group);
    this.record(turn, group);
    for (const row of rows) this.#makeReady(this.addMember(group, row));
    if (rows.length === 0) this.#close(turn, group, {name: 'succeeded'}, over);
  }

  #makeReady(task: TaskNode): void {
    const {keepsBack, ready} = this.#options;
    this.tally.enter(task, {name: 'ready'});
    if (!keepsBack(task)) ready.push(task);
  }
}

function awaitsOutput(task: TaskNode): boolean {
  return task.isTemplate && task.state.name === 'waiting' && task.unfinishedNeeds === 0;
}
