import {ok, type Result} from '../base/result.ts';
import type {Failure} from '../model/failure.ts';
import {git, gitText} from './git.ts';
import {lostFiles} from './merge-loss.ts';
import type {MergeItem} from './merge.ts';

/** A change on top of a tip. `present`: the tip has all of it already. */
export type Applied =
  | {readonly kind: 'commit'; readonly commit: string}
  | {readonly kind: 'present'}
  | {readonly kind: 'conflict'; readonly files: readonly string[]};

/** Deletions, renames and directories that were renamed are told the same way whatever the user has configured. */
const MERGE_CONFIG = {
  'merge.directoryRenames': 'conflict',
  'merge.renormalize': 'false',
  'merge.renameLimit': '7000',
  'merge.default': 'text',
};

/**
 * Makes commits of changes on top of a tip, in the object store alone: no checkout, no index. What git calls a clean merge is
 * believed only when a second look finds all of the change in it; otherwise it counts as a conflict.
 */
export class ChangeApplier {
  readonly #root: string;
  /** Bases that are known to be ancestors of what we build on. */
  readonly #ancestors = new Set<string>();

  constructor(root: string) {
    this.#root = root;
  }

  /** The branch was moved by somebody else: it may have lost commits. */
  forget(): void {
    this.#ancestors.clear();
  }

  async apply(tip: string, item: MergeItem): Promise<Result<Applied, Failure>> {
    const {base, commit} = item.work;
    const trees = await this.#treesOf([tip, base, commit]);
    if (!trees.ok) return trees;
    const [tipTree = '', baseTree = '', workTree = ''] = trees.value;
    const merged =
      baseTree === tipTree ? ok(clean(workTree)) : await this.#merge(tip, item, {tipTree, baseTree, workTree});
    if (!merged.ok) return merged;
    const {tree, conflicts} = merged.value;
    if (conflicts.length > 0) return ok({kind: 'conflict', files: conflicts});
    if (tree === tipTree) return ok({kind: 'present'});
    const made = await this.#commit(tree, tip, item);
    return made.ok ? ok({kind: 'commit', commit: made.value}) : made;
  }

  async #merge(
    tip: string,
    {work}: MergeItem,
    trees: Readonly<Record<'tipTree' | 'baseTree' | 'workTree', string>>,
  ): Promise<Result<{tree: string; conflicts: readonly string[]}, Failure>> {
    const sides = await this.#sides(tip, work, trees);
    if (!sides.ok) return sides;
    const done = await git(['merge-tree', '--write-tree', '-z', '--name-only', '--no-messages', ...sides.value], {
      cwd: this.#root,
      config: MERGE_CONFIG,
      codes: [0, 1],
    });
    if (!done.ok) return done;
    const [tree = '', ...files] = done.value.stdout.split('\0').filter(part => part !== '');
    // A conflict may be about no file in particular.
    if (done.value.exitCode !== 0) return ok({tree, conflicts: files.length > 0 ? namesOf(files) : ['.']});
    const lost = await lostFiles(this.#root, {
      base: trees.baseTree,
      work: trees.workTree,
      tip: trees.tipTree,
      merged: tree,
    });
    return lost.ok ? ok({tree, conflicts: lost.value}) : lost;
  }

  /**
   * Two commits whose merge base is the commit that the work started from. They are the tip and the work themselves, unless
   * somebody has rewritten the branch: then stand-ins with the same files are made. (`--merge-base` needs git 2.40.)
   */
  async #sides(
    tip: string,
    {base, commit}: MergeItem['work'],
    {tipTree, baseTree, workTree}: Readonly<Record<'tipTree' | 'baseTree' | 'workTree', string>>,
  ): Promise<Result<readonly [string, string], Failure>> {
    if (!this.#ancestors.has(base)) {
      const asked = await git(['merge-base', '--is-ancestor', base, tip], {cwd: this.#root, codes: [0, 1]});
      if (!asked.ok) return asked;
      if (asked.value.exitCode === 0) this.#ancestors.add(base);
    }
    if (this.#ancestors.has(base)) return ok([tip, commit]);
    const root = await this.#standIn(baseTree);
    if (!root.ok) return root;
    const ours = await this.#standIn(tipTree, root.value);
    const theirs = await this.#standIn(workTree, root.value);
    if (!ours.ok) return ours;
    return theirs.ok ? ok([ours.value, theirs.value]) : theirs;
  }

  #standIn(tree: string, parent?: string): Promise<Result<string, Failure>> {
    const parents = parent === undefined ? [] : ['-p', parent];
    return gitText(['commit-tree', tree, ...parents], {cwd: this.#root, input: 'stand-in for a merge\n'});
  }

  async #treesOf(commits: readonly string[]): Promise<Result<readonly string[], Failure>> {
    const said = await gitText(['rev-parse', ...commits.map(each => `${each}^{tree}`)], {cwd: this.#root});
    return said.ok ? ok(said.value.split('\n')) : said;
  }

  #commit(tree: string, parent: string, {message, author}: MergeItem): Promise<Result<string, Failure>> {
    const env = {GIT_AUTHOR_NAME: author.name, GIT_AUTHOR_EMAIL: author.email};
    const config = {'i18n.commitEncoding': 'UTF-8'};
    return gitText(['commit-tree', tree, '-p', parent], {cwd: this.#root, input: message, env, config});
  }
}

function clean(tree: string): {tree: string; conflicts: readonly string[]} {
  return {tree, conflicts: []};
}

/** A file that stands in the way of a folder of its name is called `name~COMMIT` by git. */
function namesOf(files: readonly string[]): readonly string[] {
  return [...new Set(files.map(file => file.replace(/~[0-9a-f]{40,64}$/, '')))];
}
