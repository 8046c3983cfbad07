import {isTerminal} from '../model/task.ts';
import type {TaskNode} from './task-node.ts';

/**
 * The most tasks that the rest of a plan can have running at a time, as an upper bound: the number of chains (each task of
 * one needs, perhaps through others, the one before it) that cover it; by Dilworth's theorem no fewer can. The cover is made
 * once, greedily, in O(tasks + needs); as tasks end chains end with them, in O(1) each.
 */
export class PlanWidth {
  /** By chain: tasks on it that are not over. */
  readonly #open: number[] = [];
  /** By task: the chain it is on; for a `foreach` all the chains that its instances are on. */
  readonly #chains: (number | number[] | undefined)[] = [];
  #width = 0;
  #unknown = 0;

  constructor(tasks: readonly TaskNode[]) {
    const rows = tasks.filter(task => task.group === null);
    this.#cover(rows);
    for (const task of rows) if (isUnknown(task)) this.#unknown += 1;
  }

  get width(): number {
    return this.#width;
  }

  /** A `foreach` whose items are not known yet is still to come: the width may grow. */
  get mayGrow(): boolean {
    return this.#unknown > 0;
  }

  /** Whether a task counts as not being over. */
  covers(task: TaskNode): boolean {
    return this.#chains[(task.group ?? task).seq] !== undefined;
  }

  /** The instances of a `foreach` are known now. */
  expanded(group: TaskNode): void {
    const chains = this.#chains[group.seq];
    if (chains === undefined || Array.isArray(chains)) return;
    if (isOfOutput(group)) this.#unknown -= 1;
    const all = [chains];
    while (all.length < instancesAtATime(group)) all.push(this.#newChain());
    for (const chain of all.slice(1)) this.#join(chain);
    this.#chains[group.seq] = all;
  }

  /** A task is over: also the instance of a `foreach`, and the `foreach` itself. */
  ended(task: TaskNode): void {
    if (task.group) return this.#shrink(task.group, task.group.members?.open ?? 0);
    const chains = this.#chains[task.seq];
    if (chains === undefined) return;
    if (Array.isArray(chains)) this.#shrink(task, 0);
    else {
      if (isOfOutput(task)) this.#unknown -= 1;
      this.#leave(chains);
    }
    this.#chains[task.seq] = undefined;
  }

  #shrink(group: TaskNode, open: number): void {
    const chains = this.#chains[group.seq];
    if (!Array.isArray(chains)) return;
    while (chains.length > open) {
      const chain = chains.pop();
      if (chain !== undefined) this.#leave(chain);
    }
  }

  #cover(rows: readonly TaskNode[]): void {
    const tails: (number[] | undefined)[] = [];
    const untold = rows.map(row => row.dependents.length);
    for (const task of inOrder(rows)) {
      const mine = takeTails(task, {tails, untold});
      const weight = isTerminal(task.state.name) ? 0 : instancesAtATime(task);
      while (mine.length < weight) mine.push(this.#newChain());
      const own = mine.slice(mine.length - weight);
      for (const chain of own) this.#join(chain);
      if (weight > 0) this.#chains[task.seq] = isFanOut(task) && !isUnknown(task) ? own : own[0];
      tails[task.seq] = mine;
    }
  }

  #newChain(): number {
    this.#open.push(0);
    return this.#open.length - 1;
  }

  #join(chain: number): void {
    const open = this.#open[chain] ?? 0;
    if (open === 0) this.#width += 1;
    this.#open[chain] = open + 1;
  }

  #leave(chain: number): void {
    const open = (this.#open[chain] ?? 0) - 1;
    this.#open[chain] = open;
    if (open === 0) this.#width -= 1;
  }
}

interface Covering {
  /** By task: the chains that end at it, or pass through it, and can go on to a task that needs it. */
  readonly tails: (number[] | undefined)[];
  /** By task: how many of those that need it have not been visited. */
  readonly untold: number[];
}

/** The last of those that need a task goes on with all chains that are left there; the others with one that they need. */
function takeTails(task: TaskNode, {tails, untold}: Covering): number[] {
  let mine: number[] = [];
  const shared: number[][] = [];
  for (const need of task.needs) {
    const found = tails[need.seq] ?? [];
    const left = (untold[need.seq] ?? 0) - 1;
    untold[need.seq] = left;
    if (left > 0) {
      shared.push(found);
      continue;
    }
    tails[need.seq] = undefined;
    const [few, many] = found.length < mine.length ? [found, mine] : [mine, found];
    for (const chain of few) many.push(chain);
    mine = many;
  }
  const weight = instancesAtATime(task);
  for (const found of shared) {
    while (mine.length < weight) {
      const chain = found.pop();
      if (chain === undefined) break;
      mine.push(chain);
    }
  }
  return mine;
}

/** Each task after all that it needs. */
function inOrder(rows: readonly TaskNode[]): TaskNode[] {
  const open = rows.map(row => row.needs.length);
  const order = rows.filter(row => row.needs.length === 0);
  for (const task of order) {
    for (const dependent of task.dependents) {
      const left = (open[dependent.seq] ?? 0) - 1;
      open[dependent.seq] = left;
      if (left === 0) order.push(dependent);
    }
  }
  return order;
}

/** At least 1: also a task that is about to be skipped, or expands to nothing, is on a chain. */
function instancesAtATime(task: TaskNode): number {
  if (!isFanOut(task)) return 1;
  const {foreach, maxParallel = Number.POSITIVE_INFINITY} = task.spec;
  const known = task.members?.open ?? (foreach?.from === 'list' ? foreach.items.length : 1);
  return Math.max(1, Math.min(known, maxParallel));
}

function isFanOut(task: TaskNode): boolean {
  return task.isTemplate;
}

function isOfOutput({spec}: TaskNode): boolean {
  return spec.foreach?.from === 'output';
}

function isUnknown(task: TaskNode): boolean {
  return task.isTemplate && isOfOutput(task) && task.members === null && !isTerminal(task.state.name);
}
