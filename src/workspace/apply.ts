import {ok, type Result} from '../base/result.ts';
import type {Failure} from '../model/failure.ts';
import {NO_SMUDGE} from './checkout.ts';
import {git, gitPaths} from './git.ts';

/**
 * Puts the change of a commit on top of what is checked out, uncommitted. Where both change the same lines the file holds both sides
 * and what they came from, between conflict markers, and git shows it as unmerged. Returns the files that do not fit.
 */
export async function applyCommit(commit: string, folder: string): Promise<Result<readonly string[], Failure>> {
  const args = ['cherry-pick', '--no-commit', '--allow-empty', commit];
  const picked = await git(args, {cwd: folder, config: NO_SMUDGE, codes: [0, 1]});
  if (!picked.ok) return picked;
  if (picked.value.exitCode === 0) return ok([]);
  const unmerged = await gitPaths(['diff', '--name-only', '--diff-filter=U', '-z'], {cwd: folder});
  if (!unmerged.ok || unmerged.value.length > 0) return unmerged;
  return git(args, {cwd: folder, config: NO_SMUDGE}).then(again => (again.ok ? ok([]) : again));
}

/** Makes the files of a checkout those of a commit on top of it, as uncommitted changes. */
export async function restoreFiles(commit: string, folder: string): Promise<Result<readonly string[], Failure>> {
  const args = [
    'restore',
    `--source=${commit}`,
    '--worktree',
    '--no-overlay',
    '--ignore-skip-worktree-bits',
    '--',
    ':/',
  ];
  const restored = await git(args, {cwd: folder, config: NO_SMUDGE});
  return restored.ok ? ok([]) : restored;
}
