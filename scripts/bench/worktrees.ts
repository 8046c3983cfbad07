import {execFile, execFileSync} from 'node:child_process';
import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import {openPool} from '../../src/workspace/pool.ts';
import type {Workspace, WorkspaceRequest} from '../../src/workspace/workspace.ts';
import {type Bench, type BenchRow, median} from './table.ts';

const FILES = 200;
const RUNS = 15;
const PARALLEL = 200;
const run = promisify(execFile);

/** Worktrees of a repository of 200 files: made, used again, saved; one at a time and 200 at once. */
export const worktreesBench: Bench = {
  name: 'worktrees',
  title: 'Git worktrees of agents',
  run: async () => {
    const temp = mkdtempSync(join(tmpdir(), 'godel-bench-'));
    try {
      return await measure(temp);
    } finally {
      rmSync(temp, {recursive: true, force: true});
    }
  },
};

async function measure(temp: string): Promise<readonly BenchRow[]> {
  const root = makeRepository(temp);
  const base = execFileSync('git', ['rev-parse', 'HEAD'], {cwd: root, encoding: 'utf8'}).trim();
  const request = (attempt: number): WorkspaceRequest => {
    const ref = `refs/godel/bench/task/${attempt}`;
    return {root, gitFolder: join(root, '.git'), base, apply: null, ref, attempt, resume: null};
  };
  const pool = openPool({folder: join(temp, 'pool'), settings: {link: [], quotaBytes: null}});
  const [bare, made, reused, saved] = [[], [], [], []] as [number[], number[], number[], number[]];
  const held: Workspace[] = [];
  for (let index = 0; index < RUNS; index += 1) {
    bare.push(
      await timed(() =>
        run('git', ['worktree', 'add', '--no-track', '-b', `b${index}`, join(temp, `bare-${index}`), base], {
          cwd: root,
        }),
      ),
    );
    made.push(await timed(async () => held.push(await acquire(request(index)))));
  }
  for (const [index, workspace] of held.entries()) {
    writeFileSync(join(workspace.folder, 'new.txt'), `${index}\n`);
    saved.push(await timed(() => workspace.save({subject: 'Work', author: {name: 'a', email: 'a@example.com'}})));
  }
  for (const [index, workspace] of held.entries()) {
    await workspace.release();
    reused.push(await timed(async () => (held[index] = await acquire(request(RUNS + index)))));
  }
  await Promise.all(held.map(workspace => workspace.release()));
  await pool.collect({count: 0});
  const [barely, ours] = await parallel(temp, root, request);
  return [
    row('make one worktree', median(made), median(bare), 1.5),
    row('give one out again', median(reused), median(bare), 1.5),
    {...row('keep the work of one', median(saved), median(bare), null)},
    {
      what: `${PARALLEL} worktrees at once`,
      ours: `${ours.failed} failed, ${(ours.ms / 1000).toFixed(1)} s`,
      anchor: `\`git worktree add -b\` ${barely.failed} failed, ${(barely.ms / 1000).toFixed(1)} s`,
      ratio: `${(ours.ms / barely.ms).toFixed(2)}×`,
      target: '0 failed',
      met: ours.failed === 0,
    },
  ];

  async function acquire(order: WorkspaceRequest): Promise<Workspace> {
    const got = await pool.acquire(order);
    if (!got.ok) throw new Error(JSON.stringify(got.failure));
    return got.value;
  }
}

interface AtOnce {
  readonly ms: number;
  readonly failed: number;
}

async function parallel(
  temp: string,
  root: string,
  request: (attempt: number) => WorkspaceRequest,
): Promise<readonly [AtOnce, AtOnce]> {
  const each = Array.from({length: PARALLEL}, (_, index) => index);
  const base = request(0).base;
  let failed = 0;
  const bareMs = await timed(() =>
    Promise.all(
      each.map(index =>
        run('git', ['worktree', 'add', '--no-track', '-b', `p${index}`, join(temp, `p-${index}`), base], {
          cwd: root,
        }).catch(() => (failed += 1)),
      ),
    ),
  );
  const pool = openPool({folder: join(temp, 'pool-at-once'), settings: {link: [], quotaBytes: null}});
  let ours: Awaited<ReturnType<typeof pool.acquire>>[] = [];
  const oursMs = await timed(
    async () => (ours = await Promise.all(each.map(index => pool.acquire(request(1000 + index))))),
  );
  return [
    {ms: bareMs, failed},
    {ms: oursMs, failed: ours.filter(({ok}) => !ok).length},
  ];
}

function row(what: string, ours: number, anchor: number, limit: number | null): BenchRow {
  return {
    what,
    ours: `${ours.toFixed(0)} ms`,
    anchor: `\`git worktree add\` ${anchor.toFixed(0)} ms`,
    ratio: `${(ours / anchor).toFixed(2)}×`,
    target: limit === null ? '–' : `≤ ${limit}×`,
    met: limit === null ? null : ours <= limit * anchor,
  };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

function makeRepository(temp: string): string {
  const root = join(temp, 'repo');
  for (let index = 0; index < FILES; index += 1) {
    const folder = join(root, `dir-${index % 20}`);
    mkdirSync(folder, {recursive: true});
    writeFileSync(join(folder, `file-${index}.txt`), `${'some text\n'.repeat(100)}${index}\n`);
  }
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', ...args], {cwd: root, stdio: 'pipe'});
  git('init', '--quiet', '--initial-branch=main');
  git('add', '--all');
  git('commit', '--quiet', '-m', 'All');
  return root;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.table(await worktreesBench.run());
