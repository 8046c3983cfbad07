import {randomUUID} from 'node:crypto';
import {constants, copyFileSync, existsSync, lstatSync, rmSync} from 'node:fs';
import {delimiter, join} from 'node:path';
import {ok, type Result} from '../base/result.ts';
import type {Failure} from '../model/failure.ts';
import {NO_SMUDGE} from './checkout.ts';
import {git, gitPaths, gitText} from './git.ts';

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
    this.#index = join(of.scratch, `${randomUUID()}.index`);
  }

  async prepare(by: 'their-index' | 'fresh-index'): Promise<Result<void, Failure>> {
    const {admin, base} = this.#of;
    const theirs = admin === null ? null : join(admin, 'index');
    if (by === 'their-index' && theirs !== null && existsSync(theirs)) {
      copyFileSync(theirs, this.#index, constants.COPYFILE_FICLONE);
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
    const there = await gitPaths(listing, this.#options());
    if (!there.ok) return there;
    const nested = there.value.filter(path => path.endsWith('/')).map(path => path.slice(0, -1));
    const huge = there.value.filter(path => this.#isHuge(path));
    this.#leftOut.push(...huge);
    const added = await this.#add([...this.#linked(), ...nested, ...huge]);
    if (!added.ok) return added;
    for (const path of nested) {
      const taken = await this.#takeRepository(path);
      if (!taken.ok) return taken;
    }
    const first = await this.#write();
    if (!first.ok) return first;
    const strangers = await this.#withoutSubmodules(first.value.gitlinks);
    for (const path of strangers) {
      const dropped = await this.#git(['update-index', '--force-remove', '-z', '--stdin'], {input: path});
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

  async #add(except: readonly string[]): Promise<Result<void, Failure>> {
    const input = [':/', ...except.map(path => `:(top,exclude,literal)${path}`)].join('\0');
    const args = ['add', '--all', '--sparse', '--ignore-errors', '--pathspec-from-file=-', '--pathspec-file-nul'];
    const run = () => this.#git(args, {input, codes: [0, 1], timeoutMs: ADD_TIMEOUT_MS});
    let added = await run();
    // A file may have gone or changed while it was read; what fails twice is left out.
    if (added.ok && added.value.exitCode === 1) added = await run();
    if (!added.ok) return added;
    for (const [, path] of added.value.stderr.matchAll(/unable to index file '(.+)'/g)) {
      if (path !== undefined && existsSync(join(this.#within.workTree, path))) this.#leftOut.push(path);
    }
    return ok(undefined);
  }

  /** Writes the index as a tree. `gitlinks`: paths at which it has a commit of another repository and `base` has not. */
  async #write(): Promise<Result<{tree: string; change: Change; gitlinks: readonly string[]}, Failure>> {
    const tree = await gitText(['write-tree'], this.#options());
    if (!tree.ok) return tree;
    const before = this.#within.depth === 0 ? ok(`${this.#of.base}^{tree}`) : await this.#emptyTree();
    if (!before.ok) return before;
    const args = ['diff-tree', '-r', '--raw', '--numstat', '--no-renames', '-z', before.value, tree.value];
    const diff = await git(args, this.#options());
    return diff.ok ? ok({tree: tree.value, ...readDiff(diff.value.stdout)}) : diff;
  }

  /** Repositories that were added as if they were submodules, without being any: git would keep no file of them. */
  async #withoutSubmodules(gitlinks: readonly string[]): Promise<readonly string[]> {
    if (gitlinks.length === 0) return [];
    const args = ['config', '--file', '.gitmodules', '--get-regexp', '\\.path$'];
    const listed = await git(args, {cwd: this.#within.workTree, codes: [0, 1]});
    const modules = listed.ok ? listed.value.stdout.split('\n').map(line => line.slice(line.indexOf(' ') + 1)) : [];
    return gitlinks.filter(path => !modules.includes(path));
  }

  async #takeRepository(path: string): Promise<Result<void, Failure>> {
    if (this.#within.depth === MAX_DEPTH) {
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

  #isHuge(path: string): boolean {
    const stats = lstatSync(join(this.#within.workTree, path), {throwIfNoEntry: false});
    return stats !== undefined && stats.isFile() && stats.size > MAX_FILE_BYTES;
  }

  #git(args: readonly string[], more: {codes?: number[]; input?: string; timeoutMs?: number} = {}) {
    return git(args, {...this.#options(), ...more});
  }

  #options() {
    const {admin, gitFolder} = this.#of;
    const gitDir = admin !== null && existsSync(join(admin, 'HEAD')) ? admin : gitFolder;
    const env = {GIT_DIR: gitDir, GIT_WORK_TREE: this.#within.workTree, GIT_INDEX_FILE: this.#index};
    return {cwd: this.#within.workTree, env, config: hasLfs(process.env['PATH']) ? {} : NO_LFS};
  }
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
      paths.push(path);
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
