import {Heap} from '../base/heap.ts';
import type {TaskNode} from './task-node.ts';

/** From then on so many tasks want to run at a time. */
export interface Demand {
  readonly atMs: number;
  readonly slots: number;
}

export interface ForecastRequest {
  readonly nowMs: number;
  /** Until when, as `nowMs`. */
  readonly untilMs: number;
  readonly running: Iterable<{readonly task: TaskNode; readonly startedMs: number}>;
  /** Ready tasks that wait. */
  readonly queued: number;
  /** In milliseconds; null: nobody knows, and nothing is expected of it within the time looked at. */
  readonly expected: (task: TaskNode) => number | null;
  /** More than this is not of interest: the forecast ends there. */
  readonly most: number;
}

interface End {
  readonly atMs: number;
  readonly task: TaskNode;
}

/** A forecast looks at no more ends than this, so that its cost does not grow with the plan. */
const MOST_ENDS = 500;
/** A task that has run longer than expected is expected to take this part of that time again. */
const OVERDUE = 0.25;

/**
 * How many tasks will want to run at a time in the near future: what runs is followed to its expected end, and what waited
 * only for that begins at once. Begins with now; only changes are listed.
 */
export function forecastDemand(request: ForecastRequest): readonly Demand[] {
  const {nowMs, untilMs, queued, most} = request;
  const ends = new Heap<End>((a, b) => a.atMs < b.atMs);
  let slots = queued;
  for (const {task, startedMs} of request.running) {
    slots += 1;
    const expectedMs = request.expected(task);
    if (expectedMs === null) continue;
    const agoMs = nowMs - startedMs;
    ends.push({task, atMs: nowMs + (agoMs < expectedMs ? expectedMs - agoMs : agoMs * OVERDUE)});
  }
  const demands: Demand[] = [{atMs: nowMs, slots}];
  const ahead = new Ahead();
  for (let looked = 0; looked < MOST_ENDS && slots <= most; looked += 1) {
    const end = ends.pop();
    if (!end || end.atMs > untilMs) break;
    slots -= 1;
    for (const task of ahead.freedBy(end.task)) {
      slots += slotsOf(task);
      const takesMs = request.expected(task);
      if (takesMs !== null && !task.isTemplate) ends.push({task, atMs: end.atMs + takesMs});
    }
    note(demands, {atMs: end.atMs, slots});
  }
  return demands;
}

/** The most that is wanted at a time until then. */
export function peakUntil(demands: readonly Demand[], untilMs: number): number {
  let peak = 0;
  for (const {atMs, slots} of demands) if (atMs <= untilMs) peak = Math.max(peak, slots);
  return peak;
}

/** When more than so much is wanted; null: not within what was looked at. */
export function firstAbove(demands: readonly Demand[], slots: number): number | null {
  return demands.find(demand => demand.slots > slots)?.atMs ?? null;
}

/** What would be over, and what would wait for how much less, without a change of the tasks themselves. */
class Ahead {
  readonly #unfinished = new Map<TaskNode, number>();
  readonly #open = new Map<TaskNode, number>();

  /** The tasks that nothing holds back any more once this one is over. */
  freedBy(task: TaskNode): TaskNode[] {
    const {group} = task;
    if (!group) return task.dependents.filter(dependent => this.#isFree(dependent));
    const open = (this.#open.get(group) ?? group.members?.open ?? 1) - 1;
    this.#open.set(group, open);
    return open === 0 ? group.dependents.filter(dependent => this.#isFree(dependent)) : [];
  }

  #isFree(task: TaskNode): boolean {
    const left = (this.#unfinished.get(task) ?? task.unfinishedNeeds) - 1;
    this.#unfinished.set(task, left);
    return left === 0 && task.state.name === 'waiting';
  }
}

function slotsOf({isTemplate, spec}: TaskNode): number {
  if (!isTemplate || spec.foreach?.from !== 'list') return 1;
  return Math.min(spec.foreach.items.length, spec.maxParallel ?? Number.POSITIVE_INFINITY);
}

/** Of changes at the same time the last counts. */
function note(demands: Demand[], demand: Demand): void {
  const last = demands.at(-1);
  if (last && last.atMs === demand.atMs) demands.pop();
  if (demands.at(-1)?.slots !== demand.slots) demands.push(demand);
}
