import type {AttemptOutcome, Memo} from '../model/attempt.ts';
import type {Failure, StopReason} from '../model/failure.ts';
import {failureText} from '../model/failure-text.ts';
import type {AttemptMeans} from '../model/attempt-means.ts';
import type {AgentId, AttemptId} from '../model/ids.ts';
import type {TaskState} from '../model/task.ts';
import type {Credits, MergeResult, Work} from '../model/work.ts';
import type {TaskNode} from './task-node.ts';
import type {Turn} from './turn.ts';

/** What landing may do to the tasks of its team. */
export interface TaskHands {
  readonly tasks: readonly TaskNode[];
  /** The task enters a state that is not terminal, which is recorded. */
  enter(turn: Turn, task: TaskNode, state: TaskState): void;
  /** The task goes again as soon as an agent is free. */
  again(turn: Turn, task: TaskNode): void;
  conclude(turn: Turn, task: TaskNode, state: TaskState): void;
  /** The attempt counts as failed. Returns when to try again (monotonic), if that is what follows. */
  fail(turn: Turn, task: TaskNode, attempt: AttemptId, failure: Failure): number | null;
  succeed(turn: Turn, task: TaskNode, attempt: AttemptId | null, durationMs: number | null): void;
  /** Why the team is being ended; null: it is not. */
  readonly ending: StopReason | null;
}

/** What landing has to know of an attempt. */
export interface LandedAttempt {
  readonly id: AttemptId;
  readonly task: TaskNode;
  readonly agent: {readonly id: AgentId};
  readonly means?: AttemptMeans | undefined;
}

export interface LandingOptions {
  readonly hands: TaskHands;
  readonly branch: () => string;
  readonly mergeEffect: (turn: Turn, task: TaskNode, state: Extract<TaskState, {name: 'merging'}>) => void;
  readonly emit: (turn: Turn, body: Parameters<Turn['emit']>[1]) => void;
  /** Times a task may be asked to bring its change together with what was merged meanwhile. */
  readonly maxConflicts: number;
}

/** git itself failed this often in a row, over about half an hour: the task fails, its work is kept. */
const MAX_GIT_FAILURES = 30;
const FEEDBACK_BYTES = 8192;

/**
 * From an attempt that has succeeded to a change that is part of the team's branch: review, where the plan asks for one,
 * then merge. A reviewer is a task of its own (`spec.reviews`) that waits until there is something to review and is over
 * when the reviewed task is.
 */
export class Landing {
  readonly #options: LandingOptions;
  readonly #reviewerOf = new Map<TaskNode, TaskNode>();
  readonly #reviewedBy = new Map<TaskNode, TaskNode>();
  readonly #gitFailures = new Map<TaskNode, number>();

  constructor(options: LandingOptions) {
    this.#options = options;
    this.adopt(options.hands.tasks);
  }

  /** Finds the reviewers among tasks that are new. */
  adopt(tasks: readonly TaskNode[]): void {
    const reviewers = tasks.filter(({spec}) => spec.reviews !== undefined);
    if (reviewers.length === 0) return;
    const byId = new Map(tasks.map(task => [task.id, task]));
    for (const reviewer of reviewers) {
      const reviewed = byId.get(reviewer.spec.reviews ?? '');
      if (!reviewed) throw new Error(`Internal error: "${reviewer.id}" reviews a task that is not there`);
      this.#reviewerOf.set(reviewed, reviewer);
      this.#reviewedBy.set(reviewer, reviewed);
    }
  }

  /** The task goes again: git has another chance with it, too. */
  forget(task: TaskNode): void {
    this.#gitFailures.delete(task);
  }

  reviewerOf(task: TaskNode): TaskNode | undefined {
    return this.#reviewerOf.get(task);
  }

  reviewedBy(reviewer: TaskNode): TaskNode | undefined {
    return this.#reviewedBy.get(reviewer);
  }

  isReviewer(task: TaskNode): boolean {
    return this.#reviewedBy.has(task);
  }

  /** What a reviewer is to look at; undefined for every other task. */
  underReview(reviewer: TaskNode): {readonly task: TaskNode; readonly work: Work} | undefined {
    const task = this.#reviewedBy.get(reviewer);
    if (!task) return undefined;
    if (task.state.name !== 'reviewing') throw new Error(`Internal error: "${reviewer.id}" has nothing to review`);
    return {task, work: task.state.work};
  }

