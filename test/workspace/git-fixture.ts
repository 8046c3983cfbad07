import {execFileSync} from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join, relative} from 'node:path';
import type {WorkspaceSettings} from '../../src/model/agent-settings.ts';
import {openPool} from '../../src/workspace/pool.ts';
import {refOf} from '../../src/workspace/ref-names.ts';
import type {CommitText, WorkspaceRequest} from '../../src/workspace/workspace.ts';

export const MESSAGE: CommitText = {subject: 'Do the task', author: {name: 'Agent', email: 'agent@example.com'}};

/** What a file holds, a program (`x`), or where a link leads. */
export type Entry = string | Buffer | {readonly link: string} | {readonly x: string};

/** A real git repository in a temporary folder, with the user's checkout in it. */
export class GitFixture implements Disposable {
  readonly temp = realpathSync(mkdtempSync(join(tmpdir(), 'godel-ws-')));
  readonly root = join(this.temp, 'repo');
  readonly gitFolder = join(this.root, '.git');
  readonly poolFolder = join(this.root, '.godel', 'worktrees');

  constructor(files: Readonly<Record<string, Entry>> = {'a.txt': 'a\n', 'dir/b.txt': 'b\n'}) {
    mkdirSync(this.root);
    this.git('init', '--quiet', '--initial-branch=main');
    mkdirSync(this.poolFolder, {recursive: true});
    writeFileSync(join(this.root, '.godel', '.gitignore'), '*\n');
    if (Object.keys(files).length > 0) this.commit(files);
  }

  /** As the user would, with no configuration but what is needed. */
  git(...args: readonly string[]): string {
    return gitIn(this.root, ...args);
  }

  commit(files: Readonly<Record<string, Entry | null>>, folder = this.root): string {
    write(folder, files);
    gitIn(folder, 'add', '--all');
    gitIn(folder, 'commit', '--quiet', '--allow-empty', '-m', 'Change files');
    return gitIn(folder, 'rev-parse', 'HEAD');
  }

  get head(): string {
    return this.git('rev-parse', 'HEAD');
  }

  pool(settings: Partial<WorkspaceSettings> = {}) {
    return openPool({folder: this.poolFolder, settings: {link: [], quotaBytes: null, ...settings}});
  }

  request(attempt: number, more: Partial<WorkspaceRequest> = {}): WorkspaceRequest {
    const ref = refOf({team: 'audit', task: 'fix', attempt});
    const {root, gitFolder} = this;
    return {root, gitFolder, base: this.head, apply: null, ref, attempt, resume: null, ...more};
  }

  /** Everything of the user's that must not change: files, index, configuration, branches, stash, status. */
  users(): Readonly<Record<string, string>> {
    const tree = treeOf(this.root, {except: ['.git', '.godel']});
    const bytes = (name: string) => {
      const file = join(this.gitFolder, name);
      return lstatSync(file, {throwIfNoEntry: false}) === undefined ? '-' : readFileSync(file).toString('base64');
    };
    return {
      ...tree,
      ...Object.fromEntries(
        ['index', 'HEAD', 'config', 'info/exclude', 'refs/stash'].map(name => [`.git/${name}`, bytes(name)]),
      ),
      refs: this.git(
        'for-each-ref',
        '--format=%(refname) %(objectname)',
        'refs/heads',
        'refs/tags',
        'refs/stash',
        'refs/remotes',
      ),
      status: this.git('status', '--porcelain=v2', '--branch', '--untracked-files=all'),
    };
  }

  [Symbol.dispose](): void {
    rmSync(this.temp, {recursive: true, force: true});
  }
}

export function gitIn(folder: string, ...args: readonly string[]): string {
  return execFileSync('git', args, {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      HOME: '/nonexistent',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_OPTIONAL_LOCKS: '0',
      GIT_AUTHOR_NAME: 'User',
      GIT_AUTHOR_EMAIL: 'user@example.com',
      GIT_COMMITTER_NAME: 'User',
      GIT_COMMITTER_EMAIL: 'user@example.com',
    },
  }).trimEnd();
}

export function write(folder: string, files: Readonly<Record<string, Entry | null>>): void {
  for (const [path, entry] of Object.entries(files)) {
    const file = join(folder, path);
    rmSync(file, {recursive: true, force: true});
    if (entry === null) continue;
    mkdirSync(dirname(file), {recursive: true});
    if (typeof entry === 'string' || Buffer.isBuffer(entry)) writeFileSync(file, entry);
    else if ('link' in entry) symlinkSync(entry.link, file);
    else {
      writeFileSync(file, entry.x);
      chmodSync(file, 0o755);
    }
  }
}

/** Every file and link below a folder, by path: what git can keep of it. */
export function treeOf(folder: string, {except = ['.git']}: {except?: readonly string[]} = {}): Record<string, string> {
  const found: Record<string, string> = {};
  const visit = (at: string) => {
    for (const entry of readdirSync(at, {withFileTypes: true})) {
      const path = join(at, entry.name);
      if (except.includes(entry.name)) continue;
      if (entry.isDirectory()) visit(path);
      else if (entry.isSymbolicLink()) found[relative(folder, path)] = `-> ${readlinkSync(path)}`;
      else if (entry.isFile()) {
        const mode = (lstatSync(path).mode & 0o100) === 0 ? 'file' : 'program';
        found[relative(folder, path)] = `${mode} ${readFileSync(path).toString('base64')}`;
      }
    }
  };
  visit(folder);
  return found;
}

/** The files of a commit, as `treeOf` tells them. */
export function treeOfCommit(fixture: GitFixture, commit: string): Record<string, string> {
  const folder = join(fixture.temp, `look-${commit}`);
  fixture.git('worktree', 'add', '--quiet', '--detach', folder, commit);
  const tree = treeOf(folder);
  fixture.git('worktree', 'remove', '--force', folder);
  return tree;
}

/** The value of a result that must be one. */
export function must<T>(
  result: {readonly ok: true; readonly value: T} | {readonly ok: false; readonly failure: unknown},
): T {
  if (result.ok) return result.value;
  throw new Error(`failed: ${JSON.stringify(result.failure)}`);
}
