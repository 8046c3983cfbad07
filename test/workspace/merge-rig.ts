import {execFileSync} from 'node:child_process';
import {mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import type {MergeItem, MergeQueue, MergeQueueOptions} from '../../src/workspace/merge.ts';
import {openMergeQueue} from '../../src/workspace/merge-queue.ts';

/** A file of a change: its text or bytes; null removes it; an object says its mode too. */
export type Content = string | Buffer | null | {readonly mode: string; readonly data: string};

/** A repository with one commit and a queue for the team `audit`; changes are made in it without a checkout. */
export class MergeRig implements AsyncDisposable {
  readonly root: string;
  readonly base: string;
  readonly #queues: MergeQueue[] = [];
  #attempts = 0;

  constructor(files: Readonly<Record<string, Content>> = {'README.md': 'hello\n'}) {
    this.root = realpathSync(mkdtempSync(join(tmpdir(), 'godel-merge-')));
    this.git(['init', '--quiet', '--initial-branch=main']);
    this.base = this.commit(null, files, 'base');
    this.git(['reset', '--quiet', '--hard', this.base]);
  }

  get branch(): string {
    return 'godel/audit';
  }

  git(
    args: readonly string[],
    {input, env = {}}: {input?: string | Buffer; env?: Record<string, string>} = {},
  ): string {
    return execFileSync('git', args, {
      cwd: this.root,
      encoding: 'utf8',
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {PATH: process.env['PATH'], HOME: this.root, ...IDENTITY, ...env},
      ...(input === undefined ? {} : {input}),
    }).trimEnd();
  }

  /** A commit with the parent's files and these over them. */
  commit(parent: string | null, files: Readonly<Record<string, Content>>, message = 'work'): string {
    const chunks: Buffer[] = [
      Buffer.from(`commit refs/tmp/import\nmark :1\ncommitter a <a@b> now\n${data(message)}\n`),
    ];
    if (parent !== null) chunks.push(Buffer.from(`from ${parent}\n`));
    for (const [path, content] of Object.entries(files)) chunks.push(fileChange(path, content));
    const input = Buffer.concat([...chunks, Buffer.from('\nget-mark :1\n')]);
    return this.git(['fast-import', '--quiet', '--force', '--date-format=now'], {input});
  }

  /** The change of an attempt, as its host would have kept it. */
  item(files: Readonly<Record<string, Content>>, {base = this.base, task = 'task'} = {}): MergeItem {
    const attempt = ++this.#attempts;
    const commit = this.commit(base, files);
    const ref = `refs/godel/audit/${task}/${attempt}`;
    this.git(['update-ref', ref, commit]);
    const work = {commit, base, ref, files: Object.keys(files).length, insertions: 1, deletions: 0};
    const author = {name: 'audit-01', email: 'audit-01@godel.invalid'};
    return {attempt, task, work, message: `${task}: change ${attempt}\n`, author};
  }

  queue(options: Partial<MergeQueueOptions> = {}): MergeQueue {
    const queue = openMergeQueue({...this.options, ...options});
    this.#queues.push(queue);
    return queue;
  }

  get options(): MergeQueueOptions {
    return {
      repository: {
        root: this.root,
        gitFolder: join(this.root, '.git'),
        prefix: '',
        base: this.base,
        branch: this.branch,
        checkedOut: 'main',
        dirtyFiles: 0,
      },
      key: 'store.1',
      folder: join(this.root, '.godel', 'worktrees', 'merge'),
      verify: null,
    };
  }

  /** The text of a file at the tip of the team's branch; null when it is not there. */
  read(path: string, at = this.branch): string | null {
    try {
      return this.git(['cat-file', 'blob', `${at}:${path}`]);
    } catch {
      return null;
    }
  }

  log(): string[] {
    return this.git(['log', '--reverse', '--format=%s', `${this.base}..${this.branch}`])
      .split('\n')
      .filter(Boolean);
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.root, path)), {recursive: true});
    writeFileSync(join(this.root, path), text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#queues.map(queue => queue[Symbol.asyncDispose]()));
    rmSync(this.root, {recursive: true, force: true, maxRetries: 3});
  }
}

const IDENTITY = {
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.com',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.com',
};

function fileChange(path: string, content: Content): Buffer {
  if (content === null) return Buffer.from(`D ${path}\n`);
  if (typeof content === 'string' || Buffer.isBuffer(content)) {
    const bytes = Buffer.from(content);
    return Buffer.concat([Buffer.from(`M 100644 inline ${path}\ndata ${bytes.length}\n`), bytes, Buffer.from('\n')]);
  }
  if (content.mode === '160000') return Buffer.from(`M 160000 ${content.data} ${path}\n`);
  return Buffer.from(`M ${content.mode} inline ${path}\n${data(content.data)}\n`);
}

function data(text: string): string {
  return `data ${Buffer.byteLength(text)}\n${text}`;
}
