import {isTerminal} from '../model/task.ts';
import {countedFailures} from './check-lease.ts';
import {checkBranch, checkCounts, conflictsOf, hungOf, rejectionsOf, verdictsOf} from './check-landing.ts';
import {LIMITS} from './engine-limits.ts';
import {lastOf, type LedgerAttempt, type LedgerTask, workOf} from './ledger-entries.ts';
import {conditionHolds, countsAsFailed, countsAsSuccess, needsAreOver, needsOf, reviewedBy} from './oracle.ts';
import type {SimulatedBranch} from './simulated-branch.ts';
import {hold} from './violation.ts';

export interface TaskFacts {
  readonly itemsOf: (group: LedgerTask) => readonly unknown[] | null;
  /** The output of this source could not be read. */
  readonly mayFailToExpand: (source: LedgerTask) => boolean;
  readonly branch: SimulatedBranch;
}

/** A task that a step has changed, at the end of that step. */
export function checkTask(task: LedgerTask, facts: TaskFacts): void {
  const {state, open} = task;
  const what = () => `${task.id} is ${state.name}`;
  if (state.name === 'running' || state.name === 'verifying') {
    hold('what runs has an open attempt', open?.id === state.attempt, what);
  }
  if (isTerminal(state.name)) {
    hold('what is over has no open attempt', open === null, () => `${what()} with attempt ${open?.id}`);
  }
  hold('failures are counted, losses are not', task.failures === countedFailures(task), () => {
    return `${what()}: ${task.failures} recorded, ${countedFailures(task)} happened`;
  });
  if (task.instances !== null) checkItems(task, facts);
  else if (!isTerminal(state.name)) checkCounts(task);
  switch (state.name) {
    case 'succeeded':
      return task.instances ? checkGroup(task) : checkSuccess(task, facts.branch);
    case 'failed':
      return checkFailure(task, facts);
    case 'skipped':
      return task.spec.reviews === undefined ? checkSkip(task) : checkReviewerSkip(task);
    case 'reviewing':
    case 'merging':
      return checkLanding(task, state.attempt);
    case 'cancelled':
      return hold('only what a team no longer wants is cancelled', task.team.ending !== null, what);
    default:
      return;
  }
}

function checkSuccess(task: LedgerTask, branch: SimulatedBranch): void {
  if (task.spec.reviews !== undefined) {
    const isOver = isTerminal(reviewedBy(task)?.state.name ?? 'waiting');
    return hold('a reviewer is over when its task is', isOver && verdictsOf(task) > 0, () => task.id);
  }
  const last = lastOf(task);
  hold('success is evidence', last?.outcome?.result.ok === true, () => `${task.id} without a good attempt`);
  const good = task.attempts.filter(isFinal).length;
  hold('a task succeeds once', good === 1, () => `${task.id}: ${good} good attempts`);
  checkBranch(task, branch);
}

/** It has succeeded, and nobody has sent it back since. */
function isFinal(attempt: LedgerAttempt): boolean {
  const {end, verdict, merge} = attempt;
  if (end !== 'ok' || verdict?.approved === false) return false;
  return workOf(attempt) === null || merge?.kind === 'merged';
}

function checkLanding(task: LedgerTask, id: number): void {
  const last = lastOf(task);
  hold('what lands is the work of the last attempt', last?.id === id && workOf(last) !== null, () => {
    return `${task.id} is ${task.state.name}: attempt ${id}, not ${last?.id}`;
  });
}

function checkFailure(task: LedgerTask, facts: TaskFacts): void {
  if (task.instances) return checkGroup(task);
  if (task.state.name !== 'failed') return;
  const {failure} = task.state;
  if (task.spec.foreach && task.group === null) {
    const {foreach} = task.spec;
    const source = foreach.from === 'output' ? task.team.rows.get(foreach.task) : undefined;
    const excused = source !== undefined && (source.state.name !== 'succeeded' || facts.mayFailToExpand(source));
    return hold('a foreach with good items is expanded', excused, () => `${task.id}: ${failure.reason}`);
  }
  const last = lastOf(task)?.outcome;
  if (isEndOfLanding(task) || isEndByReviewer(task)) return;
  if (failure.reason === 'attempts-lost') {
    const lost = last === null || (last?.result.ok === false && last.result.failure.reason === 'stopped');
    return hold('a task is lost when its attempts were', lost && task.losses > 1, () => task.id);
  }
  if (failure.reason === 'silent' && task.attempts.at(-1)?.end === 'lost') {
    const isEnough = hungOf(task) === LIMITS.maxHung + 1 || task.losses === LIMITS.maxLosses + 1;
    return hold('a task that hangs is tried again', isEnough, () => task.id);
  }
  if (failure.reason === 'provider-limited' || failure.reason === 'runtime-unavailable') {
    const limited = task.attempts.filter(({end}) => end === 'limited').length;
    return hold('limits are bounded', limited === LIMITS.maxLimited + 1, () => `${task.id}: ${limited} times`);
  }
  const said =
    failure.reason === 'merge-verify-failed' ||
    (task.spec.reviews !== undefined && last?.result.ok === true && last.verdict === undefined) ||
    (last?.result.ok === false && JSON.stringify(last.result.failure) === JSON.stringify(failure));
  hold('a task fails as its last attempt did', said, () => `${task.id}: ${failure.reason}`);
  if (task.team.ending !== null) return;
  const failures = countedFailures(task);
  hold('a task fails when its retries are used up', failures === task.spec.retries + 1, () => {
    return `${task.id} after ${failures} failures with ${task.spec.retries} retries`;
  });
}

