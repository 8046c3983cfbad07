import {type ChildProcess, spawn} from 'node:child_process';
import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {sleep} from '../../src/base/clock.ts';
import {type Random, seededRandom} from '../../src/base/random.ts';
import type {AttemptRow, TaskRow} from '../../src/model/row.ts';
import {openSqliteStore} from '../../src/store/sqlite/sqlite-store.ts';
import {Rig} from '../rig/rig.ts';
import {processesOf} from '../rig/rig-processes.ts';
import {until} from '../rig/until.ts';

export type Target = 'daemon' | 'host' | 'attempt' | 'cli';

export interface ChaosReport {
  readonly seed: number;
  readonly kills: Readonly<Record<Target, number>>;
  readonly attempts: number;
  readonly lost: number;
  readonly durationMs: number;
}

const ITEMS = 298;
const KILLS = 12;
const FINISH_WITHIN_MS = 180_000;
const GODEL = join(import.meta.dirname, '..', '..', 'bin', 'godel.js');

/**
 * 300 tasks. Each attempt writes down that it starts and that it ends, under its cookie (`store.attempt`). An attempt
 * killed by us is a failed one for godel, hence the retries.
 */
const PLAN = `
version: 1
name: chaos
defaults: {retries: 50}
tasks:
  list: {run: 'seq ${ITEMS}', outputs: lines}
  work:
    needs: [list]
    foreach: \${{ tasks.list.output }}
    run: |
      echo "start $GODEL_COOKIE $GODEL_TASK_ID" >> ledger
      sleep 0.$((GODEL_ITEM % 7 + 1))
      echo "end $GODEL_COOKIE $GODEL_TASK_ID" >> ledger
  join: {needs: [work], run: 'echo "end $GODEL_COOKIE $GODEL_TASK_ID" >> ledger; touch finished'}
`;

/**
 * Daemon and host restart each other, so one of the two is always spared: with both dead at once only the next godel
 * command can go on.
 */
const NEEDED: Readonly<Record<Target, 'daemon' | 'host' | null>> = {
  daemon: 'host',
  host: 'daemon',
  attempt: null,
  cli: null,
};

/**
 * One round: kill -9 of daemon, host, attempts and CLI at random moments of a running plan. Throws when a task did not
 * succeed exactly once, when a recorded success was run again, or when a process is left. Nobody runs the CLI after the
 * kills: the team has to finish by itself.
 */
export async function chaosRound(seed: number): Promise<ChaosReport> {
  const startedMs = performance.now();
  const env = {GODEL_RETRY_BASE: '50ms', GODEL_RETRY_MAX: '200ms'};
  await using rig = await Rig.create({env});
  const file = rig.writePlan(PLAN);
  const cli = spawn(process.execPath, [GODEL, 'team', 'spawn', '--count', '50', '--plan', file], {
    cwd: rig.folder,
    env: rig.env,
    stdio: 'ignore',
  });
  await until('the first attempts run', () => lines(rig).length > 5, {withinMs: 60_000});
  const kills = await killAtRandom(rig, cli, seededRandom(seed));
  await until('the plan has finished by itself', () => existsSync(join(rig.folder, 'finished')), {
    withinMs: FINISH_WITHIN_MS,
  }).catch(async (error: unknown) => {
    const left = processesOf(rig.root).map(({pid, command}) => `${pid} ${command}`);
    const states = JSON.stringify([await rig.client().daemon(), await rig.client().teams()]);
    throw new Error(`${String(error)}\n${rig.log()}\n${left.join('\n')}\n${states}`);
  });
  await until('the team is over', async () => {
    const view = await rig.client().team('chaos');
    return view.ok && view.value.outcome !== null;
  });
  const stopped = await rig.client().stopDaemon({force: true});
  if (!stopped.ok) throw new Error(`the daemon did not stop: ${stopped.failure.reason}`);
  await until('every process has ended', () => processesOf(rig.root).length === 0, {withinMs: 30_000});
  return {seed, kills, ...compareWithStore(rig), durationMs: performance.now() - startedMs};
}

