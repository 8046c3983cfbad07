import {existsSync, readdirSync} from 'node:fs';
import {join} from 'node:path';
import {fail, ok, type Result} from '../base/result.ts';
import type {Input, MergeRequest} from '../federation/engine-io.ts';
import type {WorkspaceSettings} from '../model/agent-settings.ts';
import {type Failure, failureOf, GodelError} from '../model/failure.ts';
import {failureText} from '../model/failure-text.ts';
import type {TeamId} from '../model/ids.ts';
import type {TeamSpec} from '../model/team.ts';
import type {MergeResult} from '../model/work.ts';
import {renderTemplate} from '../plan/render.ts';
import {endStrays} from '../os/stray-processes.ts';
import type {ProjectPaths} from '../project/project-paths.ts';
import type {MergeQueue} from '../workspace/merge.ts';
import {forgetMerges, forgetOtherMerges} from '../workspace/merge-branch.ts';
import {authorOf, commitMessage} from '../workspace/merge-message.ts';
import {removeWorktree} from '../workspace/merge-verify.ts';
import {openMergeQueue} from '../workspace/merge-queue.ts';
import {findCheckout} from '../workspace/repository.ts';
import type {Log} from './log.ts';
import {verifyRunner} from './verify-merge.ts';

export interface MergesOptions {
  readonly paths: ProjectPaths;
  readonly storeId: string;
  readonly submit: (input: Input) => void;
  /** What a team's tasks get as environment. */
  readonly envOf: (teamId: TeamId, spec: TeamSpec) => Readonly<Record<string, string>>;
  readonly killGraceMs: number;
  readonly workspace: WorkspaceSettings;
  readonly log: Log;
}

interface TeamMerges {
  readonly spec: TeamSpec;
  readonly queue: MergeQueue;
  /** Asked for once for all assignments of a moment. */
  tip: Promise<Result<string, Failure>> | null;
}

/** A verify command that hangs must not hold up a team for ever. */
const MAX_VERIFY_MS = 3_600_000;
/** How long what was read of a branch is taken for its state, in milliseconds: somebody else may commit to it. */
const TIP_FRESH_MS = 500;

/** The merge queues of the teams that have a branch, each opened when it is first needed. */
export class Merges {
  readonly #options: MergesOptions;
  readonly #teams = new Map<TeamId, TeamMerges>();
  /** Of teams that are over, while they remove what they have made. */
  readonly #ending = new Set<Promise<void>>();

  constructor(options: MergesOptions) {
    this.#options = options;
  }

  /** The commit that an attempt of the team starts from now. */
  tip(teamId: TeamId, spec: TeamSpec): Promise<Result<string, Failure>> {
    const team = this.#of(teamId, spec);
    if (!team) return Promise.resolve(fail({reason: 'workspace-failed', detail: 'its team has no git repository'}));
    if (team.tip) return team.tip;
    const tip = team.queue.tip().then(ok, (error: unknown) => fail(failureOf(error)));
    team.tip = tip;
    setTimeout(() => {
      if (team.tip === tip) team.tip = null;
    }, TIP_FRESH_MS).unref();
    return tip;
  }

  /** Says what became of it as an input to the engine. */
  merge(request: MergeRequest, spec: TeamSpec): void {
    const {teamId, task, attempt} = request;
    const ended = (result: MergeResult) => {
      const team = this.#teams.get(teamId);
      if (team) team.tip = null;
      this.#options.submit({type: 'merge-ended', teamId, task, attempt, result});
    };
    const team = this.#of(teamId, spec);
    if (!team) return ended({kind: 'failed', detail: 'its team has no git repository'});
    const {work, taskId} = request;
    const item = {
      attempt,
      task: taskId,
      work,
      message: messageOf(request, spec),
      author: authorOf(request.credits.agent),
    };
    team.queue.merge(item).then(ended, (error: unknown) => {
      this.#options.log.error({teamId, attempt, error: failureOf(error)}, 'a merge failed by a bug');
      ended({kind: 'failed', detail: failureText(failureOf(error))});
    });
  }