  /** The attempt has succeeded. Returns when to try again (monotonic), if that is what follows. */
  landed(turn: Turn, attempt: LandedAttempt, outcome: AttemptOutcome): number | null {
    const {task} = attempt;
    const reviewed = this.#reviewedBy.get(task);
    if (reviewed) return this.#judged(turn, {reviewer: task, reviewed, attempt, outcome});
    const work = outcome.work ?? null;
    const {hands} = this.#options;
    if (work === null) {
      hands.succeed(turn, task, attempt.id, outcome.durationMs);
      return null;
    }
    const credits = creditsOf(attempt, outcome);
    const reviewer = this.#reviewerOf.get(task);
    if (reviewer && hands.ending !== null) {
      this.#cancel(turn, task, hands.ending);
      return null;
    }
    if (!reviewer) {
      this.#merge(turn, task, {name: 'merging', attempt: attempt.id, work, credits});
      return null;
    }
    hands.enter(turn, task, {name: 'reviewing', attempt: attempt.id, work, credits});
    hands.again(turn, reviewer);
    return null;
  }

  /** What has become of a merge. Returns when to try the task (or, for `failed`, the merge) again, as `landed` does. */
  mergeEnded(
    turn: Turn,
    task: TaskNode,
    result: MergeResult,
  ): {readonly retryAtMs: number; readonly what: 'task' | 'merge'} | null {
    const {state} = task;
    if (state.name !== 'merging') return null;
    const {attempt, work} = state;
    const {hands, emit} = this.#options;
    if (result.kind !== 'failed') this.#gitFailures.delete(task);
    switch (result.kind) {
      case 'merged':
        emit(turn, {type: 'task-merged', task: task.id, attempt, tip: result.tip});
        hands.succeed(turn, task, attempt, null);
        return null;
      case 'conflict':
        return inTime('task', this.#conflicted(turn, task, {attempt, work, files: result.files}));
      case 'broke-verify': {
        const {exitCode, tail} = result;
        const failure: Failure = {reason: 'merge-verify-failed', exitCode, tail, ref: work.ref};
        return inTime('task', hands.fail(turn, task, attempt, failure));
      }
      case 'failed':
        return this.#gitFailed(turn, task, {attempt, detail: result.detail});
    }
  }

  /** After a failure of git: the same again. */
  retryMerge(turn: Turn, task: TaskNode): void {
    if (task.state.name === 'merging') this.#options.mergeEffect(turn, task, task.state);
  }

  /** After a restart: asks again for every merge, and has reviewers look at what waits for them. */
  resume(turn: Turn): void {
    const {hands} = this.#options;
    for (const task of hands.tasks) {
      this.retryMerge(turn, task);
      if (task.state.name !== 'reviewing') continue;
      const reviewer = this.#reviewerOf.get(task);
      if (reviewer?.state.name === 'waiting') hands.again(turn, reviewer);
    }
  }

  /** A task is over: so is its reviewer, unless it has an attempt to end first. A reviewer that fails takes the task with it. */
  concluded(turn: Turn, task: TaskNode): void {
    const reviewer = this.#reviewerOf.get(task);
    if (reviewer && !hasAttempt(reviewer) && !isOver(reviewer)) this.#endWith(turn, reviewer, task);
    const reviewed = this.#reviewedBy.get(task);
    if (reviewed?.state.name !== 'reviewing') return;
    const {hands, emit} = this.#options;
    if (task.state.name === 'failed') {
      const {failure} = task.state;
      emit(turn, {type: 'task-failed', task: reviewed.id, failure});
      hands.conclude(turn, reviewed, {name: 'failed', failure});
    }
    if (task.state.name === 'cancelled') this.#cancel(turn, reviewed, task.state.by);
  }

  /** Ends the reviewer of a task that is over. */
  #endWith(turn: Turn, reviewer: TaskNode, task: TaskNode): void {
    if (task.state.name === 'cancelled') return this.#cancel(turn, reviewer, task.state.by);
    const {hands, emit} = this.#options;
    if ((reviewer.memo?.rounds ?? 0) > 0) return hands.succeed(turn, reviewer, null, null);
    const cause = task.state.name === 'failed' ? 'needs' : 'condition';
    emit(turn, {type: 'task-skipped', task: reviewer.id, because: cause, need: task.id});
    hands.conclude(turn, reviewer, {name: 'skipped', because: {cause, task: task.seq}});
  }

