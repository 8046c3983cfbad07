import {mkdir} from 'node:fs/promises';
import {resolve, sep} from 'node:path';
import {type Result, fail, ok} from '../base/result.ts';
import type {Failure} from '../model/failure.ts';
import type {AttemptId} from '../model/ids.ts';
import type {Work} from '../model/work.ts';
import type {Workspace} from '../workspace/workspace.ts';
import type {AttemptOrder, WorkspaceOrder} from '../wire/host-protocol.ts';
import type {Evidence} from './evidence.ts';
import {shortened} from './file-failure.ts';

/** The worktree of one attempt. What was done in it is saved before it is given back, whatever has happened. */
export class AttemptWorktree {
  readonly cwd: string;
  readonly #workspace: Workspace;
  readonly #order: AttemptOrder & {readonly workspace: WorkspaceOrder};
  #saved: Promise<Result<Work | null, Failure>> | undefined;

  constructor(workspace: Workspace, order: AttemptOrder & {readonly workspace: WorkspaceOrder}) {
    this.#workspace = workspace;
    this.#order = order;
    this.cwd = resolve(workspace.folder, order.cwd);
  }

  get attempt(): AttemptId {
    return this.#order.attempt;
  }

  get folder(): string {
    return this.#workspace.folder;
  }

  /** Makes the folder that the attempt starts in: git knows no empty ones, and nothing may be committed of it yet. */
  async enter(): Promise<Result<void, Failure>> {
    if (this.cwd !== this.folder && !this.cwd.startsWith(this.folder + sep)) {
      return fail(unusable(`the working directory ${this.#order.cwd} is outside of it`));
    }
    try {
      await mkdir(this.cwd, {recursive: true});
      return ok(undefined);
    } catch (error) {
      return fail(unusable(error instanceof Error ? error.message : String(error)));
    }
  }

  /** As it is when this is first called: what comes later (what `verify` builds, for example) is no part of the work. */
  save(): Promise<Result<Work | null, Failure>> {
    const {agent, workspace} = this.#order;
    this.#saved ??= this.#workspace
      .save({subject: workspace.subject, author: {name: agent, email: 'godel@localhost'}})
      .then(bounded, (error: unknown) => fail(unusable(error instanceof Error ? error.message : String(error))));
    return this.#saved;
  }

  async change(): Promise<Result<NonNullable<Evidence['change']>, Failure>> {
    const files = await this.#workspace.changedFiles();
    if (!files.ok) return bounded(files);
    const {conflicts} = this.#workspace;
    return ok({
      files: files.value,
      markers: conflicts.length === 0 ? [] : await this.#workspace.markersLeft(conflicts),
    });
  }

  /** Gives it back. Not what could not be saved: that stays where it is, and the failure says where. */
  async close(): Promise<Result<void, Failure>> {
    const saved = await this.save();
    if (!saved.ok) {
      this.#saved = undefined;
      return saved;
    }
    await this.#workspace.release();
    return ok(undefined);
  }
}

function unusable(detail: string): Failure {
  return {reason: 'workspace-failed', detail: shortened(detail)};
}

function bounded<T>(result: Result<T, Failure>): Result<T, Failure> {
  if (result.ok) return result;
  const {failure} = result;
  if (failure.reason !== 'workspace-failed' && failure.reason !== 'git-failed') return result;
  const hint = failure.hint === undefined ? {} : {hint: shortened(failure.hint)};
  return fail({reason: failure.reason, detail: shortened(failure.detail), ...hint});
}
