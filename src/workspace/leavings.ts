import {existsSync, readdirSync, readFileSync, realpathSync, statSync} from 'node:fs';
import {rm} from 'node:fs/promises';
import {basename, dirname, join} from 'node:path';
import {identityOf} from '../os/process-identity.ts';
import {removeTree} from './checkout.ts';

const OLD_MS = 60 * 60_000;

/** Removes what killed processes have left in the folder of a pool: worktrees half removed, indexes of snapshots, locks of claims. */
export async function removeLeavings(folder: string): Promise<void> {
  for (const name of namesIn(folder)) {
    const path = join(folder, name);
    if (/\.gone-\d+-\d+$/.test(name)) await removeTree(path);
    else if (/\.index(?:\.lock)?$/.test(name) && (isOrphan(name) || isOld(path))) await rm(path, {force: true});
    // Held for an instant: of this age it is of somebody who was killed in it.
    else if (/\.json\.taking(?:-\d+)?$/.test(name) && isOld(path)) await rm(path, {force: true});
  }
}

/**
 * Makes a repository forget worktrees of a pool whose folders are gone. (`git worktree prune` would do so with the user's
 * own as well, and with those that somebody is making at this moment.)
 */
export async function removeStaleRecords(
  gitFolder: string,
  {folder, isOurs}: {readonly folder: string; readonly isOurs: (name: string) => boolean},
): Promise<void> {
  const records = join(gitFolder, 'worktrees');
  for (const name of namesIn(records)) {
    const worktree = worktreeOf(join(records, name));
    if (worktree === null && isUnfinished(join(records, name))) {
      await rm(join(records, name), {recursive: true, force: true});
    }
    if (worktree === null || dirname(worktree) !== realpathSync(folder)) continue;
    if (isOurs(basename(worktree)) && !existsSync(worktree))
      await rm(join(records, name), {recursive: true, force: true});
  }
}

function worktreeOf(record: string): string | null {
  try {
    return dirname(readFileSync(join(record, 'gitdir'), 'utf8').trimEnd());
  } catch {
    // Somebody is making it, or removing it.
    return null;
  }
}

/** A record takes git an instant to write. */
const UNFINISHED_AFTER_MS = 5000;

/** Whether a record was begun for a worktree with a name of godel's by a git that was killed: `git worktree prune` leaves it for ever. */
function isUnfinished(record: string): boolean {
  if (!/^(?:godel|merge)-\d+$/.test(basename(record)) || existsSync(join(record, 'gitdir'))) return false;
  const stats = statSync(record, {throwIfNoEntry: false});
  return stats !== undefined && Date.now() - stats.mtimeMs > UNFINISHED_AFTER_MS;
}

function namesIn(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

/** Whether the process is gone that has it, by the number that its name begins with. */
function isOrphan(name: string): boolean {
  const pid = Number.parseInt(name, 10);
  return pid > 0 && pid !== process.pid && identityOf(pid) === null;
}

function isOld(path: string): boolean {
  const stats = statSync(path, {throwIfNoEntry: false});
  return stats !== undefined && Date.now() - stats.mtimeMs > OLD_MS;
}
