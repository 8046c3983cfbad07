import {Heap} from '../base/heap.ts';
import type {AgentGroup} from '../model/agent.ts';
import type {Escalation} from '../model/plan.ts';
import {
  type Candidate,
  candidatesFor,
  escalation,
  type Requirement,
  requirementKey,
  requirementOf,
} from './requirement.ts';
import {goesBefore} from './scheduler.ts';
import type {Members, TaskNode} from './task-node.ts';

/** Ready tasks that ask the same of an agent, in the order in which they go. */
export interface ReadyClass {
  readonly requirement: Requirement;
  /** Empty: nobody in the team can do them. */
  readonly candidates: readonly Candidate[];
  readonly tasks: Heap<TaskNode>;
  /** Ready instances of a `foreach` that wait for its `max-parallel`. */
  readonly parked: Map<Members, Heap<TaskNode>>;
}

/** The ready tasks of a team. There are few classes, however many tasks: looking at the head of each is cheap. */
export class ReadyQueue {
  readonly #groups: readonly AgentGroup[];
  #escalation: Escalation | undefined;
  readonly #classes = new Map<string, ReadyClass>();
  #size = 0;

  constructor(groups: readonly AgentGroup[], escalate: Escalation | undefined) {
    this.#groups = groups;
    this.#escalation = escalate;
  }

  /** For tasks that become ready from now on. */
  escalateBy(rule: Escalation | undefined): void {
    this.#escalation = rule;
  }

  get size(): number {
    return this.#size;
  }

  classes(): Iterable<ReadyClass> {
    return this.#classes.values();
  }

  push(task: TaskNode): void {
    this.classOf(task).tasks.push(task);
    this.#size += 1;
  }

  /** The task that goes first in a class; with `max-parallel` those of its kind that may not start are set aside. */
  head({tasks, parked}: ReadyClass): TaskNode | null {
    for (let task = tasks.peek(); task; task = tasks.peek()) {
      const members = task.group?.members;
      const limit = task.spec.maxParallel;
      if (!members || limit === undefined || members.running < limit) return task;
      tasks.pop();
      this.#size -= 1;
      park(parked, members, task);
    }
    return null;
  }

  /**
   * One instance less of the `foreach` runs: of each class the next that waits for that may go, as what holds up one class
   * need not hold up another.
   */
  unpark(members: Members): void {
    for (const {tasks, parked} of this.#classes.values()) {
      const next = parked.get(members)?.pop();
      if (!next) continue;
      tasks.push(next);
      this.#size += 1;
    }
  }

  /** Takes out what `head` has shown. */
  take({tasks}: ReadyClass): void {
    if (tasks.pop()) this.#size -= 1;
  }

  clear(): void {
    this.#classes.clear();
    this.#size = 0;
  }

  /** The class of a task; null: none like it has been ready so far. */
  find(task: TaskNode): ReadyClass | null {
    return this.#classes.get(requirementKey(this.#requirementOf(task))) ?? null;
  }

  /** The class of a task, whether or not it is ready. */
  classOf(task: TaskNode): ReadyClass {
    const requirement = this.#requirementOf(task);
    const key = requirementKey(requirement);
    const known = this.#classes.get(key);
    if (known) return known;
    const candidates = candidatesFor(requirement, this.#groups);
    const made: ReadyClass = {requirement, candidates, tasks: new Heap(goesBefore), parked: new Map()};
    this.#classes.set(key, made);
    return made;
  }

  #requirementOf({spec, failures}: TaskNode): Requirement {
    return requirementOf(spec, spec.prompt === undefined ? null : escalation(failures, this.#escalation));
  }
}

function park(parked: ReadyClass['parked'], members: Members, task: TaskNode): void {
  const known = parked.get(members);
  if (known) return known.push(task);
  const made = new Heap<TaskNode>(goesBefore);
  made.push(task);
  parked.set(members, made);
}
