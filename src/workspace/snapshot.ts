import {randomUUID} from 'node:crypto';
import {accessSync, constants, copyFileSync, existsSync, rmSync, statSync, utimesSync} from 'node:fs';
import {delimiter, join, posix} from 'node:path';
import {fail, ok, type Result} from '../base/result.ts';
import type {Failure} from '../model/failure.ts';
import {tellingLine} from '../model/telling-line.ts';
import {NO_SMUDGE} from './checkout.ts';
import {git, gitText} from './git.ts';
import {lookAt} from './look-at.ts';

export interface SnapshotOf {
  /** The worktree: only read, index included. */
  readonly folder: string;
  /** What git knows of it; may be gone. */
  readonly admin: string | null;
  readonly gitFolder: string;
  readonly base: string;
  /** Paths of linked folders, which are no part of the work. */
  readonly linked: readonly string[];
  /** Where the index of the snapshot is written; outside of the worktree. */
  readonly scratch: string;
}

export interface Snapshot {
  /** A tree of all that is in the worktree and not ignored. */
  readonly tree: string;
  /** How the tree differs from `base`. */
  readonly change: Change;
  /** Files that are not in the tree because they are too large or could not be read. */
  readonly leftOut: readonly string[];
  /** Repositories made within, whose files are in the tree as any others. */
  readonly repositories: readonly string[];
}

export interface Change {
  /** Relative to the root of the worktree. */
  readonly paths: readonly string[];
  readonly insertions: number;
  readonly deletions: number;
}

/** GitHub's limit; a file of this size in a branch is trouble for everybody who gets it. */
const MAX_FILE_BYTES = 100 * 2 ** 20;
const MAX_DEPTH = 5;
/** How often one path is tried, and how often all of them are. */
const MAX_TRIES = 3;
const MAX_ROUNDS = 200;
/** Without git-lfs its pointers are files like any others; git refuses to add them as soon as it is told to use it. */
const NO_LFS = {...NO_SMUDGE, 'filter.lfs.clean': ''};
/** An add can be long: it reads every changed file. */
const ADD_TIMEOUT_MS = 30 * 60_000;

/**
 * Stores what is in a worktree as a tree, by way of an index of its own, so that nobody who works there notices. Works also when
 * somebody has removed or replaced the worktree's `.git`, or broken its index.
 */
export async function takeSnapshot(of: SnapshotOf): Promise<Result<Snapshot, Failure>> {
  const first = await snapshotBy(of, 'their-index');
  // Theirs may be broken, or half written by a git that was killed. Without it every file is read again.
  return first.ok ? first : snapshotBy(of, 'fresh-index');
}

async function snapshotBy(of: SnapshotOf, by: 'their-index' | 'fresh-index'): Promise<Result<Snapshot, Failure>> {
  const shot = new Shot(of, {workTree: of.folder, depth: 0});
  try {
    const ready = await shot.prepare(by);
    return ready.ok ? await shot.take() : ready;
  } finally {
    shot.dispose();
  }
}

interface Within {
  readonly workTree: string;
  readonly depth: number;
}

/** One index being filled: of the worktree, or of a repository within it. */
class Shot {
  readonly #of: SnapshotOf;
  readonly #within: Within;
  readonly #index: string;
  readonly #leftOut: string[] = [];
  readonly #repositories: string[] = [];

  constructor(of: SnapshotOf, within: Within) {
    this.#of = of;
    this.#within = within;
    this.#index = join(of.scratch, `${process.pid}-${randomUUID()}.index`);
  }

