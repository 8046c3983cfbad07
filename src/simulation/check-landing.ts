import type {Assignment, MergeRequest, Step} from '../federation/engine-io.ts';
import type {Memo} from '../model/attempt.ts';
import {LIMITS} from './engine-limits.ts';
import {lastOf, type LedgerAttempt, type LedgerTask, workOf} from './ledger-entries.ts';
import type {Ledger} from './ledger.ts';
import {reviewedBy} from './oracle.ts';
import type {SimulatedBranch} from './simulated-branch.ts';
import {hold} from './violation.ts';

/** A change is merged only if the task waits for exactly that, and whoever had to look at it has approved of it. */
export function checkMerge({teamId, task: seq, attempt: id, work}: MergeRequest, ledger: Ledger): void {
  const attempt = ledger.merging(teamId, seq);
  const what = () => `attempt ${id} of task ${seq}`;
  hold('only what a task waits for is merged', attempt?.id === id, what);
  hold('what is merged is what was made', same(work, workOf(attempt)), what);
  const isReviewed = attempt.task.team.tasks.some(({spec}) => spec.reviews === attempt.task.id);
  hold('nothing is merged that no reviewer has approved', !isReviewed || attempt.verdict?.approved === true, what);
}

/** After a restart every change that waits for its merge is asked for again, of teams that are being ended too. */
export function checkMergesAreAskedAgain({effects}: Step, ledger: Ledger): void {
  const asked = new Set(effects.flatMap(effect => (effect.type === 'merge' ? [effect.request.attempt] : [])));
  for (const team of ledger.live) {
    const forgotten = team.tasks.find(({state}) => state.name === 'merging' && !asked.has(state.attempt));
    hold('merges are asked for again after a restart', !forgotten, () => `${forgotten?.id}`);
  }
}

/** A task with a change has succeeded when the change is on the branch, and nothing of it is there in any other case. */
export function checkBranch(task: LedgerTask, branch: SimulatedBranch): void {
  const last = lastOf(task);
  const work = last ? workOf(last) : null;
  const merged = branch.mergeOf(task.team.id, task.seq);
  if (work === null) {
    return hold('only work is merged', !merged, () => `attempt ${merged?.attempt} of ${task.id}`);
  }
  hold('a task with a change succeeds when that is merged', merged?.attempt === last?.id, () => {
    return `${task.id}: attempt ${last?.id}, ${merged ? `merged is ${merged.attempt}` : 'nothing is merged'}`;
  });
}

/** What has to be true of a task between two of its attempts. */
export function checkCounts(task: LedgerTask): void {
  const {memo, attempts, spec} = task;
  const counted = {
    limited: attempts.filter(({end}) => end === 'limited').length,
    hung: hungOf(task),
    conflicts: conflictsOf(task),
    rounds: spec.reviews === undefined ? rejectionsOf(task) : verdictsOf(task),
  };
  const recorded = {
    limited: memo?.limited ?? 0,
    hung: memo?.hung ?? 0,
    conflicts: memo?.conflicts ?? 0,
    rounds: memo?.rounds ?? 0,
  };
  hold('what counts for nothing is counted apart', same(counted, recorded), () => {
    return `${task.id}: ${JSON.stringify(recorded)} recorded, ${JSON.stringify(counted)} happened`;
  });
  const lost = attempts.filter(({end}) => end === 'lost').length;
  hold('losses are counted', task.losses === lost, () => `${task.id}: ${task.losses} recorded, ${lost} happened`);
}

/** Nobody is asked for ever to bring changes together, to please a reviewer, or to wait for a provider. */
export function checkBounds(task: LedgerTask): void {
  const {conflicts = 0, limited = 0, hung = 0} = task.memo ?? {};
  const rounds = task.spec.reviews === undefined ? rejectionsOf(task) : 0;
  const what = () => `${task.id}: ${JSON.stringify(task.memo)}`;
  hold('conflicts are bounded', conflicts <= LIMITS.maxConflicts, what);
  hold('limits are bounded', limited <= LIMITS.maxLimited, what);
  hold('hangs are bounded', hung <= LIMITS.maxHung + 1, what);
  hold('rounds of review are bounded', rounds <= (task.spec.review?.rounds ?? 0), what);
}

/** Attempts that were stopped because they hung and went again for nothing. */
export function hungOf({attempts}: LedgerTask): number {
  return attempts.filter(({end, outcome}) => {
    return end === 'lost' && outcome?.result.ok === false && outcome.result.failure.reason === 'silent';
  }).length;
}

export function conflictsOf({attempts}: LedgerTask): number {
  return attempts.filter(({merge}) => merge?.kind === 'conflict').length;
}

export function rejectionsOf({attempts}: LedgerTask): number {
  return attempts.filter(({verdict}) => verdict?.approved === false).length;
}

export function verdictsOf(reviewer: LedgerTask): number {
  return reviewedBy(reviewer)?.attempts.filter(({verdict}) => verdict !== null).length ?? 0;
}

/** An order says what the attempts before it have left: where they were, what conflicts, what was said of it. */
export function checkAssignment(assignment: Assignment, attempt: LedgerAttempt): void {
  const {memo, means, reviewed} = assignment;
  const what = () => `attempt ${attempt.id} of ${attempt.task.id}: ${JSON.stringify(memo)}`;
  const expected = leftBy(attempt.task.attempts.filter(({id}) => id < attempt.id));
  const session = attempt.twinOf === null ? expected.session : undefined;
  hold('an attempt goes on where the last one was', same(memo?.session, session), what);
  hold('an attempt is told what conflicts', same(memo?.conflict, expected.conflict), what);
  const {comments} = expected;
  hold('an attempt is told what was wrong', comments === null || memo?.feedback?.includes(comments) === true, what);
  hold('an order has the means of its lease', same(means, attempt.means), what);
  const underReview = attempt.reviews;
  const isIt = reviewed?.task === underReview?.task.seq && same(reviewed?.work, underReview && workOf(underReview));
  hold('a reviewer is shown what waits for it', underReview ? isIt : reviewed === undefined, what);
}

interface Left {
  readonly session: Memo['session'];
  readonly conflict: Memo['conflict'];
  /** What must be part of what the next attempt is told; null: nothing in particular. */
  readonly comments: string | null;
}

const NOTHING: Left = {session: undefined, conflict: undefined, comments: null};

function leftBy(attempts: readonly LedgerAttempt[]): Left {
  let left = NOTHING;
  for (const {end, session, verdict, merge, task, outcome} of attempts) {
    if (end === null || end === 'outrun') continue;
    if (end === 'lost' || end === 'taken' || end === 'limited') left = {...left, session: session ?? left.session};
    else if (verdict?.approved === false) left = {...NOTHING, comments: verdict.comments};
    else if (merge?.kind === 'broke-verify') left = {...NOTHING, comments: merge.tail};
    else if (merge?.kind === 'conflict' && task.spec.prompt !== undefined) {
      left = {...NOTHING, conflict: {commit: outcome?.work?.commit ?? '', files: merge.files}};
    } else left = NOTHING;
  }
  return left;
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
