import {existsSync} from 'node:fs';
import {mkdir} from 'node:fs/promises';
import {isAbsolute, relative, resolve, sep} from 'node:path';
import {type Result, fail, ok} from '../base/result.ts';
import type {Failure} from '../model/failure.ts';
import type {AttemptId} from '../model/ids.ts';
import type {Work} from '../model/work.ts';
import type {Workspace} from '../workspace/workspace.ts';
import type {AttemptOrder, WorkspaceOrder} from '../wire/host-protocol.ts';
import type {Evidence} from './evidence.ts';
import {shortened} from './file-failure.ts';

export type WorktreeOrder = AttemptOrder & {readonly workspace: WorkspaceOrder};

/** The worktree of one attempt. What was done in it is saved before it is given back, whatever has happened. */
export class AttemptWorktree {
  readonly #workspace: Workspace;
  readonly #order: WorktreeOrder;
  #saved: Promise<Result<Work | null, Failure>> | undefined;

  constructor(workspace: Workspace, order: WorktreeOrder) {
    this.#workspace = workspace;
    this.#order = order;
  }

  get attempt(): AttemptId {
    return this.#order.attempt;
  }

  get folder(): string {
    return this.#workspace.folder;
  }

  /** The folder that the attempt starts in; made, as git knows no empty ones and nothing may be committed of it yet. */
  async enter(): Promise<Result<string, Failure>> {
    const {cwd, work, workspace} = this.#order;
    const place = resolve(this.folder, isAbsolute(cwd) ? relative(workspace.root, cwd) : cwd);
    if (place !== this.folder && !place.startsWith(this.folder + sep)) {
      // A command may work elsewhere if its plan says so; an agent is let loose only where nothing can be lost.
      if (isAbsolute(cwd) && work.kind === 'command') return ok(cwd);
      return fail(unusable(`the working directory ${cwd} is outside of the repository`));
    }
    try {
      await mkdir(place, {recursive: true});
      return ok(place);
    } catch (error) {
      return fail(unusable(error instanceof Error ? error.message : String(error)));
    }
  }

  /** As it is when this is first called: what comes later (what `verify` builds, for example) is no part of the work. */
  save(): Promise<Result<Work | null, Failure>> {
    const {agent, workspace} = this.#order;
    if (this.#isGone) return Promise.resolve(fail(unusable('its worktree was removed while it was at work')));
    this.#saved ??= this.#workspace
      .save({subject: workspace.subject, author: {name: agent, email: 'godel@localhost'}})
      .then(bounded, (error: unknown) => fail(unusable(error instanceof Error ? error.message : String(error))));
    return this.#saved;
  }

  async change(): Promise<Result<NonNullable<Evidence['change']>, Failure>> {
    const {savedFiles} = this.#workspace;
    const files = savedFiles === null ? await this.#workspace.changedFiles() : ok(savedFiles);
    if (!files.ok) return bounded(files);
    const {conflicts} = this.#workspace;
    return ok({
      files: files.value,
      markers: conflicts.length === 0 ? [] : await this.#workspace.markersLeft(conflicts),
    });
  }

  get #isGone(): boolean {
    return !existsSync(this.folder);
  }

  /** Gives it back. Not what could not be saved: that stays where it is, if there is anything, and the failure says where. */
  async close(): Promise<Result<void, Failure>> {
    const saved = await this.save();
    if (!saved.ok && !this.#isGone) {
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
