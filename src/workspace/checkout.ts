import {existsSync, readFileSync, readdirSync, realpathSync, renameSync, rmSync} from 'node:fs';
import {chmod, readdir, rm} from 'node:fs/promises';
import {basename, dirname, join} from 'node:path';
import {fail, ok, type Result} from '../base/result.ts';
import type {Failure} from '../model/failure.ts';
import {git} from './git.ts';
import {Turns} from './turns.ts';

/** One worktree of godel's as git sees it. */
export interface Checkout {
  /** Absolute path of its root. */
  readonly folder: string;
  /** What git knows of it: a folder below `worktrees/` of the repository. */
  readonly admin: string;
}

/**
 * Large files of git-lfs stay pointers: worktrees are many. (Other filters do what the user's own checkout has them do.)
 */
export const NO_SMUDGE: Readonly<Record<string, string>> = {
  'filter.lfs.smudge': '',
  'filter.lfs.process': '',
  'filter.lfs.required': 'false',
};

/**
 * A new worktree at `base`, on no branch. git is told of one at a time: a second `worktree add` stumbles over the half-written record
 * of the first (other processes make worktrees as well: for that see `git`). Its files are written beside others.
 */
export async function addCheckout(
  place: {root: string; folder: string; base: string},
  oneAtATime = new Turns(1),
): Promise<Result<Checkout, Failure>> {
  // Forced twice: also when git still knows a worktree here whose folder has gone.
  const args = [
    'worktree',
    'add',
    '--quiet',
    '--force',
    '--force',
    '--no-checkout',
    '--detach',
    place.folder,
    place.base,
  ];
  const added = await oneAtATime.take(() => git(args, {cwd: place.root}));
  if (!added.ok) return added;
  const admin = adminOf(place.folder);
  if (admin === null) return fail({reason: 'workspace-failed', detail: `git made no worktree in ${place.folder}`});
  const options = {cwd: place.folder, config: NO_SMUDGE, timeoutMs: 30 * 60_000};
  const filled = await git(['reset', '--hard', '--quiet'], options);
  return filled.ok ? ok({folder: place.folder, admin}) : filled;
}

/** What git knows of the worktree in this folder; null when it is no intact worktree of its own. */
export function adminOf(folder: string): string | null {
  try {
    const admin = /^gitdir: (.+)\n?$/.exec(readFileSync(join(folder, '.git'), 'utf8'))?.[1];
    if (admin === undefined || basename(dirname(admin)) !== 'worktrees') return null;
    const back = dirname(readFileSync(join(admin, 'gitdir'), 'utf8').trimEnd());
    return realpathSync(back) === realpathSync(folder) ? admin : null;
  } catch {
    // Something of it is missing: it is none, then.
    return null;
  }
}

/**
 * The worktree in this folder, if it is an intact one of this repository. Whoever works in it can write a `.git` that leads elsewhere,
 * to a configuration of his own, by which our git would run programs and write files where he likes.
 */
export function checkoutOf(folder: string, gitFolder: string): Checkout | null {
  const admin = adminOf(folder);
  if (admin === null || !existsSync(gitFolder)) return null;
  return realpathSync(repositoryOf(admin)) === realpathSync(gitFolder) ? {folder, admin} : null;
}

/** The common git folder of the repository that a worktree belongs to. */
export function repositoryOf(admin: string): string {
  return dirname(dirname(admin));
}

/** What stays of a worktree's administration when it is given to somebody else; the rest belongs to what was going on in it. */
const LASTING = new Set(['HEAD', 'commondir', 'gitdir', 'index', 'info', 'config.worktree', 'logs', 'locked']);

/**
 * Brings a worktree in which nobody works to `base`, on no branch, whatever was left in it: changes, a rebase half done, locks of a
 * killed git, repositories within. Linked folders stay.
 */
export async function resetCheckout(
  {folder, admin}: Checkout,
  {base, linked}: {readonly base: string; readonly linked: readonly string[]},
): Promise<Result<void, Failure>> {
  for (const name of readdirSync(admin)) {
    if (!LASTING.has(name)) await rm(join(admin, name), {recursive: true, force: true});
  }
  // Said, not searched for: `core.worktree`, set in a worktree's own configuration, would have git write to another folder.
  const env = {GIT_DIR: admin, GIT_WORK_TREE: folder};
  const options = {cwd: folder, env, config: NO_SMUDGE, timeoutMs: 30 * 60_000};
  const out = await git(['checkout', '--quiet', '--force', '--detach', base], options);
  if (!out.ok) return out;
  const kept = linked.flatMap(path => ['--exclude', `/${escapePattern(path)}`]);
  const cleaned = await git(['clean', '-ffdxq', ...kept], options);
  return cleaned.ok ? ok(undefined) : cleaned;
}

/**
 * Whether a worktree can be given out again. Not after somebody has told git to look away from files in it, has checked out
 * submodules, or has configured something for it alone: git resets none of that. `root`: the checkout that it was made from.
 */
export async function isReusable({folder, admin}: Checkout, root: string): Promise<boolean> {
  if (existsSync(join(admin, 'modules'))) return false;
  const source = adminOf(root) ?? repositoryOf(admin);
  if (OWN_SETTINGS.some(name => readOr(join(admin, name), '') !== readOr(join(source, name), ''))) return false;
  const flags = await git(['ls-files', '-v', '-z'], {cwd: folder});
  const hidden = existsSync(join(admin, 'info', 'sparse-checkout')) ? /(?:^|\0)[a-z] / : /(?:^|\0)[a-zS] /;
  return flags.ok && !hidden.test(flags.value.stdout);
}

/** What is configured for one worktree; a new one begins with a copy. */
const OWN_SETTINGS = ['config.worktree', join('info', 'sparse-checkout')];

function readOr(file: string, none: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : none;
}

/** Locks of gits that were killed in a worktree where nobody works any more. */
export function removeLocks(admin: string): void {
  for (const name of readdirSync(admin)) if (name.endsWith('.lock')) rmSync(join(admin, name), {force: true});
}

/** Removes a worktree of godel's from the disk and from the repository, whatever state it is in. */
export async function removeCheckout({
  folder,
  admin,
}: {
  readonly folder: string;
  readonly admin: string | null;
}): Promise<void> {
  const doomed = `${folder}.gone-${process.pid}-${Date.now()}`;
  try {
    renameSync(folder, doomed);
    await removeTree(doomed);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  if (admin !== null) await rm(admin, {recursive: true, force: true});
}

/** Removes a folder, also one in which somebody has made folders read-only (Go's module cache does so). */
export async function removeTree(folder: string): Promise<void> {
  try {
    await rm(folder, {recursive: true, force: true, maxRetries: 3});
  } catch {
    await openFolders(folder);
    await rm(folder, {recursive: true, force: true});
  }
}

async function openFolders(folder: string): Promise<void> {
  await chmod(folder, 0o700);
  for (const entry of await readdir(folder, {withFileTypes: true})) {
    if (entry.isDirectory()) await openFolders(join(folder, entry.name));
  }
}

function escapePattern(path: string): string {
  return path.replaceAll(/[\\*?[\]!# ]/g, character => `\\${character}`);
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
