import {fail, ok, type Result} from '../base/result.ts';
import {type Failure, failureOf, GodelError} from '../model/failure.ts';
import {failureText} from '../model/failure-text.ts';
import {shellWord} from '../base/shell-word.ts';
import type {MergeResult} from '../model/work.ts';
import {judgeStack, type StackVerdict} from './merge-bisect.ts';
import {type BranchState, TeamBranch} from './merge-branch.ts';
import {ChangeApplier} from './merge-change.ts';
import {TipVerifier} from './merge-verify.ts';
import type {MergeItem, MergeQueue, MergeQueueOptions, Verdict} from './merge.ts';

/** How often a batch is begun anew because somebody else moves the branch at the same time. */
const MAX_MOVES = 20;

/** Opens the queue of one team. It touches nothing before something is to be merged. */
export function openMergeQueue(options: MergeQueueOptions): MergeQueue {
  return new Queue(options);
}

interface Waiting {
  readonly item: MergeItem;
  readonly settle: (result: MergeResult) => void;
}

/** A change of the batch at its place: `commit` is the tip with it and all those below it. */
interface Placed {
  readonly waiting: Waiting;
  readonly commit: string;
}

class Queue implements MergeQueue {
  readonly #options: MergeQueueOptions;
  readonly #branch: TeamBranch;
  readonly #applier: ChangeApplier;
  readonly #ending = new AbortController();
  readonly #verifier: TipVerifier | null;
  readonly #asked = new Map<number, Promise<MergeResult>>();
  #waiting: Waiting[] = [];
  #working: Promise<void> | null = null;
  #merged: Set<number> | null = null;
  /** Where we have last seen or put the branch. */
  #seen: string | null = null;
  #isBroken = false;
  #closed: Promise<void> | null = null;

  constructor(options: MergeQueueOptions) {
    this.#options = options;
    this.#branch = new TeamBranch(options);
    this.#applier = new ChangeApplier(options.repository.root);
    this.#verifier = options.verify ? new TipVerifier(options, options.verify, this.#ending.signal) : null;
  }

  async tip(): Promise<string> {
    const state = await this.#branch.read();
    if (!state.ok) throw new GodelError(state.failure);
    return state.value.tip;
  }

  merge(item: MergeItem): Promise<MergeResult> {
    const asked = this.#asked.get(item.attempt);
    if (asked) return asked;
    if (this.#isEnding()) return Promise.resolve(CLOSED);
    const answer = new Promise<MergeResult>(settle => this.#waiting.push({item, settle}));
    this.#asked.set(item.attempt, answer);
    void answer.then(() => this.#asked.delete(item.attempt));
    // Not at once: what is asked for in the same turn is one batch.
    this.#working ??= Promise.resolve().then(() => this.#work());
    return answer;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#ending.abort();
    await this.#working;
    await this.#verifier?.[Symbol.asyncDispose]();
  }

  async #work(): Promise<void> {
    let moves = 0;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      const done = await this.#batch(batch).catch((error: unknown) =>
        settleAll(batch, failed(failureText(failureOf(error)))),
      );
      moves = done.moved ? moves + 1 : 0;
      if (moves > MAX_MOVES) settleAll(done.again, failed('somebody else moves the branch all the time'));
      else this.#waiting = [...done.again, ...this.#waiting];
    }
    this.#working = null;
  }

