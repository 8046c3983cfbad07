import {existsSync, mkdirSync} from 'node:fs';
import {rm} from 'node:fs/promises';
import {basename, dirname} from 'node:path';
import {fail, ok, type Result} from '../base/result.ts';
import type {Failure} from '../model/failure.ts';
import {
  addCheckout,
  adminOf,
  type Checkout,
  checkoutOf,
  isReusable,
  removeCheckout,
  removeLocks,
  resetCheckout,
} from './checkout.ts';
import {diskFailure} from './disk-failure.ts';
import {removeStaleRecords} from './leavings.ts';
import {linkFolders} from './links.ts';
import type {MergeQueueOptions, Verdict} from './merge.ts';

type VerifierOptions = Pick<MergeQueueOptions, 'repository' | 'folder' | 'link'>;

const ENDED: Failure = {reason: 'git-failed', detail: 'the merge queue is being closed'};

/**
 * Runs the plan's verify command on commits, one after the other, in one worktree that is kept until it is disposed of. Each run
 * finds it as an attempt finds a new one: the commit, the linked folders, and nothing else.
 */
export class TipVerifier implements AsyncDisposable {
  readonly #options: VerifierOptions;
  readonly #verify: NonNullable<MergeQueueOptions['verify']>;
  readonly #ending: AbortSignal;
  /** Of the commit that was looked at last and of the branch's tip: what is asked again. */
  #known = new Map<string, Verdict>();
  #linked: readonly string[] = [];

  constructor(options: VerifierOptions, verify: NonNullable<MergeQueueOptions['verify']>, ending: AbortSignal) {
    this.#options = options;
    this.#verify = verify;
    this.#ending = ending;
  }

  async verdictOn(commit: string): Promise<Result<Verdict, Failure>> {
    const known = this.#known.get(commit);
    if (known) return ok(known);
    if (this.#isEnding()) return fail(ENDED);
    const ready = await this.#checkOut(commit);
    if (!ready.ok) return ready;
    const verdict = await this.#verify(this.#options.folder, this.#ending);
    // Ended with us it says nothing about the commit.
    if (this.#isEnding()) return fail(ENDED);
    this.#known.set(commit, verdict);
    return ok(verdict);
  }

  #isEnding(): boolean {
    return this.#ending.aborted;
  }

  /** Forgets all verdicts but that on the tip. */
  keepOnly(tip: string): void {
    const verdict = this.#known.get(tip);
    this.#known = new Map(verdict ? [[tip, verdict]] : []);
  }

  /** Nothing may run in the worktree any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#remove();
  }

  async #checkOut(commit: string): Promise<Result<unknown, Failure>> {
    const {repository, folder, link = []} = this.#options;
    try {
      const checkout = (await this.#reused(commit)) ?? (await this.#added(commit));
      if (!checkout.ok) return checkout;
      const place = {root: repository.root, folder, base: commit, note: `${folder}.links`};
      const linked = await linkFolders(place, link);
      if (linked.ok) this.#linked = linked.value;
      return linked;
    } catch (error) {
      return fail(diskFailure(error));
    }
  }

  /** The worktree of the run before, cleaned; null when there is none that can be used. */
  async #reused(commit: string): Promise<Result<Checkout, Failure> | null> {
    const {folder, repository} = this.#options;
    // Never searched for by git: above the folder is the user's own checkout.
    const checkout = checkoutOf(folder, repository.gitFolder);
    if (checkout === null) return null;
    removeLocks(checkout.admin);
    if (!(await isReusable(checkout, repository.root))) return null;
    const reset = await resetCheckout(checkout, {base: commit, linked: this.#linked});
    return reset.ok ? ok(checkout) : null;
  }

  async #added(commit: string): Promise<Result<Checkout, Failure>> {
    await this.#remove();
    const {repository, folder} = this.#options;
    mkdirSync(dirname(folder), {recursive: true});
    return addCheckout({root: repository.root, folder, base: commit});
  }

  #remove(): Promise<void> {
    const {folder, repository} = this.#options;
    return removeWorktree(folder, repository.gitFolder);
  }
}

/** Removes a worktree in which commits were verified. Nothing may run in it any more. */
export async function removeWorktree(folder: string, gitFolder: string): Promise<void> {
  await removeCheckout({folder, admin: adminOf(folder)});
  await rm(`${folder}.links`, {force: true});
  // Of one that was never finished there is nothing but the record.
  const isOurs = (name: string) => name === basename(folder);
  if (existsSync(dirname(folder))) await removeStaleRecords(gitFolder, {folder: dirname(folder), isOurs});
}
