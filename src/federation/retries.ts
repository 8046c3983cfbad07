import {backoffMs} from '../base/backoff.ts';
import type {Random} from '../base/random.ts';
import type {ModelChoice} from '../model/agent.ts';
import type {Memo, SessionMark} from '../model/attempt.ts';
import type {Cap} from '../model/budget.ts';
import type {Failure, StopReason} from '../model/failure.ts';
import type {AttemptId, HostId} from '../model/ids.ts';
import type {Escalation} from '../model/plan.ts';
import {feedbackOf, note, type TaskHands} from './landing.ts';
import {escalation} from './requirement.ts';
import type {TaskNode} from './task-node.ts';
import type {Turn} from './turn.ts';

export interface RetryPolicy {
  /** Since when monotonic times count. */
  readonly bootId: string;
  readonly retryBaseMs: number;
  readonly retryMaxMs: number;
  /** A task that loses its host this often fails: it may be what kills them. */
  readonly maxLosses: number;
  /** Times a task may be asked to bring its change together with what was merged meanwhile, ≥ 0. */
  readonly maxConflicts: number;
  /** Reserved from a budget for an attempt as long as nothing is known of what such attempts use. */
  readonly firstCap: Cap;
}

/** What has to be known of an attempt that has not succeeded. */
interface FailedAttempt {
  readonly id: AttemptId;
  readonly task: TaskNode;
  readonly host: HostId;
  readonly session: SessionMark | null;
  readonly stopping: StopReason | null;
}

export interface RetriesOptions {
  readonly policy: RetryPolicy;
  readonly random: Random;
  readonly hands: Pick<TaskHands, 'enter' | 'again' | 'conclude' | 'ending'>;
  readonly emit: (turn: Turn, body: Parameters<Turn['emit']>[1]) => void;
  readonly escalate: () => Escalation | undefined;
}

/** A task that its provider has turned away this often fails: nobody should have to wait for ever. */
const MAX_LIMITED = 100;
/** A task that has hung more often than this fails: it is not its agents then. */
const MAX_HUNG = 3;
/** However long a provider wants to be left alone: after a day it is asked again. */
export const LONGEST_LIMIT_MS = 86_400_000;

/**
 * What becomes of a task whose attempt has not succeeded: another attempt, now or later, or its end. Each way answers when to
 * try again (monotonic), or null when that is not what follows or it is now.
 */
export class Retries {
  readonly #options: RetriesOptions;
  /** Attempts that failed and were followed by another one in the same round. */
  count = 0;

  constructor(options: RetriesOptions) {
    this.#options = options;
  }

  /** The attempt has ended with this failure. */
  after(turn: Turn, attempt: FailedAttempt, failure: Failure): number | null {
    const {ending} = this.#options.hands;
    switch (failure.reason) {
      case 'stopped':
        return this.interrupted(turn, attempt);
      case 'provider-limited':
        return this.#limited(turn, attempt, failure);
      case 'runtime-unavailable':
        return this.#turnedAway(turn, attempt, failure);
      default:
        if (failure.reason === 'silent' && ending === null) return this.#hung(turn, attempt, failure);
        return this.failed(turn, attempt.task, {attempt: attempt.id, failure});
    }
  }

  /** It counts against `retries`. */
  failed(turn: Turn, task: TaskNode, {attempt, failure}: {attempt: AttemptId; failure: Failure}): number | null {
    const {hands, emit} = this.#options;
    task.failures += 1;
    task.memo = {...countersOf(task.memo), feedback: feedbackOf(failure)};
    const retry = hands.ending === null && task.failures <= task.spec.retries;
    if (!retry) {
      emit(turn, {type: 'attempt-failed', task: task.id, attempt, failure, retryInMs: null});
      return this.#giveUp(turn, task, failure);
    }
    this.count += 1;
    const atMs = this.#backOff(turn, task, task.failures);
    const retryInMs = Math.ceil(atMs - turn.now.monoMs);
    emit(turn, {type: 'attempt-failed', task: task.id, attempt, failure, retryInMs});
    this.#announceEscalation(turn, task);
    return atMs;
  }

