import {existsSync} from 'node:fs';
import {rm} from 'node:fs/promises';
import {join} from 'node:path';
import {ok, type Result} from '../base/result.ts';
import type {Failure} from '../model/failure.ts';
import {git} from './git.ts';
import type {MergeQueueOptions, Verdict} from './merge.ts';

/**
 * Runs the plan's verify command on commits, one after the other, in one worktree that is kept until it is disposed of. What it
 * ignores (build products, installed packages) stays from run to run, as in a person's checkout.
 */
export class TipVerifier implements AsyncDisposable {
  readonly #options: Pick<MergeQueueOptions, 'repository' | 'folder'>;
  readonly #verify: NonNullable<MergeQueueOptions['verify']>;
  readonly #ending: AbortSignal;
  /** Of the commit that was looked at last and of the branch's tip: what is asked again. */
  #known = new Map<string, Verdict>();

  constructor(
    options: Pick<MergeQueueOptions, 'repository' | 'folder'>,
    verify: NonNullable<MergeQueueOptions['verify']>,
    ending: AbortSignal,
  ) {
    this.#options = options;
    this.#verify = verify;
    this.#ending = ending;
  }

  async verdictOn(commit: string): Promise<Result<Verdict, Failure>> {
    const known = this.#known.get(commit);
    if (known) return ok(known);
    const ready = await this.#checkOut(commit);
    if (!ready.ok) return ready;
    const verdict = await this.#verify(this.#options.folder, this.#ending);
    if (!this.#ending.aborted) this.#known.set(commit, verdict);
    return ok(verdict);
  }

  /** Forgets all verdicts but that on the tip. */
  keepOnly(tip: string): void {
    const verdict = this.#known.get(tip);
    this.#known = new Map(verdict ? [[tip, verdict]] : []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#remove();
  }

  async #checkOut(commit: string): Promise<Result<unknown, Failure>> {
    if (existsSync(join(this.#options.folder, '.git'))) {
      const reused = await this.#reuse(commit);
      if (reused.ok) return reused;
    }
    // Not there, or left half-made by a daemon that was killed.
    await this.#remove();
    const {repository, folder} = this.#options;
    return git(['worktree', 'add', '--quiet', '--force', '--detach', folder, commit], {
      cwd: repository.root,
      signal: this.#ending,
    });
  }

  async #reuse(commit: string): Promise<Result<unknown, Failure>> {
    const {folder} = this.#options;
    // Named, never searched for: above the folder is the user's own checkout.
    const at = {cwd: folder, env: {GIT_DIR: join(folder, '.git'), GIT_WORK_TREE: folder}, signal: this.#ending};
    const checkedOut = await git(['checkout', '--quiet', '--force', '--detach', commit], at);
    return checkedOut.ok ? git(['clean', '--quiet', '-ffd'], at) : checkedOut;
  }

  async #remove(): Promise<void> {
    const {repository, folder} = this.#options;
    if (!existsSync(folder)) return;
    await rm(folder, {recursive: true, force: true, maxRetries: 3});
    await git(['worktree', 'prune'], {cwd: repository.root});
  }
}
