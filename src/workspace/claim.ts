import {
  closeSync,
  linkSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import {join} from 'node:path';
import type {ProcessIdentity} from '../model/process-identity.ts';
import {isAlive} from '../os/process-identity.ts';

/**
 * Who has a worktree: a file beside it, written before the worktree is used, so that whoever comes after a crash can tell what is in
 * there. Without the file the worktree is free.
 *
 *     (none) ──► making ──► working ──► wiping ──► (none)
 *
 * Only in `working` there is work in it: before, it is being set up, and after, everything is kept and it is being cleaned.
 */
export interface Claim {
  readonly state: 'making' | 'working' | 'wiping';
  /** The process that has taken it. */
  readonly holder: ProcessIdentity;
  /** Null: nobody's; it is being removed. */
  readonly attempt: number | null;
  readonly ref: string;
  readonly base: string;
  /** Of the repository. */
  readonly root: string;
  readonly gitFolder: string;
  /** Files in which the applied commit left conflict markers. */
  readonly conflicts: readonly string[];
  /** Linked folders, which are no part of the work. */
  readonly linked: readonly string[];
  /** The last commit that was put into `ref` for this attempt. */
  readonly kept: string | null;
}

/** An unreadable claim this old was being written when its writer was killed. */
const UNWRITTEN_AFTER_MS = 60_000;

/** The claims on the worktrees of one folder, by the name of the worktree. */
export class Claims {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Whether the worktree is ours now: of several processes that want it one gets it. */
  take(name: string, claim: Claim): boolean {
    let file: number;
    try {
      file = openSync(this.#file(name), 'wx', 0o600);
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return false;
      throw error;
    }
    try {
      writeSync(file, JSON.stringify(claim));
      return true;
    } catch (error) {
      this.give(name);
      throw error;
    } finally {
      closeSync(file);
    }
  }

  /** Changes what a claim of ours says, at once or not at all. */
  change(name: string, claim: Claim): void {
    const draft = `${this.#file(name)}.new`;
    writeFileSync(draft, JSON.stringify(claim), {mode: 0o600});
    renameSync(draft, this.#file(name));
  }

  /**
   * Makes a claim ours whose holder has ended, or is we ourselves, if it still says what we have seen. Of several processes that want
   * it one gets it. Whoever acts on a claim that was read a while ago must come by here: it may be somebody else's by now.
   */
  takeOver(name: string, {seen, holder}: {readonly seen: Claim; readonly holder: ProcessIdentity}): boolean {
    if (!isSame(seen.holder, holder) && isAlive(seen.holder)) return false;
    const lock = `${this.#file(name)}.taking`;
    if (!this.#lock(lock, holder)) return false;
    try {
      const now = this.read(name);
      if (now?.attempt !== seen.attempt || now.state !== seen.state || !isSame(now.holder, seen.holder)) return false;
      this.change(name, {...now, holder});
      return true;
    } finally {
      rmSync(lock, {force: true});
    }
  }

  /** Held for an instant only; of a process that was killed in that instant it is nobody's. */
  #lock(lock: string, holder: ProcessIdentity): boolean {
    const draft = `${lock}-${holder.pid}`;
    writeFileSync(draft, JSON.stringify(holder), {mode: 0o600});
    try {
      for (let tries = 0; tries < 2; tries += 1) {
        try {
          linkSync(draft, lock);
          return true;
        } catch (error) {
          if (codeOf(error) !== 'EEXIST') throw error;
          const other = identityIn(lock);
          if (other !== null && isAlive(other)) return false;
          rmSync(lock, {force: true});
        }
      }
      return false;
    } finally {
      rmSync(draft, {force: true});
    }
  }

  give(name: string): void {
    rmSync(this.#file(name), {force: true});
  }

  read(name: string): Claim | null {
    try {
      return parse(readFileSync(this.#file(name), 'utf8'));
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return null;
      throw error;
    }
  }

  /** All of them; those of writers that were killed while writing are removed, they never had a worktree. */
  all(): ReadonlyMap<string, Claim> {
    const claims = new Map<string, Claim>();
    for (const entry of listed(this.#folder)) {
      const name = /^(.+)\.json$/.exec(entry)?.[1];
      if (name === undefined) continue;
      const claim = this.read(name);
      if (claim !== null) claims.set(name, claim);
      else if (this.#isAbandoned(name)) this.give(name);
    }
    return claims;
  }

  #isAbandoned(name: string): boolean {
    const stats = statSync(this.#file(name), {throwIfNoEntry: false});
    return stats !== undefined && Date.now() - stats.mtimeMs > UNWRITTEN_AFTER_MS;
  }

  #file(name: string): string {
    return join(this.#folder, `${name}.json`);
  }
}

function parse(text: string): Claim | null {
  try {
    // We have written it ourselves; half a one does not parse.
    return JSON.parse(text) as Claim;
  } catch {
    return null;
  }
}

function identityIn(file: string): ProcessIdentity | null {
  try {
    // Linked into its place when it was whole.
    return JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

function isSame(a: ProcessIdentity, b: ProcessIdentity): boolean {
  return a.pid === b.pid && a.startTime === b.startTime && a.bootId === b.bootId;
}

function listed(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
