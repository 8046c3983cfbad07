import {execFileSync} from 'node:child_process';
import {chmodSync, existsSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {sleep} from '../../src/base/clock.ts';
import {type Random, seededRandom} from '../../src/base/random.ts';
import {openSqliteStore} from '../../src/store/sqlite/sqlite-store.ts';
import {Rig} from '../rig/rig.ts';
import {processesOf} from '../rig/rig-processes.ts';
import {until} from '../rig/until.ts';

export type WorktreeTarget = 'daemon' | 'host' | 'agent' | 'git' | 'verify';

export interface WorktreeReport {
  readonly seed: number;
  readonly kills: Readonly<Record<WorktreeTarget, number>>;
  readonly attempts: number;
  /** Edits that attempts have made, all of which were found again. */
  readonly edits: number;
  readonly durationMs: number;
}

const TASKS = 16;
const KILLS = 10;
const FINISH_WITHIN_MS = 120_000;

/**
 * What an agent and a command do: edits in two steps, each with a mark of its own that is written down outside only after
 * it is in the worktree, so that every mark in the ledger must be found again.
 */
const AGENT = `#!/bin/bash
edit() {
  mark="$GODEL_COOKIE/$1"
  echo "$mark" >> "file-$GODEL_TASK_ID.txt"
  echo "$mark" >> "$LEDGER"
}
edit first
sleep 0.$((RANDOM % 4 + 1))
edit second
if [ -n "$1" ]; then echo '{"result":"done"}'; fi
`;

const CONFIG = (agent: string) => `
runtimes:
  scripted:
    command: [${agent}, "{prompt}"]
    output: json-lines
    fields: {text: result}
    memory: 5MiB
`;

/** Every second task is a prompt. The later half starts from what the earlier half has merged. */
function plan(): string {
  const task = (index: number) => {
    const needs = index < TASKS / 2 ? '' : `needs: [t${index - TASKS / 2}], `;
    const verify = index < TASKS / 2 ? `grep -q second file-t${index}.txt` : `test -s file-t${index - TASKS / 2}.txt`;
    const work = index % 2 === 0 ? "prompt: 'Edit'" : "run: '$AGENT', workspace: worktree";
    return `  t${index}: {${needs}${work}, verify: '${verify}'}`;
  };
  const tasks = Array.from({length: TASKS}, (_, index) => task(index));
  const all = tasks.map((_, index) => `t${index}`).join(', ');
  return [
    'version: 1',
    'name: trees',
    "verify: 'test -f base.txt && sleep 0.1'",
    'defaults: {retries: 50}',
    'tasks:',
    ...tasks,
    `  last: {needs: [${all}], run: 'touch "$FINISHED"'}`,
  ].join('\n');
}

/**
 * One round: kill -9 of daemon, host, agents, git and verify commands at random moments of a team that works in worktrees. Throws
 * when a task did not end once, when an edit is nowhere to be found, when a change was merged twice, when the user's checkout
 * has changed, or when a process, a worktree or a lock is left.
 */
export async function worktreeRound(seed: number): Promise<WorktreeReport> {
  const startedMs = performance.now();
  const env = {GODEL_RETRY_BASE: '50ms', GODEL_RETRY_MAX: '200ms', GODEL_MAX_RUNNING: '8'};
  await using rig = await Rig.create({git: true, env});
  const outside = join(rig.root, 'home');
  const files = {
    ledger: join(outside, 'ledger'),
    finished: join(outside, 'finished'),
    agent: join(outside, 'agent.sh'),
  };
  writeFileSync(files.agent, AGENT);
  chmodSync(files.agent, 0o755);
  writeFileSync(join(rig.folder, 'godel.config.yaml'), CONFIG(files.agent));
  const users = new UsersCheckout(rig);
  const spawned = await rig.godel(
    ['team', 'spawn', '--runtime', 'scripted:8', '--plan', rig.writePlan(plan()), '--detach'],
    {env: {LEDGER: files.ledger, FINISHED: files.finished, AGENT: files.agent}},
  );
  if (spawned.code !== 0) throw new Error(`the team was not spawned: ${spawned.stderr}`);
  const before = users.state();
  const isFinished = () => existsSync(files.finished);
  const kills = await killAtRandom(rig, seededRandom(seed), isFinished);
  await until('the plan has finished by itself', isFinished, {withinMs: FINISH_WITHIN_MS}).catch(
    async (error: unknown) => {
      const left = processesOf(rig.root).map(({pid, command}) => `${pid} ${command}`);
      const state = JSON.stringify(await rig.client().team('trees'));
      throw new Error(`${String(error)}\n${rig.log()}\n${left.join('\n')}\n${state}`);
    },
  );
  await until('the team is over', async () => {
    const view = await rig.client().team('trees');
    return view.ok && view.value.outcome !== null;
  });
  const stopped = await rig.client().stopDaemon({force: true});
  if (!stopped.ok) throw new Error(`the daemon did not stop: ${stopped.failure.reason}`);
  await until('every process has ended', () => processesOf(rig.root).length === 0, {withinMs: 30_000});
  const attempts = checkStore(rig);
  const edits = checkEdits(rig, files.ledger);
  checkBranch(rig);
  checkLeftovers(rig);
  const after = users.state();
  if (after !== before) throw new Error(`the user's checkout has changed:\n${before}\n---\n${after}`);
  return {seed, kills, attempts, edits, durationMs: performance.now() - startedMs};
}

const PATTERNS: Readonly<Record<WorktreeTarget, RegExp>> = {
  daemon: /dist\/daemon\.js/,
  host: /dist\/host\.js/,
  agent: /agent\.sh/,
  git: /^git /,
  verify: /test -f base|grep -q second|test -s file/,
};

async function killAtRandom(rig: Rig, random: Random, isOver: () => boolean): Promise<Record<WorktreeTarget, number>> {
  const kills = {daemon: 0, host: 0, agent: 0, git: 0, verify: 0};
  for (let count = 0; count < KILLS && !isOver(); count += 1) {
    await sleep(50 + random() * 300);
    const target = pick(random);
    // Daemon and host restart each other: one of the two is always spared.
    const needed = target === 'daemon' ? 'host' : target === 'host' ? 'daemon' : null;
    if (needed && pidsOf(rig, needed).length === 0) continue;
    // What lives for a moment only has to be waited for.
    for (let tries = 0; tries < 40; tries += 1) {
      const pids = pidsOf(rig, target);
      const pid = pids[Math.floor(random() * pids.length)];
      if (pid !== undefined && killNow(pid)) {
        kills[target] += 1;
        break;
      }
      await sleep(5);
    }
  }
  return kills;
}

function pick(random: Random): WorktreeTarget {
  const dice = random();
  if (dice < 0.2) return 'daemon';
  if (dice < 0.4) return 'host';
  if (dice < 0.55) return 'agent';
  return dice < 0.8 ? 'git' : 'verify';
}

function pidsOf(rig: Rig, target: WorktreeTarget): number[] {
  return processesOf(rig.root).flatMap(({pid, command}) => (PATTERNS[target].test(command) ? [pid] : []));
}

function killNow(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch {
    return false;
  }
}

/** The checkout of a user who was in the middle of something. */
class UsersCheckout {
  readonly #rig: Rig;

  constructor(rig: Rig) {
    this.#rig = rig;
    writeFileSync(join(rig.folder, 'base.txt'), 'base\n');
    writeFileSync(join(rig.folder, '.gitignore'), '.godel\ngodel.yaml\ngodel.config.yaml\n');
    gitIn(rig, 'add', '.');
    gitIn(rig, 'commit', '--quiet', '-m', 'base');
    gitIn(rig, 'branch', 'mine');
    writeFileSync(join(rig.folder, 'base.txt'), 'stashed\n');
    gitIn(rig, 'stash', '--quiet');
    writeFileSync(join(rig.folder, 'base.txt'), 'dirty\n');
    writeFileSync(join(rig.folder, 'staged.txt'), 'staged\n');
    gitIn(rig, 'add', 'staged.txt');
  }

  state(): string {
    const branches = gitIn(this.#rig, 'for-each-ref', 'refs/heads', 'refs/tags', 'refs/stash');
    const users = branches.split('\n').filter(line => !line.includes('refs/heads/godel/'));
    const index = readFileSync(join(this.#rig.folder, '.git', 'index')).toString('base64');
    return [...users, gitIn(this.#rig, 'status', '--porcelain'), gitIn(this.#rig, 'diff', 'HEAD'), index].join('\n');
  }
}

function gitIn(rig: Rig, ...args: string[]): string {
  const who = {GIT_AUTHOR_NAME: 'u', GIT_AUTHOR_EMAIL: 'u@x', GIT_COMMITTER_NAME: 'u', GIT_COMMITTER_EMAIL: 'u@x'};
  const env = {...rig.env, ...who, GIT_OPTIONAL_LOCKS: '0'};
  return execFileSync('git', args, {cwd: rig.folder, encoding: 'utf8', env}).trimEnd();
}

/** Returns the number of attempts. */
function checkStore(rig: Rig): number {
  const opened = openSqliteStore({file: rig.paths.storeFile});
  if (!opened.ok) throw new Error(`the store cannot be opened: ${opened.failure.reason}`);
  using store = opened.value;
  const team = store.teams()[0];
  if (!team) throw new Error('the team is not in the store');
  const attempts = store.attempts(team.id);
  for (const task of store.tasks(team.id)) {
    if (task.state.name !== 'succeeded') throw new Error(`${task.id} is ${JSON.stringify(task.state)}`);
    const open = attempts.filter(({task: seq, endedAtMs}) => seq === task.seq && endedAtMs === null);
    if (open.length > 0) throw new Error(`${task.id} has an attempt that never ended`);
  }
  return attempts.length;
}

/** Every mark that was in a worktree is on the team's branch or in a ref. Returns how many there are. */
function checkEdits(rig: Rig, ledger: string): number {
  const marks = readFileSync(ledger, 'utf8').trim().split('\n');
  const refs = gitIn(rig, 'for-each-ref', '--format=%(objectname)', 'refs/godel', 'refs/heads/godel').split('\n');
  const kept = new Set(gitIn(rig, 'grep', '-h', '-F', '/', ...refs).split('\n'));
  const lost = marks.filter(mark => !kept.has(mark));
  if (lost.length > 0) {
    const inWorktrees = readdirSync(join(rig.folder, '.godel', 'worktrees')).join(', ');
    throw new Error(`edits are lost: ${lost.join(', ')}\nworktrees left: ${inWorktrees}\n${rig.log()}`);
  }
  return marks.length;
}

/** One commit for each task, with its file in the last one as it was when the task had succeeded. */
function checkBranch(rig: Rig): void {
  const commits = gitIn(rig, 'log', '--format=%(trailers:key=Godel-Task,valueonly)', 'HEAD..godel/trees');
  const tasks = commits.split('\n').filter(line => line !== '');
  const wanted = Array.from({length: TASKS}, (_, index) => `t${index}`);
  if (tasks.toSorted().join() !== wanted.toSorted().join())
    throw new Error(`the branch has commits of ${tasks.join()}`);
}

function checkLeftovers(rig: Rig): void {
  const worktrees = join(rig.folder, '.godel', 'worktrees');
  const gitFolder = join(rig.folder, '.git');
  const locks = readdirSync(gitFolder, {recursive: true, encoding: 'utf8'}).filter(name => name.endsWith('.lock'));
  const marks = gitIn(rig, 'for-each-ref', '--format=%(refname)', 'refs/godel-merged').split('\n').filter(Boolean);
  const records = existsSync(join(gitFolder, 'worktrees')) ? readdirSync(join(gitFolder, 'worktrees')) : [];
  const left = [
    ...readdirSync(worktrees),
    ...records.filter(name => !isUnfinished(join(gitFolder, 'worktrees', name))),
    ...locks,
    ...marks,
  ];
  if (left.length > 0) throw new Error(`something is left: ${left.join(', ')}`);
}

/** Half made or half removed when somebody was killed; whether somebody is at work there can be told some seconds later only. */
function isUnfinished(record: string): boolean {
  return !existsSync(join(record, 'gitdir'));
}
