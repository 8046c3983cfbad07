import {existsSync, realpathSync, statSync} from 'node:fs';
import {dirname, join} from 'node:path';

/**
 * The project that a folder belongs to, as a real path: the nearest folder upwards that has a `.godel` folder, else the
 * one that has `.git` (a folder, or a file in worktrees and submodules), else the folder itself.
 */
export function findProject(cwd: string): string {
  const start = realpathSync(cwd);
  return nearest(start, hasGodelFolder) ?? nearest(start, folder => existsSync(join(folder, '.git'))) ?? start;
}

function nearest(start: string, matches: (folder: string) => boolean): string | null {
  for (let folder = start; ; folder = dirname(folder)) {
    if (matches(folder)) return folder;
    if (dirname(folder) === folder) return null;
  }
}

function hasGodelFolder(folder: string): boolean {
  return statSync(join(folder, '.godel'), {throwIfNoEntry: false})?.isDirectory() ?? false;
}