/** It failed though its last attempt succeeded: sent back, in conflict, or in the hands of git too often. */
function isEndOfLanding(task: LedgerTask): boolean {
  if (task.state.name !== 'failed') return false;
  const {failure} = task.state;
  const {ending} = task.team;
  switch (failure.reason) {
    case 'review-rejected': {
      const rejections = rejectionsOf(task);
      hold('a task is sent back as often as it may', rejections === (task.spec.review?.rounds ?? 0) + 1, () => {
        return `${task.id}: ${rejections} times`;
      });
      return true;
    }
    case 'merge-conflict': {
      const conflicts = conflictsOf(task);
      hold(
        'conflicts are brought together as often as may be',
        ending !== null || conflicts === LIMITS.maxConflicts + 1,
        () => {
          return `${task.id}: ${conflicts} times`;
        },
      );
      return true;
    }
    case 'git-failed':
      return true;
    default:
      return false;
  }
}

/** Its reviewer has failed, and took it along. */
function isEndByReviewer(task: LedgerTask): boolean {
  const reviewer = task.team.tasks.find(({spec}) => spec.reviews === task.id);
  if (task.state.name !== 'failed' || reviewer?.state.name !== 'failed') return false;
  return JSON.stringify(reviewer.state.failure) === JSON.stringify(task.state.failure);
}

function checkReviewerSkip(task: LedgerTask): void {
  const isOver = isTerminal(reviewedBy(task)?.state.name ?? 'waiting');
  hold('a reviewer is skipped when nothing came to be reviewed', isOver && verdictsOf(task) === 0, () => task.id);
}

function checkSkip(task: LedgerTask): void {
  if (task.state.name !== 'skipped') return;
  const {because} = task.state;
  hold('a task is skipped when its needs are over', needsAreOver(task), () => task.id);
  // Of what is further up some may be about to go again.
  const isUnclear = task.spec.condition === 'failure' && goesAgain(task);
  hold('a task is skipped when its condition does not hold', isUnclear || !conditionHolds(task), () => task.id);
  const blamed = needsOf(task).some(({state, ...need}) => {
    if (state.name === 'skipped') return state.because.cause === 'needs';
    return state.name === 'cancelled' || countsAsFailed({state, ...need});
  });
  const expected = task.spec.condition === 'success' && blamed ? 'needs' : 'condition';
  hold('a skip has the right cause', because.cause === expected, () => `${task.id}: ${because.cause}`);
}

/** The task or one of those it follows from has begun another round. */
function goesAgain(task: LedgerTask, seen: Set<LedgerTask> = new Set()): boolean {
  if (seen.has(task)) return false;
  seen.add(task);
  return task.round > 1 || needsOf(task).some(need => goesAgain(need, seen));
}

function checkItems(group: LedgerTask, facts: TaskFacts): void {
  const items = facts.itemsOf(group);
  const got = (group.instances ?? []).map(instance => instance.item);
  hold('every item has its task', JSON.stringify(items) === JSON.stringify(got), () => {
    return `${group.id}: ${got.length} tasks for ${items?.length ?? 'unknown'} items`;
  });
}

function checkGroup(group: LedgerTask): void {
  const instances = group.instances ?? [];
  const over = instances.every(instance => isTerminal(instance.state.name));
  hold('a foreach is over when its instances are', over, () => group.id);
  const good = instances.every(countsAsSuccess);
  hold('a foreach succeeds when its instances do', good === (group.state.name === 'succeeded'), () => {
    return `${group.id} is ${group.state.name}`;
  });
}
