import type {Failure} from './failure.ts';
import type {Usage} from './usage.ts';
import type {Work} from './work.ts';

/** How an attempt ended, as its host reports it. */
export interface AttemptOutcome {
  readonly result: {readonly ok: true} | {readonly ok: false; readonly failure: Failure};
  /** Run time by the host's monotonic clock, in milliseconds. */
  readonly durationMs: number;
  readonly usage: Usage;
  /** Bytes of the declared output, when `outputs` was declared and the attempt succeeded. */
  readonly outputBytes: number | null;
  /**
   * What it has changed in its worktree; absent or null: nothing, or it had none. Also given for one that has failed, so that its
   * work can be found again.
   */
  readonly work?: Work | null;
  /** What somebody should know though the attempt succeeded, for example files changed outside `touches`. */
  readonly warnings?: readonly string[];
  /** What a reviewer has decided. */
  readonly verdict?: Verdict;
}

/** The verdict of a review, and what is to be done about it. */
export interface Verdict {
  readonly approved: boolean;
  readonly comments: string;
}

/** What the next attempt of a task is told and given of those before it. */
export interface Memo {
  /** Why the last attempt did not do: failure text, the output of `verify`, or a reviewer's comments. At most 8 KiB. */
  readonly feedback?: string;
  /** The session of an attempt that was interrupted, to go on with. */
  readonly session?: SessionMark;
  /** A change that could not be merged: the next attempt is to bring it together with the branch as it is now. */
  readonly conflict?: {readonly commit: string; readonly files: readonly string[]};
  /** Attempts ended by a limit of the provider, which count for nothing else. */
  readonly limited?: number;
  /** Attempts that hung and were stopped for it. */
  readonly hung?: number;
  /** Attempts whose change conflicted with what was merged meanwhile. */
  readonly conflicts?: number;
  /** Attempts that a reviewer has sent back; of a reviewer: those it has given a verdict in. */
  readonly rounds?: number;
}

/** Where an agent's conversation can be taken up again. */
export interface SessionMark {
  readonly attempt: number;
  readonly runtime: string;
  readonly session: string;
  /** Absolute path of the worktree it works in: some runtimes find their sessions by it. */
  readonly folder: string;
}
