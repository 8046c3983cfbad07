import {existsSync} from 'node:fs';
import PQueue from 'p-queue';
import {type Result, fail, ok} from '../base/result.ts';
import {NO_AGENT_SETTINGS, type WorkspaceSettings} from '../model/agent-settings.ts';
import type {Failure} from '../model/failure.ts';
import type {AttemptId} from '../model/ids.ts';
import type {WorkspacePool} from '../workspace/workspace.ts';
import type {AttemptOrder} from '../wire/host-protocol.ts';
import {AttemptWorktree, type WorktreeOrder} from './attempt-worktree.ts';
import type {Ending} from './ending.ts';

/** More at a time only wait for each other inside git. */
const AT_A_TIME = 8;

export interface WorktreesOptions {
  /** `.godel/worktrees` of the project. */
  readonly folder: string;
  readonly open: (folder: string, settings: WorkspaceSettings) => Promise<WorkspacePool>;
  readonly log: (line: string) => void;
}

/** The worktrees of this host's attempts. The pool is opened when one is wanted: most of its code serves only then. */
export class Worktrees {
  readonly #options: WorktreesOptions;
  readonly #turns = new PQueue({concurrency: AT_A_TIME});
  readonly #inUse = new Set<AttemptId>();
  /** Over, but their work could not be saved. */
  readonly #unsaved = new Map<AttemptId, AttemptWorktree>();
  readonly #pools = new Map<string, Promise<WorkspacePool>>();
  #tidied: Promise<void> = Promise.resolve();

  constructor(options: WorktreesOptions) {
    this.#options = options;
  }

  /** A worktree for the attempt. Whoever waits for one leaves the queue when the attempt is ended. */
  async acquire(
    order: WorktreeOrder,
    {settings, ending}: {settings: WorkspaceSettings; ending: Ending},
  ): Promise<Result<AttemptWorktree, Failure>> {
    return await this.#turns.add(async () => {
      if (ending.failure) return fail(ending.failure);
      const pool = await this.#open(settings);
      const {root, gitFolder, base, apply, ref} = order.workspace;
      const acquired = await pool.acquire({
        root,
        gitFolder,
        base,
        apply,
        ref,
        attempt: order.attempt,
        resume: resumeOf(order),
      });
      if (!acquired.ok) return acquired;
      this.#inUse.add(order.attempt);
      return ok(new AttemptWorktree(acquired.value, order));
    });
  }

  /** What could not be saved stays where it is. */
  async giveBack(worktree: AttemptWorktree): Promise<void> {
    const {attempt, folder} = worktree;
    try {
      const closed = await worktree.close();
      if (closed.ok) {
        this.#inUse.delete(attempt);
        this.#unsaved.delete(attempt);
        return;
      }
      this.#unsaved.set(attempt, worktree);
      this.#options.log(`the work of attempt ${attempt} in ${folder} is not saved: ${JSON.stringify(closed.failure)}`);
    } catch (error) {
      // Its work is saved; the folder is removed with the next host.
      this.#options.log(`the worktree ${folder} could not be cleaned: ${String(error)}`);
    }
  }

  /** Keeps the work of attempts of a host that is gone. Their processes must be gone too. */
  async salvage(attempts: readonly AttemptId[]): Promise<void> {
    const orphans = attempts.filter(attempt => !this.#inUse.has(attempt));
    if (orphans.length === 0 || !existsSync(this.#options.folder)) return;
    await (await this.#open(NO_AGENT_SETTINGS.workspace)).salvage(orphans);
  }

  /** No team is open any more: as `tidy`, and nobody will come for what hosts that were killed have left in worktrees. */
  settle(): Promise<void> {
    return this.#next(async () => {
      if (!existsSync(this.#options.folder)) return;
      const pool = await this.#open(NO_AGENT_SETTINGS.workspace);
      await pool.salvage(pool.orphans());
      await this.#tidy();
    });
  }

  /**
   * Tries once more to save what could not be, and removes the worktrees that nobody uses. Resolves when those are removed too that
   * an earlier call was still busy with.
   */
  tidy(): Promise<void> {
    return this.#next(() => this.#tidy());
  }

  #next(work: () => Promise<void>): Promise<void> {
    this.#tidied = this.#tidied.then(work, work);
    return this.#tidied;
  }

  async #tidy(): Promise<void> {
    for (const worktree of [...this.#unsaved.values()]) await this.giveBack(worktree);
    for (const pool of this.#pools.values()) await (await pool).collect({count: 0});
  }

  /** One for each kind of settings that teams have come with: all work in the same folder. */
  #open(settings: WorkspaceSettings): Promise<WorkspacePool> {
    const {folder, open} = this.#options;
    const key = JSON.stringify(settings);
    const pool = this.#pools.get(key) ?? open(folder, settings);
    this.#pools.set(key, pool);
    return pool;
  }
}

function resumeOf({work}: AttemptOrder): {folder: string; attempt: number} | null {
  if (work.kind === 'command' || work.resume === null) return null;
  const {folder, attempt} = work.resume;
  return {folder, attempt};
}
