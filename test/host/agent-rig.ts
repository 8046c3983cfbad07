import {execFileSync} from 'node:child_process';
import {chmodSync, cpSync, existsSync, mkdirSync, readdirSync, writeFileSync} from 'node:fs';
import {join, resolve} from 'node:path';
import type {AttemptOutcome} from '../../src/model/attempt.ts';
import type {AttemptOrder, PromptWork, TeamOpening, WorkspaceOrder} from '../../src/wire/host-protocol.ts';
import {until} from '../rig/until.ts';
import {type HostOptions, HostRig} from './host-rig.ts';

/** What the fake agent does, one after the other; see `fake-claude.mjs`. */
export type Steps = readonly Readonly<Record<string, unknown>>[];

type Changes = Partial<Omit<AttemptOrder, 'work' | 'workspace'>> & {
  readonly work?: Partial<PromptWork>;
  readonly workspace?: Partial<WorkspaceOrder>;
};

/** A host in a project that is a git repository, with a coding agent on the PATH of its team. */
export class AgentRig implements AsyncDisposable {
  readonly host: HostRig;
  readonly base: string;

  static async start(options: HostOptions & {readonly team?: Partial<TeamOpening>} = {}): Promise<AgentRig> {
    const host = await HostRig.start(options);
    const rig = new AgentRig(host);
    rig.openTeam(options.team);
    return rig;
  }

  private constructor(host: HostRig) {
    this.host = host;
    const bin = join(host.folder, 'bin');
    mkdirSync(bin);
    cpSync(resolve('test/host/fake-claude.mjs'), join(bin, 'claude'));
    chmodSync(join(bin, 'claude'), 0o755);
    this.git('init', '--quiet', '--initial-branch=main');
    writeFileSync(join(host.work, '.gitignore'), '.godel/\n*.tmp\n');
    writeFileSync(join(host.work, 'a.txt'), 'one\n');
    this.git('add', '.');
    this.git('commit', '--quiet', '-m', 'first');
    this.base = this.git('rev-parse', 'HEAD');
  }

  openTeam({env, ...team}: Partial<TeamOpening> = {}): void {
    const {PATH = ''} = process.env;
    const path = [join(this.host.folder, 'bin'), PATH].join(':');
    this.host.openTeam({PATH: path, HOME: this.host.folder, ...env}, 0o022, team);
  }

  /** An order that has the fake agent do these steps in a worktree. */
  order(attempt: number, steps: Steps, {work, workspace, ...changes}: Changes = {}): AttemptOrder {
    return {
      ...this.inWorktree(this.host.order(attempt, '', {cwd: '', ...changes}), workspace),
      work: {
        kind: 'prompt',
        prompt: `Do this: ${JSON.stringify(steps)}`,
        runtime: 'claude',
        model: null,
        cap: {usd: null, tokens: null},
        resume: null,
        isReview: false,
        ...work,
      },
    };
  }

  inWorktree(order: AttemptOrder, workspace: Partial<WorkspaceOrder> = {}): AttemptOrder {
    return {
      ...order,
      workspace: {
        root: this.host.work,
        gitFolder: join(this.host.work, '.git'),
        base: this.base,
        apply: null,
        ref: this.refOf(order.attempt),
        change: 'optional',
        touches: null,
        subject: `${order.task}: a change`,
        ...workspace,
      },
    };
  }

  refOf(attempt: number): string {
    return `refs/godel/audit/task-${attempt}/${attempt}`;
  }

  run(attempt: number, steps: Steps, changes?: Changes): Promise<AttemptOutcome> {
    this.host.assign(this.order(attempt, steps, changes));
    return this.host.daemon.outcome(attempt);
  }

  git(...args: string[]): string {
    return execFileSync('git', ['-c', 'user.name=Test', '-c', 'user.email=test@localhost', ...args], {
      cwd: this.host.work,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim();
  }

  /** Paths that the kept work of an attempt has changed; null: nothing is kept. */
  kept(attempt: number): readonly string[] | null {
    const [ref] = this.git('for-each-ref', '--format=%(refname)', this.refOf(attempt)).split('\n');
    if (ref === undefined || ref === '') return null;
    return this.git('diff', '--name-only', `${ref}~`, ref).split('\n');
  }

  /** Commits another change of these files on top of the first commit, without touching the checkout. */
  commit(files: Readonly<Record<string, string>>): string {
    const index = {...process.env, GIT_INDEX_FILE: join(this.host.folder, 'index')};
    const git = (args: readonly string[], input?: string) =>
      execFileSync('git', ['-c', 'user.name=Test', '-c', 'user.email=test@localhost', ...args], {
        cwd: this.host.work,
        env: index,
        encoding: 'utf8',
        ...(input === undefined ? {} : {input}),
      }).trim();
    git(['read-tree', this.base]);
    for (const [path, text] of Object.entries(files)) {
      const blob = git(['hash-object', '-w', '--stdin'], text);
      git(['update-index', '--add', '--cacheinfo', `100644,${blob},${path}`]);
    }
    return git(['commit-tree', git(['write-tree']), '-p', this.base, '-m', 'another change']);
  }

  /** The worktrees that there are. */
  get worktrees(): readonly string[] {
    const folder = join(this.host.work, '.godel', 'worktrees');
    if (!existsSync(folder)) return [];
    return readdirSync(folder).filter(name => /^godel-\d+$/.test(name));
  }

  /** A file that the agent is told to write when it has come so far. */
  get mark(): string {
    return join(this.host.folder, `mark-${(this.#marks += 1)}`);
  }
  #marks = 0;

  async closeTeam(): Promise<void> {
    this.host.daemon.send({type: 'close-team', teamId: this.host.order(0, '').teamId});
    await until('no worktree is left', () => this.worktrees.length === 0);
  }

  /** Nothing of what agents did may be seen in the user's checkout. */
  async [Symbol.asyncDispose](): Promise<void> {
    const status = this.git('status', '--porcelain');
    const branches = this.git('branch', '--format=%(refname:short)');
    await this.host[Symbol.asyncDispose]();
    if (status !== '' || branches !== 'main') throw new Error(`the checkout was touched: ${status} ${branches}`);
  }
}