  async prepare(by: 'their-index' | 'fresh-index'): Promise<Result<void, Failure>> {
    const {admin, base} = this.#of;
    const theirs = admin === null ? null : join(admin, 'index');
    if (by === 'their-index' && theirs !== null && existsSync(theirs)) {
      copyFileSync(theirs, this.#index, constants.COPYFILE_FICLONE);
      // git looks into files that are as old as their index: they may have been changed in the second of the checkout.
      const writtenAt = Math.floor(statSync(theirs).mtimeMs / 1000);
      utimesSync(this.#index, writtenAt, writtenAt);
      // Also files that git was told to look away from.
      const refreshed = await this.#git(['update-index', '-q', '--unmerged', '--really-refresh'], {codes: [0, 1]});
      return refreshed.ok ? ok(undefined) : refreshed;
    }
    const read = await this.#git(['read-tree', base]);
    return read.ok ? ok(undefined) : read;
  }

  async take(): Promise<Result<Snapshot, Failure>> {
    const unlinked = await this.#dropLinked();
    if (!unlinked.ok) return unlinked;
    const besides = this.#linked().map(path => `:(top,exclude,literal)${path}`);
    const listing = ['ls-files', '--others', '--modified', '--exclude-standard', '-z', '--', ':/', ...besides];
    const listed = await this.#git(listing);
    if (!listed.ok) return listed;
    for (const [, folder] of listed.value.stderr.matchAll(/could not open directory '(.+)\/'/g)) {
      if (folder !== undefined) this.#leftOut.push(folder);
    }
    const there = listed.value.bytes.toString('latin1').split('\0');
    const nested = there.filter(path => path.endsWith('/')).map(path => path.slice(0, -1));
    const added = await this.#add(there.filter(path => path !== '' && !path.endsWith('/')));
    if (!added.ok) return added;
    for (const path of nested) {
      const taken = await this.#takeRepository(path);
      if (!taken.ok) return taken;
    }
    const first = await this.#write();
    if (!first.ok) return first;
    const strangers = await this.#withoutSubmodules(first.value.gitlinks);
    for (const path of strangers) {
      const dropped = await this.#git(['update-index', '--force-remove', '-z', '--stdin'], {input: bytesOf(path)});
      if (!dropped.ok) return dropped;
      const taken = await this.#takeRepository(path);
      if (!taken.ok) return taken;
    }
    const written = strangers.length === 0 ? first : await this.#write();
    if (!written.ok) return written;
    const {tree, change} = written.value;
    return ok({tree, change, leftOut: this.#leftOut.toSorted(), repositories: this.#repositories.toSorted()});
  }

  dispose(): void {
    for (const file of [this.#index, `${this.#index}.lock`]) rmSync(file, {force: true});
  }

  /** Agents add and commit what is linked, as `node_modules/` in .gitignore does not match a symbolic link. */
  async #dropLinked(): Promise<Result<void, Failure>> {
    if (this.#linked().length === 0) return ok(undefined);
    const paths = this.#linked().map(path => `:(top,literal)${path}`);
    const args = ['rm', '-r', '--cached', '--force', '--quiet', '--ignore-unmatch', '--sparse', '--', ...paths];
    const done = await this.#git(args);
    return done.ok ? ok(undefined) : done;
  }

  /**
   * Brings the index up to date with files that are new, changed or gone. Somebody may be at work: what goes away or changes while it
   * is read makes git give up as a whole (`git add` even when it only looks), so that it is told of each path, and begins again.
   */
  async #add(paths: readonly string[]): Promise<Result<void, Failure>> {
    const sorted = sortPaths(this.#within.workTree, [...new Set(paths)]);
    this.#leftOut.push(...sorted.leftOut.map(textOf));
    const removed = await this.#update(['--force-remove'], sorted.removed);
    if (!removed.ok) return removed;
    const tries = new Map<string, number>();
    let rest = sorted.rest;
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const added = await this.#update(['--add', '--remove', '--replace'], rest);
      if (!added.ok || added.value === null) return added.ok ? ok(undefined) : added;
      const path = added.value;
      const times = (tries.get(path) ?? 0) + 1;
      tries.set(path, times);
      if (times < MAX_TRIES) continue;
      rest = rest.filter(each => each !== path);
      this.#leftOut.push(textOf(path));
    }
    const detail = `its files change too fast to be kept, among them ${textOf([...tries.keys()][0] ?? '')}`;
    return fail({reason: 'workspace-failed', detail});
  }

  /** Updates these paths in the index, or none of them: then it returns the path that could not be. */
  async #update(how: readonly string[], paths: readonly string[]): Promise<Result<string | null, Failure>> {
    if (paths.length === 0) return ok(null);
    const more = {input: bytesOf(paths.join('\0')), codes: [0, 128], timeoutMs: ADD_TIMEOUT_MS};
    const done = await this.#git(['update-index', ...how, '-z', '--stdin'], more);
    if (!done.ok || done.value.exitCode === 0) return done.ok ? ok(null) : done;
    const named = /^fatal: Unable to process path (.+)$/ms.exec(done.value.stderr)?.[1]?.replace(/\n$/, '');
    const path = paths.find(each => textOf(each) === named);
    if (path !== undefined) return ok(path);
    return fail({
      reason: 'git-failed',
      detail: `git update-index: ${tellingLine(done.value.stderr, 300) ?? 'it failed'}`,
    });
  }

  /** Writes the index as a tree. `gitlinks`: paths at which it has a commit of another repository and `base` has not. */
  async #write(): Promise<Result<{tree: string; change: Change; gitlinks: readonly string[]}, Failure>> {
    const tree = await gitText(['write-tree'], this.#options());
    if (!tree.ok) return tree;
    const before = this.#within.depth === 0 ? ok(`${this.#of.base}^{tree}`) : await this.#emptyTree();
    if (!before.ok) return before;
    const args = ['diff-tree', '-r', '--raw', '--numstat', '--no-renames', '-z', before.value, tree.value];
    const diff = await git(args, this.#options());
    return diff.ok ? ok({tree: tree.value, ...readDiff(diff.value.bytes.toString('latin1'))}) : diff;
  }

  /** Repositories that were added as if they were submodules, without being any: git would keep no file of them. */
  async #withoutSubmodules(gitlinks: readonly string[]): Promise<readonly string[]> {
    if (gitlinks.length === 0) return [];
    const args = ['config', '--file', '.gitmodules', '--get-regexp', '\\.path$'];
    const listed = await git(args, {cwd: this.#within.workTree, codes: [0, 1]});
    const modules = listed.ok ? listed.value.stdout.split('\n').map(line => line.slice(line.indexOf(' ') + 1)) : [];
    return gitlinks.filter(path => !modules.includes(textOf(path)));
  }

  async #takeRepository(bytes: string): Promise<Result<void, Failure>> {
    const path = textOf(bytes);
    // git is told of it by an argument, which is text.
    if (this.#within.depth === MAX_DEPTH || !Buffer.from(path).equals(bytesOf(bytes))) {
      this.#leftOut.push(path);
      return ok(undefined);
    }
    const within = {workTree: join(this.#within.workTree, path), depth: this.#within.depth + 1};
    const shot = new Shot({...this.#of, linked: []}, within);
    try {
      const taken = await shot.take();
      if (!taken.ok) return taken;
      this.#repositories.push(path, ...taken.value.repositories.map(each => `${path}/${each}`));
      this.#leftOut.push(...taken.value.leftOut.map(each => `${path}/${each}`));
      const read = await this.#git(['read-tree', `--prefix=${path}/`, taken.value.tree]);
      return read.ok ? ok(undefined) : read;
    } finally {
      shot.dispose();
    }
  }

  #emptyTree(): Promise<Result<string, Failure>> {
    return gitText(['hash-object', '-t', 'tree', '-w', '--stdin'], this.#options());
  }

  #linked(): readonly string[] {
    return this.#within.depth === 0 ? this.#of.linked : [];
  }

  #git(args: readonly string[], more: {codes?: number[]; input?: Buffer; timeoutMs?: number} = {}) {
    return git(args, {...this.#options(), ...more});
  }

  #options() {
    const {admin, gitFolder} = this.#of;
    const gitDir = admin !== null && existsSync(join(admin, 'HEAD')) ? admin : gitFolder;
    const env = {GIT_DIR: gitDir, GIT_WORK_TREE: this.#within.workTree, GIT_INDEX_FILE: this.#index};
    return {cwd: this.#within.workTree, env, config: hasLfs(process.env['PATH']) ? {} : NO_LFS};
  }
}

/**
 * A name on disk is bytes, and seldom not UTF-8. Until it is told to somebody a path here has one character for each of its bytes, so
 * that git and the file system get back what they have said.
 */
function bytesOf(path: string): Buffer {
  return Buffer.from(path, 'latin1');
}

function textOf(path: string): string {
  return bytesOf(path).toString('utf8');
}

function placeOf(workTree: string, path: string): Buffer {
  return Buffer.concat([Buffer.from(`${workTree}/`), bytesOf(path)]);
}

function hasLfs(path = ''): boolean {
  return path.split(delimiter).some(folder => existsSync(join(folder, 'git-lfs')));
}

/** What `diff-tree --raw --numstat -z` says: the raw entries with their paths first, then the counts. */
function readDiff(text: string): {change: Change; gitlinks: readonly string[]} {
  const fields = text.split('\0');
  const paths: string[] = [];
  const gitlinks: string[] = [];
  let insertions = 0;
  let deletions = 0;
  for (let index = 0; index < fields.length - 1; index += 1) {
    const field = fields[index] ?? '';
    if (field.startsWith(':')) {
      const path = fields[index + 1] ?? '';
      paths.push(textOf(path));
      if (/^:(?!160000)\d+ 160000 /.test(field)) gitlinks.push(path);
      index += 1;
    } else {
      const [added, removed] = field.split('\t', 2);
      // A dash: the file is binary.
      insertions += Number(added) || 0;
      deletions += Number(removed) || 0;
    }
  }
  return {change: {paths, insertions, deletions}, gitlinks};
}

interface SortedPaths {
  readonly leftOut: readonly string[];
  /** In a folder that is a symbolic link now, so that git cannot look at them. */
  readonly removed: readonly string[];
  readonly rest: readonly string[];
}

function sortPaths(workTree: string, paths: readonly string[]): SortedPaths {
  const links = new Map<string, boolean>();
  const isBeyondLink = (path: string): boolean => {
    const folder = posix.dirname(path);
    if (folder === '.') return false;
    const known = links.get(folder) ?? (isBeyondLink(folder) || isLink(placeOf(workTree, folder)));
    links.set(folder, known);
    return known;
  };
  const removed = paths.filter(isBeyondLink);
  const others = paths.filter(path => links.get(posix.dirname(path)) !== true);
  const leftOut = others.filter(path => isTooMuch(placeOf(workTree, path)));
  const out = new Set(leftOut);
  return {leftOut, removed, rest: others.filter(path => !out.has(path))};
}

function isLink(path: Buffer): boolean {
  return lookAt(path)?.isSymbolicLink() ?? false;
}

/** Too large, or closed to us. */
function isTooMuch(path: Buffer): boolean {
  try {
    const stats = lookAt(path);
    if (!stats?.isFile()) return false;
    accessSync(path, constants.R_OK);
    return stats.size > MAX_FILE_BYTES;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EACCES';
  }
}
