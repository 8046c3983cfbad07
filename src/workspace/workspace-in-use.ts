import {fail, ok, type Result} from '../base/result.ts';
import type {Failure} from '../model/failure.ts';
import type {Work} from '../model/work.ts';
import type {Claim} from './claim.ts';
import {diskFailure} from './disk-failure.ts';
import {markersLeft} from './evidence.ts';
import {saveSnapshot} from './save.ts';
import {type Snapshot, takeSnapshot} from './snapshot.ts';
import type {CommitText, Workspace} from './workspace.ts';

export interface InUse {
  readonly folder: string;
  readonly admin: string | null;
  /** Where indexes of snapshots are written. */
  readonly scratch: string;
  readonly claim: Claim;
  readonly resumed: boolean;
  /** Writes down what the claim says now. */
  readonly onClaim: (claim: Claim) => void;
  readonly onRelease: () => Promise<void>;
}

/** A worktree that an attempt works in. */
export class WorkspaceInUse implements Workspace {
  readonly folder: string;
  readonly base: string;
  readonly resumed: boolean;
  readonly conflicts: readonly string[];
  readonly #use: InUse;
  #claim: Claim;
  /** Snapshots are taken one after the other: each save ends with a ref, and the last one must win. */
  #last: Promise<unknown> = Promise.resolve();
  #released: Promise<void> | undefined;
  #savedFiles: readonly string[] | null = null;

  constructor(use: InUse) {
    this.folder = use.folder;
    this.base = use.claim.base;
    this.resumed = use.resumed;
    this.conflicts = use.claim.conflicts;
    this.#use = use;
    this.#claim = use.claim;
  }

  save(message: CommitText): Promise<Result<Work | null, Failure>> {
    return this.#answer(async () => {
      const snapshot = await this.#snapshot();
      if (!snapshot.ok) return snapshot;
      const {root, base, ref, kept} = this.#claim;
      const saved = await saveSnapshot(snapshot.value, {
        cwd: root,
        base,
        ref,
        message,
        kept,
        onCommit: commit => {
          this.#claim = {...this.#claim, kept: commit};
          this.#use.onClaim(this.#claim);
        },
      });
      if (saved.ok) this.#savedFiles = filesOf(snapshot.value);
      return saved;
    });
  }

  get savedFiles(): readonly string[] | null {
    return this.#savedFiles;
  }

  changedFiles(): Promise<Result<readonly string[], Failure>> {
    return this.#answer(async () => {
      const snapshot = await this.#snapshot();
      return snapshot.ok ? ok(filesOf(snapshot.value)) : snapshot;
    });
  }

  markersLeft(files: readonly string[]): Promise<readonly string[]> {
    return markersLeft(this.folder, files);
  }

  release(): Promise<void> {
    this.#released ??= this.#next(() => this.#use.onRelease());
    return this.#released;
  }

  #snapshot(): Promise<Result<Snapshot, Failure>> {
    const {folder, admin, scratch} = this.#use;
    const {gitFolder, base, linked} = this.#claim;
    return takeSnapshot({folder, admin, gitFolder, base, linked, scratch});
  }

  #answer<T>(work: () => Promise<Result<T, Failure>>): Promise<Result<T, Failure>> {
    return this.#next(() => work().catch((error: unknown) => fail(diskFailure(error))));
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work, work);
    this.#last = done;
    return done;
  }
}

function filesOf({change, leftOut}: Snapshot): readonly string[] {
  return [...new Set([...change.paths, ...leftOut])].toSorted();
}