  /** The provider let nothing through: the task goes again, in the same conversation if there is one, and is no worse for it. */
  #limited(turn: Turn, attempt: FailedAttempt, failure: Extract<Failure, {reason: 'provider-limited'}>): number | null {
    const {task} = attempt;
    const {provider, kind} = failure;
    const limited = (task.memo?.limited ?? 0) + 1;
    note(task, {limited, ...(attempt.session ? {session: attempt.session} : {})});
    if (limited > MAX_LIMITED) return this.#giveUp(turn, task, failure);
    const atMs = this.#backOff(turn, task, limited, Math.min(failure.retryAfterMs ?? 0, LONGEST_LIMIT_MS));
    const retryInMs = Math.ceil(atMs - turn.now.monoMs);
    this.#options.emit(turn, {
      type: 'attempt-limited',
      task: task.id,
      attempt: attempt.id,
      provider,
      kind,
      retryInMs,
    });
    return atMs;
  }

  /** Nothing has been started: whoever can do it with something else may have it soon. */
  #turnedAway(turn: Turn, {task, id}: FailedAttempt, failure: Failure): number | null {
    const limited = (task.memo?.limited ?? 0) + 1;
    note(task, {limited});
    if (limited > MAX_LIMITED) return this.#giveUp(turn, task, failure);
    const atMs = this.#backOff(turn, task, limited);
    const retryInMs = Math.ceil(atMs - turn.now.monoMs);
    this.#options.emit(turn, {type: 'attempt-failed', task: task.id, attempt: id, failure, retryInMs});
    return atMs;
  }

  /** It hung, which may be the fault of its agent: it goes again as one that is lost. */
  #hung(turn: Turn, attempt: FailedAttempt, failure: Failure): number | null {
    const {task, id} = attempt;
    const hung = (task.memo?.hung ?? 0) + 1;
    note(task, {hung});
    const atMs = this.#lost(turn, attempt, failure);
    const isOver = task.state.name === 'failed';
    const retryInMs = isOver ? null : Math.ceil((atMs ?? turn.now.monoMs) - turn.now.monoMs);
    this.#options.emit(turn, {type: 'attempt-failed', task: task.id, attempt: id, failure, retryInMs});
    return atMs;
  }

  /** It was cut short, because its host was lost or because somebody wanted that of its agent, of which nothing comes. */
  interrupted(turn: Turn, attempt: FailedAttempt): number | null {
    if (attempt.stopping !== 'agent-killed') return this.#lost(turn, attempt, null);
    if (attempt.session) note(attempt.task, {session: attempt.session});
    this.#options.hands.again(turn, attempt.task);
    return null;
  }

  /**
   * A task that is lost is no worse for it the first time and goes again at once. From the second time on it waits, longer
   * each time: should one task be what kills its hosts, those beside it get the time to end without it.
   */
  #lost(turn: Turn, attempt: FailedAttempt, why: Failure | null): number | null {
    const {hands, policy} = this.#options;
    const {task} = attempt;
    task.losses += 1;
    if (attempt.session) note(task, {session: attempt.session});
    if (task.losses > policy.maxLosses || (why !== null && (task.memo?.hung ?? 0) > MAX_HUNG)) {
      const lost: Failure = {reason: 'attempts-lost', times: task.losses, lastHost: attempt.host};
      return this.#giveUp(turn, task, why ?? lost);
    }
    if (task.losses > 1) return this.#backOff(turn, task, task.losses - 1);
    hands.again(turn, task);
    return null;
  }

  /** A round is over for the task: its retries count anew. */
  forget({failures, spec}: TaskNode): void {
    this.count -= Math.min(failures, spec.retries);
  }

  /** What a task from the store has been retried in its present round. */
  remember({failures, spec}: TaskNode): void {
    this.count += Math.min(failures, spec.retries);
  }

  #giveUp(turn: Turn, task: TaskNode, failure: Failure): null {
    this.#options.emit(turn, {type: 'task-failed', task: task.id, failure});
    this.#options.hands.conclude(turn, task, {name: 'failed', failure});
    return null;
  }

  #announceEscalation(turn: Turn, task: TaskNode): void {
    const rule = this.#options.escalate();
    if (!rule || task.spec.prompt === undefined || task.failures % rule.after !== 0) return;
    const next = escalation(task.failures, rule);
    if (next && task.failures / rule.after <= rule.to.length) {
      this.#options.emit(turn, {type: 'task-escalated', task: task.id, to: nameOf(next)});
    }
  }

  /** Returns when the next attempt is due (monotonic). */
  #backOff(turn: Turn, task: TaskNode, tries: number, leastMs = 0): number {
    const {policy, random, hands} = this.#options;
    const delayMs = leastMs + backoffMs(tries, {baseMs: policy.retryBaseMs, maxMs: policy.retryMaxMs}, random);
    hands.enter(turn, task, {name: 'backing-off', untilWallMs: turn.now.wallMs + delayMs});
    return turn.now.monoMs + delayMs;
  }
}

type NoFault = Extract<Failure, {reason: 'stopped' | 'provider-limited' | 'runtime-unavailable'}>;

/** Neither the task nor its agent can do anything about it. */
export function isNoFault(failure: Failure): failure is NoFault {
  const {reason} = failure;
  return reason === 'stopped' || reason === 'provider-limited' || reason === 'runtime-unavailable';
}

/** What is counted of the attempts so far, without what was meant for one of them. */
export function countersOf(memo: Memo | undefined): Memo | undefined {
  if (!memo) return undefined;
  const {limited, hung, conflicts, rounds} = memo;
  return {
    ...(limited === undefined ? {} : {limited}),
    ...(hung === undefined ? {} : {hung}),
    ...(conflicts === undefined ? {} : {conflicts}),
    ...(rounds === undefined ? {} : {rounds}),
  };
}

function nameOf({runtime, model}: ModelChoice): string {
  return model === null ? runtime : `${runtime}/${model}`;
}
