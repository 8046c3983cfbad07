import type {Result} from '../base/result.ts';
import type {Failure} from '../model/failure.ts';
import type {Touches} from '../model/task.ts';
import type {Work} from '../model/work.ts';

/** What a worktree is wanted for. */
export interface WorkspaceRequest {
  /** Absolute paths: the user's checkout, which is only read, and the repository's common git folder. */
  readonly root: string;
  readonly gitFolder: string;
  /** The commit it starts from. */
  readonly base: string;
  /** A commit whose change is applied on top, with conflict markers where it does not fit; null: none. */
  readonly apply: string | null;
  /** The ref that its work is kept in. */
  readonly ref: string;
  /** Number of the attempt, over the whole project. */
  readonly attempt: number;
  /**
   * The folder of an earlier, interrupted attempt of the same task, if it may go on there. Taken as it stands when it is
   * there and nobody else has it; otherwise the request is for a fresh one, with the work kept in that attempt's ref, if any.
   */
  readonly resume: {readonly folder: string; readonly attempt: number} | null;
}

/**
 * Worktrees of one project, below one folder (`.godel/worktrees`). They are reused: a released one is cleaned and given out
 * again. Never writes to the user's checkout, its index, its branches or its stash.
 */
export interface WorkspacePool {
  /** Waits where git cannot do two things at once. Fails with `workspace-failed` or `git-failed`. */
  acquire(request: WorkspaceRequest): Promise<Result<Workspace, Failure>>;
  /**
   * Keeps the work of attempts whose processes are gone and which nobody will release: what is in their worktrees goes into their
   * refs, then the worktrees are free. Returns for each what was kept.
   */
  salvage(attempts: readonly number[]): Promise<ReadonlyMap<number, string | null>>;
  /** Attempts in whose worktrees there may be work, and whose holders are gone: for `salvage`, if nobody goes on with them. */
  orphans(): readonly number[];
  /** Removes worktrees that nobody uses, oldest first, beyond what `keep` allows; registered ones whose folder is gone too. */
  collect(keep: {readonly count: number}): Promise<void>;
}

/** A worktree in use by one attempt: a detached checkout of `base`. */
export interface Workspace {
  /** Absolute path of its root. */
  readonly folder: string;
  readonly base: string;
  /** Whether it goes on where an earlier attempt stopped. */
  readonly resumed: boolean;
  /** Files in which the applied commit left conflict markers. */
  readonly conflicts: readonly string[];
  /**
   * Everything that differs from `base`: committed by the agent, dirty, or untracked and not ignored, as one commit on `base`, kept in
   * the request's ref. Null when nothing differs. Changes nothing in the worktree, so that it can be called at any time.
   */
  save(message: CommitText): Promise<Result<Work | null, Failure>>;
  /** Paths that differ from `base`, relative to the root of the repository. */
  changedFiles(): Promise<Result<readonly string[], Failure>>;
  /** The same as of the last `save`, without looking again; null: nothing has been saved. */
  readonly savedFiles: readonly string[] | null;
  /** Files that still hold conflict markers among those given. */
  markersLeft(files: readonly string[]): Promise<readonly string[]>;
  /** Gives it back: saved work stays in the ref, the rest is wiped. To be called when no process works in it any more. */
  release(): Promise<void>;
}

export interface CommitText {
  readonly subject: string;
  readonly author: {readonly name: string; readonly email: string};
}

/** Which of the files are outside of what may be touched. */
export type OutsideTouches = (files: readonly string[], touches: Touches) => readonly string[];
