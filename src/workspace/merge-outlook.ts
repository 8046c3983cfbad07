import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {ok, type Result} from '../base/result.ts';
import type {Failure} from '../model/failure.ts';
import {git, gitPaths, gitText} from './git.ts';
import {lookAt} from './look-at.ts';

/** What merging a branch into a checkout would meet. Found without changing anything. */
export interface MergeOutlook {
  /** The branch that is checked out; null: HEAD is detached. */
  readonly into: string | null;
  /** Null: no commit yet. */
  readonly head: string | null;
  readonly tip: string;
  /** Commits that the checkout does not have yet. */
  readonly commits: number;
  readonly isFastForward: boolean;
  /** What is going on in the checkout and has to be ended first; null: nothing. */
  readonly busy: 'a merge' | 'a rebase' | 'a cherry-pick' | 'a revert' | null;
  /** Files with changes that are not committed, or that are not in git, which the merge would write to. */
  readonly inTheWay: readonly string[];
  /** Files with changes in the index. git commits them with a merge that is no fast-forward. */
  readonly staged: readonly string[];
  readonly conflicts: readonly string[];
}

export async function mergeOutlook(folder: string, branch: string): Promise<Result<MergeOutlook, Failure>> {
  const at = {cwd: folder};
  const tip = await gitText(['rev-parse', '--verify', `refs/heads/${branch}^{commit}`], at);
  if (!tip.ok) return tip;
  const head = await gitText(['rev-parse', '--verify', '--quiet', 'HEAD^{commit}'], {...at, codes: [0, 1]});
  if (!head.ok) return head;
  const into = await gitText(['symbolic-ref', '--quiet', '--short', 'HEAD'], {...at, codes: [0, 1]});
  if (!into.ok) return into;
  const busy = await busyWith(folder);
  if (!busy.ok) return busy;
  const range = head.value === '' ? tip.value : `${head.value}..${tip.value}`;
  const commits = await gitText(['rev-list', '--count', range], at);
  if (!commits.ok) return commits;
  const merged = await mergedTree(folder, head.value, tip.value);
  if (!merged.ok) return merged;
  const files = await filesInTheWay(folder, head.value, merged.value.tree);
  if (!files.ok) return files;
  return ok({
    into: into.value === '' ? null : into.value,
    head: head.value === '' ? null : head.value,
    tip: tip.value,
    commits: Number(commits.value),
    isFastForward: merged.value.isFastForward,
    busy: busy.value,
    ...files.value,
    conflicts: merged.value.conflicts,
  });
}

interface Merged {
  readonly tree: string;
  readonly isFastForward: boolean;
  readonly conflicts: readonly string[];
}

async function mergedTree(folder: string, head: string, tip: string): Promise<Result<Merged, Failure>> {
  if (head === '') return ok({tree: tip, isFastForward: true, conflicts: []});
  const ancestor = await git(['merge-base', '--is-ancestor', head, tip], {cwd: folder, codes: [0, 1]});
  if (!ancestor.ok) return ancestor;
  if (ancestor.value.exitCode === 0) return ok({tree: tip, isFastForward: true, conflicts: []});
  const args = ['merge-tree', '--write-tree', '-z', '--name-only', '--no-messages', '--allow-unrelated-histories'];
  const done = await git([...args, head, tip], {cwd: folder, codes: [0, 1]});
  if (!done.ok) return done;
  const [tree = '', ...conflicts] = done.value.stdout.split('\0').filter(part => part !== '');
  return ok({tree, isFastForward: false, conflicts: done.value.exitCode === 0 ? [] : conflicts});
}

async function filesInTheWay(
  folder: string,
  head: string,
  merged: string,
): Promise<Result<Pick<MergeOutlook, 'inTheWay' | 'staged'>, Failure>> {
  const top = {cwd: folder};
  const from = head === '' ? await gitText(['hash-object', '-t', 'tree', '--stdin'], top) : ok(head);
  if (!from.ok) return from;
  const list = (filter: string) =>
    gitPaths(['diff', '--name-only', '--no-renames', '-z', filter, from.value, merged], top);
  const touched = await list('--diff-filter=MDT');
  if (!touched.ok) return touched;
  const added = await list('--diff-filter=A');
  if (!added.ok) return added;
  const status = await gitPaths(['status', '--porcelain', '-z', '--no-renames', '--untracked-files=no'], top);
  if (!status.ok) return status;
  const dirty = new Set(status.value.map(entry => entry.slice(3)));
  // Also files that are ignored: git would write over them without a word.
  const there = added.value.filter(path => lookAt(join(folder, path)) !== undefined);
  return ok({
    inTheWay: [...touched.value.filter(path => dirty.has(path)), ...there],
    staged: status.value.filter(entry => !entry.startsWith(' ')).map(entry => entry.slice(3)),
  });
}

const SIGNS = {
  MERGE_HEAD: 'a merge',
  'rebase-merge': 'a rebase',
  'rebase-apply': 'a rebase',
  CHERRY_PICK_HEAD: 'a cherry-pick',
  REVERT_HEAD: 'a revert',
} as const;

/** What has been begun in a checkout and not been ended; null: nothing. */
export async function busyWith(folder: string): Promise<Result<MergeOutlook['busy'], Failure>> {
  const own = await gitText(['rev-parse', '--absolute-git-dir'], {cwd: folder});
  if (!own.ok) return own;
  for (const [name, what] of Object.entries(SIGNS)) if (existsSync(join(own.value, name))) return ok(what);
  return ok(null);
}
