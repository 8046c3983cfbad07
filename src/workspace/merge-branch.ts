import {existsSync} from 'node:fs';
import {fail, ok, type Result} from '../base/result.ts';
import type {Failure} from '../model/failure.ts';
import type {TeamRepository} from '../model/work.ts';
import {git, gitText} from './git.ts';
import type {MergeQueueOptions} from './merge.ts';

/** The team's branch as it is at one moment. */
export interface BranchState {
  /** Where the next change goes on top of: the base of the team while there is no branch yet. */
  readonly tip: string;
  readonly exists: boolean;
  /** The folder of the checkout that has it checked out, if there is one. */
  readonly checkedOutIn: string | null;
}

export interface Landing {
  readonly from: BranchState;
  readonly to: string;
  /** For each attempt the commit that brought its change onto the branch. */
  readonly marks: ReadonlyMap<number, string>;
}

/**
 * The branch of a team and the marks beside it (`refs/godel-merged/<key>/<attempt>`) that say what was merged. A person may commit
 * on the branch or move it at any time; nothing here overwrites what it has not seen.
 */
export class TeamBranch {
  readonly #repository: TeamRepository;
  readonly #ref: string;
  readonly #marks: string;

  constructor({repository, key}: Pick<MergeQueueOptions, 'repository' | 'key'>) {
    this.#repository = repository;
    this.#ref = `refs/heads/${repository.branch}`;
    this.#marks = marksOf(key);
  }

  /** A branch that was deleted is taken to be where it was when something was merged last. */
  async read(): Promise<Result<BranchState, Failure>> {
    const format = '--format=%(refname)%00%(objectname)%00%(worktreepath)';
    const said = await gitText(['for-each-ref', format, this.#ref], this.#at());
    if (!said.ok) return said;
    const line = said.value.split('\n').find(each => each.startsWith(`${this.#ref}\0`));
    if (line !== undefined) {
      const [, tip = '', folder = ''] = line.split('\0');
      return ok({tip, exists: true, checkedOutIn: folder !== '' && existsSync(folder) ? folder : null});
    }
    const last = await gitText(['rev-list', '--topo-order', '--max-count=1', `--glob=${this.#marks}/*`], this.#at());
    if (!last.ok) return last;
    return ok({tip: last.value || this.#repository.base, exists: false, checkedOutIn: null});
  }

  /** The attempts whose changes have been merged. */
  async merged(): Promise<Result<ReadonlySet<number>, Failure>> {
    const said = await gitText(['for-each-ref', '--format=%(refname:lstrip=-1)', this.#marks], this.#at());
    if (!said.ok) return said;
    return ok(new Set(said.value.split('\n').flatMap(name => (/^\d+$/.test(name) ? [Number(name)] : []))));
  }

  /** Moves the branch and sets the marks, all or nothing. `moved`: somebody else has moved it since it was read. */
  async land({from, to, marks}: Landing): Promise<Result<'landed' | 'moved', Failure>> {
    const old = from.exists ? from.tip : '0'.repeat(from.tip.length);
    const lines = [...marks].map(([attempt, commit]) => `update ${this.#marks}/${attempt} ${commit}\n`);
    if (to !== from.tip || !from.exists) lines.unshift(`update ${this.#ref} ${to} ${old}\n`);
    const done = await git(['update-ref', '--stdin'], {...this.#at(), input: lines.join('')});
    if (done.ok) return ok('landed');
    const now = await this.read();
    if (!now.ok) return now;
    return now.value.exists === from.exists && now.value.tip === from.tip ? fail(done.failure) : ok('moved');
  }

  #at() {
    return {cwd: this.#repository.root};
  }
}

/** Removes the marks of a team that is over: what was merged is on its branch, and nobody asks for it again. */
export function forgetMerges({root}: Pick<TeamRepository, 'root'>, key: string): Promise<Result<void, Failure>> {
  return forget([marksOf(key)], root);
}

/** Removes the marks of all teams whose keys begin so, but for some. */
export async function forgetOtherMerges(
  root: string,
  {prefix, keep}: {readonly prefix: string; readonly keep: readonly string[]},
): Promise<Result<void, Failure>> {
  const listed = await gitText(['for-each-ref', '--format=%(refname)', `${marksOf(prefix)}*/*`], {cwd: root});
  if (!listed.ok) return listed;
  const kept = new Set(keep.map(marksOf));
  const teams = new Set(listed.value.split('\n').map(ref => ref.slice(0, ref.lastIndexOf('/'))));
  return forget(
    [...teams].filter(team => team !== '' && !kept.has(team)),
    root,
  );
}

async function forget(marks: readonly string[], root: string): Promise<Result<void, Failure>> {
  if (marks.length === 0) return ok(undefined);
  const listed = await gitText(['for-each-ref', '--format=delete %(refname)', ...marks], {cwd: root});
  if (!listed.ok) return listed;
  if (listed.value === '') return ok(undefined);
  const done = await git(['update-ref', '--stdin'], {cwd: root, input: `${listed.value}\n`});
  return done.ok ? ok(undefined) : done;
}

function marksOf(key: string): string {
  return `refs/godel-merged/${key.replaceAll(/[^\w-]/g, '-')}`;
}
