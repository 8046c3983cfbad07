import {execFile} from 'node:child_process';
import {formatSize} from '../base/size.ts';
import {fail, ok, type Result} from '../base/result.ts';
import type {Failure} from '../model/failure.ts';

/** Measuring reads every folder, so that what was measured is believed for this long. */
const BELIEVED_MS = 30_000;

/** Holds the worktrees of a project to what they may take on disk. */
export class Quota {
  readonly #folder: string;
  readonly #limitBytes: number | null;
  #measured: {readonly atMs: number; readonly bytes: number; readonly count: number; since: number} | null = null;

  constructor(folder: string, limitBytes: number | null) {
    this.#folder = folder;
    this.#limitBytes = limitBytes;
  }

  /** Whether there is room for one more worktree, of the size of those there are. */
  async takeOne(count: number): Promise<Result<void, Failure>> {
    const limit = this.#limitBytes;
    if (limit === null) return ok(undefined);
    const nowMs = performance.now();
    const isKnown = this.#measured !== null && this.#measured.count > 0 && nowMs - this.#measured.atMs <= BELIEVED_MS;
    if (this.#measured === null || !isKnown) {
      this.#measured = {atMs: nowMs, bytes: await diskUse(this.#folder), count, since: 0};
    }
    const {bytes, count: measured, since} = this.#measured;
    const used = measured === 0 ? bytes : bytes + (bytes / measured) * (since + 1);
    if (used <= limit) {
      this.#measured.since += 1;
      return ok(undefined);
    }
    return fail({
      reason: 'workspace-failed',
      detail: `the worktrees of this project take ${formatSize(bytes)}, and may take ${formatSize(limit)}`,
      hint: 'raise `workspace.quota` in the configuration, or use fewer agents',
    });
  }
}

/** In a process of its own, as it can take long; 0 when it cannot be told. */
function diskUse(folder: string): Promise<number> {
  return new Promise(resolve => {
    execFile('du', ['-sk', folder], {timeout: 60_000}, (_error, stdout) => {
      resolve((Number.parseInt(stdout, 10) || 0) * 1024);
    });
  });
}
