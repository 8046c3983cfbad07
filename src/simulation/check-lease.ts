import type {ModelChoice} from '../model/agent.ts';
import {speculateOf} from '../model/speculate.ts';
import type {LedgerAttempt, LedgerTask} from './ledger-entries.ts';
import {
  conditionHolds,
  countsAsFailed,
  isReady,
  needsAreOver,
  ranks,
  reviewedBy,
  someAncestorGoesAgain,
} from './oracle.ts';
import type {Room} from './room.ts';
import {hold} from './violation.ts';
import {choiceOf, isSurelyPaid, mayDo} from './who-does-it.ts';

/** Attempts that count against `retries`: those that ended by themselves, and badly, or whose change broke what was there. */
export function countedFailures({spec, attempts}: LedgerTask): number {
  return attempts.filter(({end, merge, outcome}) => {
    const saysNothing = spec.reviews !== undefined && end === 'ok' && outcome?.verdict === undefined;
    return end === 'failed' || merge?.kind === 'broke-verify' || saysNothing;
  }).length;
}

/** Whether this attempt may start, given what is recorded about its task and team. */
export function checkLease({id, task, reviews}: LedgerAttempt, monoMs: number): void {
  const {team, spec, group} = task;
  const what = () => `attempt ${id} of ${task.id}`;
  const reviewed = reviewedBy(task);
  hold('a reviewer starts when there is something to review', !reviewed || reviews !== null, what);
  hold('a team that is ending starts nothing', team.ending === null, what);
  hold('a foreach itself is never run', !spec.foreach || group !== null, what);
  hold('a task starts when its needs are over', needsAreOver(task), what);
  // Instances that go again were let go by what their foreach was expanded for; and what has failed may go again since.
  const wasDecided =
    (group !== null && task.round > 1) || (spec.condition === 'failure' && someAncestorGoesAgain(task));
  hold('a task starts when its condition holds', wasDecided || conditionHolds(group ?? task), what);
  hold('instances start when their foreach is expanded', !group || group.state.name === 'expanded', what);
  const limit = spec.maxParallel;
  hold('max-parallel is never exceeded', !group || limit === undefined || group.openInstances <= limit, () => {
    return `${what()}: ${group?.openInstances} of ${limit}`;
  });
  const failures = countedFailures(task);
  hold('no more retries than asked for', failures <= spec.retries, () => `${what()} after ${failures} failures`);
  const early = task.state.name === 'backing-off' && task.retryDueMs !== null && monoMs < task.retryDueMs - 1;
  hold('a retry waits out its delay', !early, what);
  const failed = team.tasks.filter(row => row.instances === null && countsAsFailed(row)).length;
  hold('fail-fast starts nothing more', !team.spec.failFast || failed === 0, what);
  const most = team.spec.maxFailures;
  hold('max-failures starts nothing more', most === null || failed < most, what);
}

/** A second attempt runs only beside the first, by another agent, of what the plan lets run twice. */
export function checkTwin({id, task, agentId, twinOf}: LedgerAttempt): void {
  const {spec, open, team} = task;
  const what = () => `attempt ${id} of ${task.id} beside ${twinOf}`;
  hold('a second attempt is by another agent', open?.id === twinOf && open.agentId !== agentId, what);
  const {commands, prompts} = speculateOf(team.spec);
  const isSafe = spec.idempotent === true || (spec.idempotent === undefined && spec.workspace === 'worktree');
  const isWanted = spec.prompt === undefined ? commands : prompts;
  hold('only what may run twice does', isSafe && isWanted && spec.reviews === undefined, what);
}

/** No task of the team that could have started in place of this one should have: priority, rank, plan order. */
export function checkOrder(
  attempt: LedgerAttempt,
  {
    monoMs,
    room,
    open,
    isShut,
  }: {monoMs: number; room: Room; open: Iterable<LedgerAttempt>; isShut: (choice: ModelChoice | null) => boolean},
): void {
  const {id, task, agentId} = attempt;
  const {team} = task;
  const agent = team.agents.get(agentId);
  if (!team.spec.plan || team.ending !== null || !agent) return;
  const rank = ranks(team.spec.plan);
  const goesBefore = (a: LedgerTask, b: LedgerTask) =>
    b.spec.priority - a.spec.priority || (rank.get(b.spec.id) ?? 0) - (rank.get(a.spec.id) ?? 0) || a.seq - b.seq;
  const paysPrompts = isSurelyPaid(team);
  const left = room.beside(open, attempt);
  const better = team.tasks.find(other => {
    if (other.state.name === 'backing-off' || goesBefore(other, task) >= 0 || !isReady(other, monoMs)) return false;
    if (!mayDo(agent, other)) return false;
    const choice = choiceOf(agent, other);
    return (choice === null || paysPrompts) && left.hasRoomFor(choice) && !isShut(choice);
  });
  hold('the most urgent task goes first', !better, () => `attempt ${id} of ${task.id} before ${better?.id}`);
}
