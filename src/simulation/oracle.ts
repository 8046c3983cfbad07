import type {Plan} from '../model/plan.ts';
import {isTerminal} from '../model/task.ts';
import type {LedgerTask, LedgerTeam} from './ledger-entries.ts';

/**
 * What the plan language promises, said a second time: plainly, slowly and without a look at the engine. The
 * invariants compare the engine with this.
 */

export function needsOf(task: LedgerTask): readonly LedgerTask[] {
  return task.spec.needs.flatMap(id => task.team.rows.get(id) ?? []);
}

export function needsAreOver(task: LedgerTask): boolean {
  return needsOf(task).every(need => isTerminal(need.state.name));
}

/** Whether the task may run, once everything it needs is over. */
export function conditionHolds(task: LedgerTask): boolean {
  const needs = needsOf(task);
  switch (task.spec.condition) {
    case 'always':
      return true;
    case 'success':
      return needs.every(countsAsSuccess);
    case 'failure':
      return someAncestorFailed(task, new Set());
  }
}

export function countsAsSuccess(task: LedgerTask): boolean {
  return task.state.name === 'succeeded' || (task.state.name === 'failed' && task.spec.continueOnError);
}

export function countsAsFailed(task: LedgerTask): boolean {
  return task.state.name === 'failed' && !task.spec.continueOnError;
}

function someAncestorFailed(task: LedgerTask, seen: Set<LedgerTask>): boolean {
  return needsOf(task).some(need => {
    if (seen.has(need)) return false;
    seen.add(need);
    return countsAsFailed(need) || someAncestorFailed(need, seen);
  });
}

/** Whether something it needs, directly or not, is in a later round: what it waits for was decided in an earlier one. */
export function someAncestorGoesAgain(task: LedgerTask, seen = new Set<LedgerTask>()): boolean {
  return needsOf(task).some(need => {
    if (seen.has(need)) return false;
    seen.add(need);
    return need.round > 1 || someAncestorGoesAgain(need, seen);
  });
}

/** Of a reviewer: the task that it looks at. */
export function reviewedBy({spec, team}: LedgerTask): LedgerTask | undefined {
  return spec.reviews === undefined ? undefined : team.rows.get(spec.reviews);
}

/** Could start at once if there were an agent and a permit for it. */
export function isReady(task: LedgerTask, monoMs: number): boolean {
  if (task.open !== null || task.outrun !== null || task.team.ending !== null) return false;
  const reviewed = reviewedBy(task);
  if (reviewed && reviewed.state.name !== 'reviewing') return false;
  if (task.spec.foreach && task.group === null) return false;
  if (task.state.name === 'backing-off') return task.retryDueMs !== null && task.retryDueMs <= monoMs && hasRoom(task);
  if (task.state.name !== 'waiting' && task.state.name !== 'ready') return false;
  // Instances that go again wait for needs that go again.
  if (!needsAreOver(task)) return false;
  return hasRoom(task) && (task.group !== null || conditionHolds(task));
}

/** `max-parallel` leaves room for one more instance. */
export function hasRoom(task: LedgerTask): boolean {
  const limit = task.spec.maxParallel;
  return limit === undefined || task.group === null || task.group.openInstances < limit;
}

/** For each row of the plan, the number of tasks on the longest way from it to an end of the plan. */
export function ranks(plan: Plan): ReadonlyMap<string, number> {
  const result = new Map(plan.tasks.map(task => [task.id, 1]));
  for (const task of [...plan.tasks].reverse()) {
    for (const need of task.needs) {
      result.set(need, Math.max(result.get(need) ?? 1, (result.get(task.id) ?? 1) + 1));
    }
  }
  return result;
}

/** The tasks that count: a `foreach` counts itself only until it is expanded. */
export function countedTasks(team: LedgerTeam): readonly LedgerTask[] {
  return team.tasks.filter(task => task.instances === null);
}

/** The team's work went wrong: something failed, was cancelled, or was skipped because of such a thing. */
export function hasTrouble(team: LedgerTeam): boolean {
  return countedTasks(team).some(task => {
    if (task.state.name === 'skipped') return task.state.because.cause === 'needs';
    return task.state.name === 'cancelled' || countsAsFailed(task);
  });
}