async function killAtRandom(rig: Rig, cli: ChildProcess, random: Random): Promise<Record<Target, number>> {
  const kills = {daemon: 0, host: 0, attempt: 0, cli: 0};
  for (let count = 0; count < KILLS; count += 1) {
    await sleep(50 + random() * 500);
    const target = pick(random);
    const needed = NEEDED[target];
    if (needed && pidsOf(rig, needed).length === 0) continue;
    const pid = target === 'cli' ? cli.pid : pick1(pidsOf(rig, target), random);
    if (pid === undefined || !killNow(pid)) continue;
    kills[target] += 1;
  }
  return kills;
}

function pick(random: Random): Target {
  const dice = random();
  if (dice < 0.35) return 'daemon';
  if (dice < 0.6) return 'host';
  return dice < 0.95 ? 'attempt' : 'cli';
}

function pick1<T>(values: readonly T[], random: Random): T | undefined {
  return values[Math.floor(random() * values.length)];
}

function pidsOf(rig: Rig, target: Exclude<Target, 'cli'>): number[] {
  const processes = processesOf(rig.root);
  if (target === 'daemon')
    return processes.filter(({command}) => command.includes('dist/daemon.js')).map(({pid}) => pid);
  if (target === 'host') return processes.filter(({command}) => command.includes('dist/host.js')).map(({pid}) => pid);
  return processes.filter(({command}) => /^(bash|sh|sleep) /.test(command)).map(({pid}) => pid);
}

function killNow(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch {
    return false;
  }
}

function lines(rig: Rig): string[] {
  const file = join(rig.folder, 'ledger');
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
}

function compareWithStore(rig: Rig): {attempts: number; lost: number} {
  const opened = openSqliteStore({file: rig.paths.storeFile});
  if (!opened.ok) throw new Error(`the store cannot be opened: ${opened.failure.reason}`);
  using store = opened.value;
  const team = store.teams()[0];
  if (!team) throw new Error('the team is not in the store');
  const tasks = store.tasks(team.id);
  const attempts = store.attempts(team.id);
  for (const task of tasks)
    checkTask(
      task,
      attempts.filter(attempt => attempt.task === task.seq),
    );
  checkLedger(lines(rig), attempts);
  if (tasks.length !== ITEMS + 3) throw new Error(`${tasks.length} tasks are recorded`);
  return {attempts: attempts.length, lost: attempts.filter(attempt => attempt.outcome === null).length};
}

function checkTask(task: TaskRow, attempts: readonly AttemptRow[]): void {
  if (task.state.name !== 'succeeded') throw new Error(`${task.id} is ${task.state.name}`);
  if (task.id === 'work') return;
  const succeeded = attempts.filter(({outcome}) => outcome?.result.ok);
  if (succeeded.length !== 1) throw new Error(`${task.id} succeeded ${succeeded.length} times`);
  const open = attempts.filter(({endedAtMs}) => endedAtMs === null);
  if (open.length > 0) throw new Error(`${task.id} has an attempt that never ended`);
  const last = attempts.at(-1);
  if (last !== succeeded[0]) throw new Error(`${task.id} ran again after it had succeeded`);
}

/** What really ran, in the words of the attempts themselves, against what is recorded. */
export function checkLedger(ledger: readonly string[], attempts: readonly AttemptRow[]): void {
  const recorded = new Map(attempts.map(attempt => [Number(attempt.id), attempt]));
  const ended = new Set<number>();
  const started = new Set<number>();
  const latest = new Map<string, number>();
  for (const line of ledger) {
    const [what, cookie = '', taskId = ''] = line.split(' ');
    const id = Number(cookie.split('.').at(-1));
    const attempt = recorded.get(id);
    if (!attempt) throw new Error(`an attempt ran that is not recorded: ${line}`);
    if (attempt.taskId !== taskId) throw new Error(`attempt ${id} ran ${taskId} but is recorded for ${attempt.taskId}`);
    if (what === 'start' && started.has(id)) throw new Error(`attempt ${id} was started twice`);
    (what === 'start' ? started : ended).add(id);
    const newest = latest.get(taskId) ?? id;
    if (newest > id) throw new Error(`attempt ${id} of ${taskId} still ran when attempt ${newest} had started`);
    latest.set(taskId, id);
  }
  for (const attempt of attempts) {
    const ran = attempt.taskId === 'list' || ended.has(attempt.id);
    if (attempt.outcome?.result.ok && !ran)
      throw new Error(`${attempt.taskId} is recorded as succeeded but did not finish`);
  }
}
