import type {AgentId} from './ids.ts';

/** What an attempt has changed, as one commit on top of the commit it started from. */
export interface Work {
  /** Commit id, 40 or 64 hex digits. Its only parent is `base`. */
  readonly commit: string;
  readonly base: string;
  /** The ref that keeps the commit: `refs/godel/<team>/<task>/<attempt>`. */
  readonly ref: string;
  /** How much was changed. */
  readonly files: number;
  readonly insertions: number;
  readonly deletions: number;
}

/** Whose a change is, and what it has cost. */
export interface Credits {
  readonly agent: AgentId;
  /** `command`, or the coding agent. */
  readonly runtime: string;
  readonly model: string | null;
  readonly usd: number | null;
  readonly reviewer: AgentId | null;
}

/** Where a team's work goes. Settled when the team is spawned. */
export interface TeamRepository {
  /** Absolute path of the top folder of the user's checkout. */
  readonly root: string;
  /** Absolute path of the repository's common git folder. */
  readonly gitFolder: string;
  /** From the root to the team's working directory: empty, or like `packages/app/`. */
  readonly prefix: string;
  /** The commit the team started from (HEAD then; in a repository without commits one of an empty tree). */
  readonly base: string;
  /** The team's branch, `godel/<team>`. */
  readonly branch: string;
  /** What the user has checked out; null when HEAD is detached. */
  readonly checkedOut: string | null;
  /** Files changed or untracked in the user's checkout at that time: they are not part of the work. */
  readonly dirtyFiles: number;
}

/** What has become of a change that was to be merged. */
export type MergeResult =
  | {readonly kind: 'merged'; readonly tip: string}
  /** It and what was merged meanwhile change the same lines of these files. */
  | {readonly kind: 'conflict'; readonly tip: string; readonly files: readonly string[]}
  /** The plan's `verify` fails with it and succeeds without it. */
  | {readonly kind: 'broke-verify'; readonly tip: string; readonly exitCode: number | null; readonly tail: string}
  /** git itself failed (full disk, for example); tried again later. */
  | {readonly kind: 'failed'; readonly detail: string};