  /** Settles at least one of the batch, unless the branch was moved; the rest is to be tried again, on the new tip. */
  async #batch(batch: readonly Waiting[]): Promise<{again: readonly Waiting[]; moved: boolean}> {
    if (this.#isEnding()) return settleAll(batch, CLOSED);
    const from = await this.#readBranch();
    if (!from.ok) return settleAll(batch, failed(from.failure));
    this.#verifier?.keepOnly(from.value.tip);
    const {stack, deferred} = await this.#stack(from.value, batch);
    if (stack.length === 0) return {again: deferred, moved: false};
    const waiting = stack.map(each => each.waiting);
    const rest = [...waiting, ...deferred];
    const judged = await this.#judge(from.value.tip, stack);
    if (this.#isEnding()) return settleAll(rest, CLOSED);
    if (!judged.ok) return settleAll(rest, failed(failureText(judged.failure)));
    const {count, culprit} = judged.value;
    const landed = await this.#land(from.value, stack.slice(0, count));
    if (!landed.ok) return settleAll(rest, failed(landed.failure));
    if (landed.value === 'moved') return {again: rest, moved: true};
    const {tip} = landed.value;
    settleAll(waiting.slice(0, count), {kind: 'merged', tip});
    if (culprit === null) return {again: deferred, moved: false};
    const {exitCode, tail} = culprit;
    settleAll(waiting.slice(count, count + 1), {kind: 'broke-verify', tip, exitCode, tail});
    return {again: [...waiting.slice(count + 1), ...deferred], moved: false};
  }

  /** Fails where the branch must not be moved: whoever has it checked out would seem to have undone what we merge. */
  async #readBranch(): Promise<Result<BranchState, string>> {
    const state = await this.#branch.read();
    if (!state.ok) return fail(failureText(state.failure));
    const {tip, checkedOutIn} = state.value;
    if (checkedOutIn !== null) return fail(checkedOutText(this.#options.repository.branch, checkedOutIn));
    if (tip !== this.#seen) this.#applier.forget();
    this.#seen = tip;
    if (this.#merged !== null) return ok(state.value);
    const merged = await this.#branch.merged();
    if (!merged.ok) return fail(failureText(merged.failure));
    this.#merged = new Set(merged.value);
    return ok(state.value);
  }

  /** Puts the changes on top of each other. What conflicts only with others of the batch waits for what becomes of them. */
  async #stack(
    {tip}: BranchState,
    batch: readonly Waiting[],
  ): Promise<{readonly stack: readonly Placed[]; readonly deferred: readonly Waiting[]}> {
    const stack: Placed[] = [];
    const deferred: Waiting[] = [];
    for (const waiting of batch) {
      if (this.#merged?.has(waiting.item.attempt)) {
        waiting.settle({kind: 'merged', tip});
        continue;
      }
      const top = stack.at(-1)?.commit ?? tip;
      const applied = await this.#applier.apply(top, waiting.item);
      if (!applied.ok) waiting.settle(failed(failureText(applied.failure)));
      else if (applied.value.kind === 'commit') stack.push({waiting, commit: applied.value.commit});
      else if (applied.value.kind === 'present') stack.push({waiting, commit: top});
      else if (top === tip) waiting.settle({kind: 'conflict', tip, files: applied.value.files});
      else deferred.push(waiting);
    }
    return {stack, deferred};
  }

  #isEnding(): boolean {
    return this.#ending.signal.aborted;
  }

  async #judge(tip: string, stack: readonly Placed[]): Promise<Result<StackVerdict, Failure>> {
    const verifier = this.#verifier;
    if (verifier === null || stack.at(-1)?.commit === tip) {
      return ok({count: stack.length, culprit: null, below: null});
    }
    const judged = await judgeStack(
      tip,
      stack.map(({commit}) => commit),
      commit => verifier.verdictOn(commit),
    );
    if (judged.ok && !this.#isEnding()) this.#noteBrokenTip(tip, judged.value.below);
    return judged;
  }

  #noteBrokenTip(tip: string, below: Verdict | null): void {
    const wasBroken = this.#isBroken;
    this.#isBroken = below !== null;
    if (below !== null && !wasBroken) this.#options.onBrokenTip?.({tip, exitCode: below.exitCode, tail: below.tail});
  }

  /** The new tip, or `moved` when somebody else has moved the branch since it was read. */
  async #land(from: BranchState, stack: readonly Placed[]): Promise<Result<{readonly tip: string} | 'moved', string>> {
    const tip = stack.at(-1)?.commit ?? from.tip;
    if (this.#verifier !== null) {
      // Verifying takes long enough for somebody to look at the branch.
      const now = await this.#readBranch();
      if (!now.ok) return now;
    }
    const marks = new Map(stack.map(({waiting, commit}) => [waiting.item.attempt, commit]));
    const landed = await this.#branch.land({from, to: tip, marks});
    if (!landed.ok) return fail(failureText(landed.failure));
    if (landed.value === 'moved') return ok('moved');
    for (const attempt of marks.keys()) this.#merged?.add(attempt);
    this.#seen = tip;
    return ok({tip});
  }
}

const CLOSED: MergeResult = {kind: 'failed', detail: 'the merge queue is closed'};
const NOTHING_LEFT = {again: [], moved: false};

function settleAll(batch: readonly Waiting[], result: MergeResult): typeof NOTHING_LEFT {
  for (const {settle} of batch) settle(result);
  return NOTHING_LEFT;
}

function failed(detail: string): MergeResult {
  return {kind: 'failed', detail};
}

function checkedOutText(branch: string, folder: string): string {
  const place = shellWord(folder);
  return `${branch} is checked out in ${folder}, where it would seem to change by itself; \`git -C ${place} switch --detach\` there, and merging goes on`;
}
