import {Graph, alg} from '@dagrejs/graphlib';

/** A task graph as arrays: `needs[i]` are the indexes of the tasks that task `i` needs. */
export type NeedsByIndex = readonly (readonly number[])[];

/** Whole cycles looked for among so many tasks; in larger tangles the first one found is shown. */
const MAX_TANGLE = 1000;

export type Resolution =
  /** Every task comes after what it needs; tasks of one level need only tasks of levels before it. */
  | {
      readonly kind: 'ordered';
      readonly order: readonly string[];
      readonly levels: readonly (readonly string[])[];
    }
  /** Each cycle as its path, first task repeated at the end: every one needs the next. */
  | {readonly kind: 'cyclic'; readonly cycles: readonly (readonly string[])[]}
  | {readonly kind: 'unknown'; readonly unknown: readonly {readonly task: string; readonly need: string}[]};

/** Puts tasks into an order in which each comes after those it depends on, or says why there is none. */
export function resolve(dependencies: Readonly<Record<string, readonly string[]>>): Resolution {
  const ids = Object.keys(dependencies);
  const indexOf = new Map(ids.map((id, index) => [id, index]));
  const unknown: {task: string; need: string}[] = [];
  const needs = ids.map(task => {
    const indexes = new Set<number>();
    for (const need of dependencies[task] ?? []) {
      const index = indexOf.get(need);
      if (index === undefined) unknown.push({task, need});
      else indexes.add(index);
    }
    return [...indexes];
  });
  if (unknown.length > 0) return {kind: 'unknown', unknown};
  const sorted = sort(needs);
  const named = (index: number) => ids[index] ?? '';
  if (sorted.order.length < ids.length) {
    return {kind: 'cyclic', cycles: cyclesIn(needs).map(cycle => cycle.map(named))};
  }
  const levels: string[][] = [];
  for (const index of sorted.order) (levels[sorted.level[index] ?? 0] ??= []).push(named(index));
  return {kind: 'ordered', order: sorted.order.map(named), levels};
}

/**
 * Kahn's algorithm over plain arrays, in O(tasks + needs). `order` lacks the tasks that are on a cycle or need one that
 * is; `level` is the longest way from a task without needs.
 */
export function sort(needs: NeedsByIndex): {readonly order: readonly number[]; readonly level: Int32Array} {
  const open = Int32Array.from(needs, list => list.length);
  const level = new Int32Array(needs.length);
  const neededBy = reversed(needs);
  const order: number[] = [];
  for (const [index, count] of open.entries()) if (count === 0) order.push(index);
  for (let next = 0; next < order.length; next++) {
    const index = order[next] ?? 0;
    for (const dependent of neededBy[index] ?? []) {
      level[dependent] = Math.max(level[dependent] ?? 0, (level[index] ?? 0) + 1);
      const left = (open[dependent] ?? 0) - 1;
      open[dependent] = left;
      if (left === 0) order.push(dependent);
    }
  }
  return {order, level};
}

/** One shortest cycle for each group of tasks that need each other, first task repeated at the end; empty: no cycle. */
export function cyclesIn(needs: NeedsByIndex): readonly (readonly number[])[] {
  const tangle = tangleOf(needs);
  const first = tangle.values().next();
  if (first.done === true) return [];
  if (tangle.size > MAX_TANGLE) return [walkedCycle(needs, tangle, first.value)];
  // graphlib keeps what it has visited in a plain object, where an id such as `constructor` would count as visited.
  const graph = new Graph();
  for (const index of tangle) graph.setNode(`#${index}`);
  for (const index of tangle) {
    for (const need of needs[index] ?? []) if (tangle.has(need)) graph.setEdge(`#${index}`, `#${need}`);
  }
  return alg
    .findCycles(graph)
    .map(group => shortestCycle(needs, new Set(group.map(node => Number(node.slice(1))))))
    .sort((a, b) => (a[0] ?? 0) - (b[0] ?? 0));
}

/** What is left when tasks that nothing is left to wait for, and tasks that nothing left waits for, are taken away. */
function tangleOf(needs: NeedsByIndex): ReadonlySet<number> {
  const sortable = new Set(sort(needs).order);
  const left = needs.map((list, index) => (sortable.has(index) ? [] : list.filter(need => !sortable.has(need))));
  const free = new Set(sort(reversed(left)).order);
  const tangle = new Set<number>();
  for (const index of needs.keys()) if (!sortable.has(index) && !free.has(index)) tangle.add(index);
  return tangle;
}

function walkedCycle(needs: NeedsByIndex, tangle: ReadonlySet<number>, start: number): readonly number[] {
  const path: number[] = [];
  const placeOf = new Map<number, number>();
  let current = start;
  while (!placeOf.has(current)) {
    placeOf.set(current, path.length);
    path.push(current);
    current = needs[current]?.find(need => tangle.has(need)) ?? start;
  }
  return [...path.slice(placeOf.get(current)), current];
}

function shortestCycle(needs: NeedsByIndex, group: ReadonlySet<number>): readonly number[] {
  const start = Math.min(...group);
  const cameFrom = new Map<number, number>();
  const queue = [start];
  for (const index of queue) {
    for (const need of needs[index] ?? []) {
      if (need === start) return [...trail(cameFrom, index), start];
      if (!group.has(need) || cameFrom.has(need)) continue;
      cameFrom.set(need, index);
      queue.push(need);
    }
  }
  throw new Error('Internal error: a group of tasks without a cycle');
}

function trail(cameFrom: ReadonlyMap<number, number>, end: number): readonly number[] {
  const path = [end];
  for (let from = cameFrom.get(end); from !== undefined; from = cameFrom.get(from)) path.push(from);
  return path.reverse();
}

function reversed(needs: NeedsByIndex): readonly (readonly number[])[] {
  const result: number[][] = needs.map(() => []);
  for (const [index, list] of needs.entries()) for (const need of list) result[need]?.push(index);
  return result;
}