  /** Removes what a killed daemon has left of teams that are not in work any more. */
  async removeLeftovers(inWork: readonly TeamId[]): Promise<void> {
    const {paths, storeId} = this.#options;
    const kept = inWork.map(worktreeOf);
    const left = namesIn(this.#folder).filter(name => /^merge-\d+$/.test(name) && !kept.includes(name));
    const keep = inWork.map(team => this.#keyOf(team));
    await this.#remove(left, () => forgetOtherMerges(paths.folder, {prefix: `${storeId}.`, keep}));
  }

  /** Worktrees that a killed daemon has left, with what runs in them, and marks of merges. */
  async #remove(worktrees: readonly string[], forget: () => Promise<Result<void, Failure>>): Promise<void> {
    const {paths, storeId, killGraceMs, log} = this.#options;
    if (!existsSync(this.#folder)) return;
    try {
      await endStrays({cookies: new Set(worktrees.map(name => `${storeId}.${name}`)), graceMs: killGraceMs});
      if (worktrees.length > 0) {
        const checkout = await findCheckout(paths.folder);
        if (!checkout.ok) throw new GodelError(checkout.failure);
        for (const name of worktrees) await removeWorktree(join(this.#folder, name), checkout.value.gitFolder);
      }
      const forgotten = await forget();
      if (!forgotten.ok) log.debug({failure: forgotten.failure}, 'no marks of merges were looked for');
    } catch (error) {
      log.warn({error: failureOf(error)}, 'what an earlier daemon has left of merges could not be removed');
    }
  }

  /** The team is over. */
  over(teamId: TeamId): void {
    const team = this.#teams.get(teamId);
    this.#teams.delete(teamId);
    const ended = team ? this.#endOf(teamId, team) : this.#endWithoutQueue(teamId);
    this.#ending.add(ended);
    void ended.then(() => this.#ending.delete(ended));
  }

  async #endOf(teamId: TeamId, {queue, spec}: TeamMerges): Promise<void> {
    try {
      await queue[Symbol.asyncDispose]();
      if (!spec.repository) return;
      const forgotten = await forgetMerges(spec.repository, this.#keyOf(teamId));
      if (!forgotten.ok) this.#options.log.warn({teamId, failure: forgotten.failure}, 'marks of merges are left');
    } catch (error) {
      this.#options.log.warn({teamId, error: failureOf(error)}, 'a merge queue did not end well');
    }
  }

  /** Nothing of the team has been merged since this daemon has started, but by an earlier one perhaps. */
  #endWithoutQueue(team: TeamId): Promise<void> {
    const left = namesIn(this.#folder).filter(name => name === worktreeOf(team));
    return this.#remove(left, () => forgetMerges({root: this.#options.paths.folder}, this.#keyOf(team)));
  }

  get #folder(): string {
    return join(this.#options.paths.godelFolder, 'worktrees');
  }

  #keyOf(teamId: TeamId): string {
    return `${this.#options.storeId}.${teamId}`;
  }

  /** Merges that have not landed are asked for again by the next daemon. */
  async close(): Promise<void> {
    await Promise.all([...this.#teams.values()].map(({queue}) => queue[Symbol.asyncDispose]()));
    this.#teams.clear();
    await Promise.all(this.#ending);
  }

  #of(teamId: TeamId, spec: TeamSpec): TeamMerges | null {
    const known = this.#teams.get(teamId);
    if (known) return known;
    const {repository, plan} = spec;
    if (!repository) return null;
    const {storeId, envOf, killGraceMs, log} = this.#options;
    const queue = openMergeQueue({
      repository,
      key: this.#keyOf(teamId),
      link: this.#options.workspace.link,
      folder: join(this.#folder, worktreeOf(teamId)),
      verify:
        plan?.verify === undefined
          ? null
          : verifyRunner({
              script: plan.verify,
              prefix: repository.prefix,
              env: envOf(teamId, spec),
              cookie: `${storeId}.${worktreeOf(teamId)}`,
              timeoutMs: MAX_VERIFY_MS,
              umask: spec.umask,
              graceMs: killGraceMs,
            }),
      onBrokenTip: ({tip, exitCode, tail}) =>
        log.warn({team: spec.name, tip, exitCode, tail}, "the team's branch fails the plan's verify by itself"),
    });
    const team: TeamMerges = {spec, queue, tip: null};
    this.#teams.set(teamId, team);
    return team;
  }
}

function namesIn(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

function worktreeOf(team: TeamId): string {
  return `merge-${team}`;
}

function messageOf({spec, item, taskId: task, credits, attempt}: MergeRequest, team: TeamSpec): string {
  const description = spec.prompt === undefined ? null : renderTemplate(spec.prompt, item);
  return commitMessage({team: team.name, task, description, attempt, ...credits});
}
