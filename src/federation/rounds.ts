import {fail, ok, type Result} from '../base/result.ts';
import {similarTo} from '../base/similar.ts';
import type {Failure} from '../model/failure.ts';
import {isTerminal} from '../model/task.ts';
import type {TaskNode} from './task-node.ts';
import type {Team} from './team.ts';

/** Ids; or what failed, was cancelled or was skipped for that; or whatever has not succeeded. */
export type RetryWish = readonly string[] | 'failed' | 'all';

type RetriedTeam = Pick<Team, 'tasks' | 'spec' | 'landing'>;

/**
 * The tasks that begin their next round, in order; none of them has succeeded. With a task goes what it was skipped or cancelled
 * for, what was skipped further down, and what reviews it (also when that had succeeded: its verdicts are used up). A `foreach`
 * goes again in those of its instances that have not succeeded. What somebody needs who is at work does not go again
 * meanwhile.
 */
export function nextRound(team: RetriedTeam, wish: RetryWish): Result<readonly TaskNode[], Failure> {
  const chosen = typeof wish === 'string' ? ok(team.tasks.filter(isWished(wish))) : named(team, wish);
  if (!chosen.ok) return chosen;
  const round = new Round(team.landing);
  for (const task of chosen.value) round.choose(task, typeof wish === 'string' ? 'all' : 'named');
  const tasks = round.tasks();
  if (tasks.length > 0) return ok(tasks);
  const failed =
    'none of its tasks has failed, was cancelled or was skipped for that, but for those that somebody at work needs';
  return nothing(team, wish === 'failed' ? failed : 'whatever is over has succeeded, or is needed by somebody at work');
}

class Round {
  readonly #landing: Team['landing'];
  readonly #tasks = new Set<TaskNode>();
  readonly #passed = new Set<TaskNode>();

  constructor(landing: Team['landing']) {
    this.#landing = landing;
  }

  /** Without recursion: chains may be 100,000 tasks long. `named`: what it needs comes along. */
  choose(first: TaskNode, how: 'named' | 'all'): void {
    const queue = [first];
    for (let task = queue.pop(); task; task = queue.pop()) {
      if (task.members) for (const part of task.members.all) queue.push(part);
      if (task.members || this.#tasks.has(task) || whyNot(task) !== null) continue;
      this.#tasks.add(task);
      const reviewed = this.#landing.reviewedBy(task);
      if (reviewed) queue.push(reviewed);
      const reviewer = this.#landing.reviewerOf(task);
      if (reviewer && isTerminal(reviewer.state.name)) this.#tasks.add(reviewer);
      for (const dependent of this.#skippedBelow(task.group ?? task)) queue.push(dependent);
      if (how === 'named' && waitedInVain(task)) for (const need of task.needs) queue.push(need);
    }
  }

  tasks(): readonly TaskNode[] {
    const isForNothing = (task: TaskNode) => {
      const reviewed = this.#landing.reviewedBy(task);
      return reviewed !== undefined && !this.#tasks.has(reviewed);
    };
    return [...this.#tasks].filter(task => !isForNothing(task)).sort((a, b) => a.seq - b.seq);
  }

  #skippedBelow(from: TaskNode): TaskNode[] {
    const skipped: TaskNode[] = [];
    const queue = [from];
    for (let task = queue.pop(); task; task = queue.pop()) {
      if (this.#passed.has(task)) continue;
      this.#passed.add(task);
      for (const dependent of task.dependents) {
        if (dependent.state.name === 'skipped') skipped.push(dependent);
        queue.push(dependent);
      }
    }
    return skipped;
  }
}

function named({tasks, spec, landing}: RetriedTeam, ids: readonly string[]): Result<TaskNode[], Failure> {
  const byId = new Map(tasks.map(task => [task.id, task]));
  const chosen: TaskNode[] = [];
  for (const id of ids) {
    const task = byId.get(id);
    if (!task) return fail({reason: 'task-not-found', team: spec.name, task: id, similar: similarTo(id, byId.keys())});
    const target = landing.reviewedBy(task) ?? task;
    const parts = partsOf(target).filter(part => whyNot(part) === null);
    if (parts.length === 0) return nothing({spec}, whyNot(target) ?? `all instances of "${id}" have succeeded`);
    for (const part of parts) chosen.push(part);
  }
  return ok(chosen);
}

function isWished(wish: 'failed' | 'all'): (task: TaskNode) => boolean {
  return ({state, members}) => {
    if (members) return false;
    if (state.name === 'skipped') return wish === 'all' || state.because.cause === 'needs';
    return state.name === 'failed' || state.name === 'cancelled';
  };
}

/** What has attempts, or none yet: the instances of a `foreach` once there are any. */
function partsOf(task: TaskNode): readonly TaskNode[] {
  return task.members ? task.members.all : [task];
}

/** Why it does not go again, as a sentence without its end; null: it may. */
function whyNot(task: TaskNode): string | null {
  const {name} = task.state;
  if (name === 'succeeded' && !task.members) return `"${task.id}" has succeeded`;
  if (!isTerminal(name)) return `"${task.id}" is ${name}`;
  const {dependents} = task.group ?? task;
  const busy = dependents.find(({state}) => state.name !== 'waiting' && !isTerminal(state.name));
  return busy ? `"${busy.id}", which needs "${task.id}", is ${busy.state.name}` : null;
}

function waitedInVain({state, spec}: TaskNode): boolean {
  return spec.condition === 'success' && (state.name === 'skipped' || state.name === 'cancelled');
}

function nothing({spec}: Pick<RetriedTeam, 'spec'>, why: string): Result<never, Failure> {
  return fail({reason: 'nothing-to-retry', team: spec.name, why});
}