  #cancel(turn: Turn, task: TaskNode, by: StopReason): void {
    this.#options.emit(turn, {type: 'task-cancelled', task: task.id, by});
    this.#options.hands.conclude(turn, task, {name: 'cancelled', by});
  }

  #judged(
    turn: Turn,
    {
      reviewer,
      reviewed,
      attempt,
      outcome,
    }: {reviewer: TaskNode; reviewed: TaskNode; attempt: LandedAttempt; outcome: AttemptOutcome},
  ): number | null {
    const {hands, emit} = this.#options;
    const {verdict} = outcome;
    const {state} = reviewed;
    if (isOver(reviewed)) {
      this.#endWith(turn, reviewer, reviewed);
      return null;
    }
    if (!verdict || state.name !== 'reviewing') {
      const detail = 'it gave no verdict';
      const facts = {runtime: attempt.means?.runtime ?? 'command', kind: 'bad-output', detail, exitCode: null} as const;
      return hands.fail(turn, reviewer, attempt.id, {reason: 'agent-error', ...facts});
    }
    const {approved, comments} = verdict;
    emit(turn, {type: 'task-reviewed', task: reviewed.id, by: attempt.agent.id, approved, comments});
    note(reviewer, {rounds: (reviewer.memo?.rounds ?? 0) + 1});
    hands.enter(turn, reviewer, {name: 'waiting'});
    if (approved) {
      const credits = {...state.credits, reviewer: attempt.agent.id};
      this.#merge(turn, reviewed, {name: 'merging', attempt: state.attempt, work: state.work, credits});
      return null;
    }
    const rounds = (reviewed.memo?.rounds ?? 0) + 1;
    note(reviewed, {rounds, feedback: cut(`A reviewer has sent it back:\n${comments}`)});
    if (rounds <= (reviewed.spec.review?.rounds ?? 0)) {
      hands.again(turn, reviewed);
      return null;
    }
    const failure: Failure = {reason: 'review-rejected', rounds, comments: cut(comments), ref: state.work.ref};
    emit(turn, {type: 'task-failed', task: reviewed.id, failure});
    hands.conclude(turn, reviewed, {name: 'failed', failure});
    return null;
  }

  #merge(turn: Turn, task: TaskNode, state: Extract<TaskState, {name: 'merging'}>): void {
    this.#options.hands.enter(turn, task, state);
    this.#options.mergeEffect(turn, task, state);
  }

  /**
   * Another attempt brings both together: an agent finds the change with the conflicts marked, a command is simply run
   * again on what is there now.
   */
  #conflicted(
    turn: Turn,
    task: TaskNode,
    {attempt, work, files}: {attempt: AttemptId; work: Work; files: readonly string[]},
  ): null {
    const {hands, emit, branch, maxConflicts} = this.#options;
    const conflicts = (task.memo?.conflicts ?? 0) + 1;
    const isLast = conflicts > maxConflicts || hands.ending !== null;
    emit(turn, {type: 'merge-conflict', task: task.id, attempt, files, next: isLast ? 'parked' : 'resolve'});
    if (isLast) {
      const failure: Failure = {reason: 'merge-conflict', files, ref: work.ref, branch: branch()};
      emit(turn, {type: 'task-failed', task: task.id, failure});
      hands.conclude(turn, task, {name: 'failed', failure});
      return null;
    }
    note(task, {conflicts, ...(task.spec.prompt === undefined ? {} : {conflict: {commit: work.commit, files}})});
    hands.again(turn, task);
    return null;
  }

  #gitFailed(
    turn: Turn,
    task: TaskNode,
    {attempt, detail}: {attempt: AttemptId; detail: string},
  ): {readonly retryAtMs: number; readonly what: 'task' | 'merge'} | null {
    const {hands, emit} = this.#options;
    const times = (this.#gitFailures.get(task) ?? 0) + 1;
    this.#gitFailures.set(task, times);
    emit(turn, {
      type: 'attempt-warning',
      task: task.id,
      attempt,
      text: `its change could not be merged yet: ${detail}`,
    });
    if (times < MAX_GIT_FAILURES && hands.ending === null) {
      return {retryAtMs: turn.now.monoMs + Math.min(1000 * 2 ** (times - 1), 60_000), what: 'merge'};
    }
    const failure: Failure = {reason: 'git-failed', detail};
    emit(turn, {type: 'task-failed', task: task.id, failure});
    hands.conclude(turn, task, {name: 'failed', failure});
    return null;
  }
}

/** What the next attempt is told of a failure. */
export function feedbackOf(failure: Failure): string {
  const tail = 'tail' in failure ? `\n${failure.tail}` : '';
  return cut(`${failureText(failure)}${tail}`);
}

/** Adds to what is handed to the next attempt. */
export function note(task: TaskNode, more: Memo): void {
  task.memo = {...task.memo, ...more};
}

function creditsOf({agent, means}: LandedAttempt, {usage}: AttemptOutcome): Credits {
  return {
    agent: agent.id,
    runtime: means?.runtime ?? 'command',
    model: means?.model ?? null,
    usd: usage.usd,
    reviewer: null,
  };
}

function hasAttempt({state}: TaskNode): boolean {
  return state.name === 'running' || state.name === 'verifying';
}

function isOver({state}: TaskNode): boolean {
  return (
    state.name === 'succeeded' || state.name === 'failed' || state.name === 'skipped' || state.name === 'cancelled'
  );
}

function inTime<T extends 'task' | 'merge'>(what: T, retryAtMs: number | null): {retryAtMs: number; what: T} | null {
  return retryAtMs === null ? null : {retryAtMs, what};
}

/** The end says most. */
function cut(text: string): string {
  return text.length <= FEEDBACK_BYTES ? text : `…${text.slice(1 - FEEDBACK_BYTES)}`;
}
