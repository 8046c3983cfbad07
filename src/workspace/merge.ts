import type {WorkspaceSettings} from '../model/agent-settings.ts';
import type {MergeResult, TeamRepository, Work} from '../model/work.ts';

/** A change that is to become part of the team's branch. */
export interface MergeItem {
  readonly attempt: number;
  /** The task's id as people see it. */
  readonly task: string;
  readonly work: Work;
  /** The whole commit message, trailers included. */
  readonly message: string;
  readonly author: {readonly name: string; readonly email: string};
}

export interface MergeQueueOptions {
  readonly repository: TeamRepository;
  /** What no other team of any project has, to find again what was merged: a store's id and the team's number, for example. */
  readonly key: string;
  /** Where its worktree for `verify` is made, below `.godel/worktrees`. */
  readonly folder: string;
  /** Folders that it is given from the user's checkout; absent: none. */
  readonly link?: WorkspaceSettings['link'];
  /** Runs the plan's verify command in a folder; null: the plan has none. Its process is ended when `signal` is aborted. */
  readonly verify: ((folder: string, signal: AbortSignal) => Promise<Verdict>) | null;
  /**
   * The branch fails `verify` without any of the changes that are to be merged, so none of them is blamed for it: they are merged.
   * Said once, until it passes again.
   */
  readonly onBrokenTip?: (broken: BrokenTip) => void;
}

/** How the plan's verify command ended in one folder. */
export interface Verdict {
  readonly ok: boolean;
  readonly exitCode: number | null;
  /** The end of what it printed. */
  readonly tail: string;
}

export interface BrokenTip {
  readonly tip: string;
  readonly exitCode: number | null;
  readonly tail: string;
}

/**
 * Puts the changes of one team onto its branch, one commit each, one batch after the other: what is waiting when a batch
 * begins is merged together, verified together, and taken apart by bisection when that fails. The branch moves, in one ref
 * transaction with the marks of what was merged, only to a tip that has been verified. A change that was merged before
 * (the daemon was restarted) is answered as merged.
 */
export interface MergeQueue extends AsyncDisposable {
  /** The tip of the team's branch: where new attempts start from. */
  tip(): Promise<string>;
  merge(item: MergeItem): Promise<MergeResult>;
}
