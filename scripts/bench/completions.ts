import {execFileSync, spawn, spawnSync} from 'node:child_process';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import Database from 'better-sqlite3';
import {readClock} from '../../src/base/clock.ts';
import {seededRandom} from '../../src/base/random.ts';
import {Engine} from '../../src/federation/engine.ts';
import type {Input} from '../../src/federation/engine-io.ts';
import {hostId} from '../../src/model/ids.ts';
import type {EngineRecord} from '../../src/model/record.ts';
import type {TaskSpec} from '../../src/model/task.ts';
import {UNKNOWN_USAGE} from '../../src/model/usage.ts';
import {openSqliteStore} from '../../src/store/sqlite/sqlite-store.ts';
import {type Bench, type BenchRow, median} from './table.ts';

const WIDTH = 50;
const TASKS = 20_000;
const RUNS = 11;
const OUTCOME = {result: {ok: true}, durationMs: 1, usage: UNKNOWN_USAGE, outputBytes: null} as const;

/**
 * Durable completions per second: the real engine and store, hosts that finish at once, 50 at a time, one commit
 * (synchronous=FULL) for the inputs of a turn as the daemon does it. Beside it bare SQLite at the same width, and
 * BullMQ on Redis as it is shipped (`appendonly everysec`, so less durable) where both can be had.
 */
export const completionsBench: Bench = {
  name: 'completions',
  title: 'Durable completions per second, instant hosts, 50 at a time',
  run: async () => {
    const ours: number[] = [];
    const bare: number[] = [];
    const single: number[] = [];
    for (let run = 0; run < RUNS; run += 1) {
      bare.push(inFolder(folder => bareRate(folder, WIDTH, TASKS / WIDTH)));
      ours.push(inFolder(engineRate));
      single.push(inFolder(folder => bareRate(folder, 1, 500)));
    }
    const rate = median(ours);
    const bull = await bullRates();
    // The disk changes its mind within seconds, so each run is held against the one right before it.
    const row = (what: string, anchors: readonly number[], limit: number | null): BenchRow => {
      const ratio = median(anchors.map((anchor, index) => (ours[index] ?? rate) / anchor));
      return {
        what,
        ours: `${Math.round(rate)}/s`,
        anchor: `${Math.round(median(anchors))}/s`,
        ratio: `${ratio.toFixed(2)}×`,
        target: limit === null ? '–' : `≥ ${limit}×`,
        met: limit === null ? null : ratio >= limit,
      };
    };
    return [
      row('against bare SQLite, 50 rows per commit', bare, 0.3),
      row('against bare SQLite, one row per commit', single, null),
      bull === null
        ? {
            what: 'against BullMQ',
            ours: `${Math.round(rate)}/s`,
            anchor: 'skipped: no redis-server or no registry',
            ratio: '–',
            target: '≥ 1×',
            met: null,
          }
        : row('against BullMQ, one worker, 50 at a time', bull, 1),
    ];
  },
};

function inFolder<T>(body: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'godel-bench-'));
  try {
    return body(folder);
  } finally {
    rmSync(folder, {recursive: true, force: true});
  }
}

function bareRate(folder: string, width: number, commits: number): number {
  const db = new Database(join(folder, 'bare.db'));
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.exec('CREATE TABLE done (id INTEGER PRIMARY KEY, task TEXT, ended_at INTEGER)');
  const insert = db.prepare('INSERT INTO done (task, ended_at) VALUES (?, ?)');
  const commit = db.transaction((first: number) => {
    for (let index = 0; index < width; index += 1) insert.run(`task-${first + index}`, Date.now());
  });
  const started = performance.now();
  for (let index = 0; index < commits; index += 1) commit(index * width);
  const seconds = (performance.now() - started) / 1000;
  db.close();
  return (width * commits) / seconds;
}

function engineRate(folder: string): number {
  const opened = openSqliteStore({file: join(folder, 'store.db')});
  if (!opened.ok) throw new Error(opened.failure.reason);
  using store = opened.value;
  const policy = {
    retryBaseMs: 100,
    retryMaxMs: 1000,
    maxLosses: 5,
    maxConflicts: 2,
    firstCap: {usd: 0.25, tokens: 100_000},
    memoryOf: () => 0,
  };
  const options = {...policy, machineId: 'm', bootId: 'boot', keepTeams: 2, hostLostMs: 1000, random: seededRandom(1)};
  const {engine} = Engine.restore(store.load(), options, readClock());
  const host = {id: hostId('h'), machineId: 'm', process: {pid: 1, startTime: '1', bootId: 'b'}, gone: false};
  let queue: Input[] = [{type: 'host-connected', host, holds: [], agents: [], teams: []}, spawnInput()];
  let finished = 0;
  let started = 0;
  while (queue.length > 0) {
    const inputs = queue;
    queue = [];
    const records: EngineRecord[] = [];
    const effects = inputs.flatMap(input => {
      const step = engine.handle(input, readClock());
      for (const record of step.records) records.push(record);
      return step.effects;
    });
    if (records.length > 0) store.commit(records);
    for (const effect of effects) {
      if (effect.type === 'open-agents') {
        queue.push({type: 'agents-ready', hostId: host.id, agents: effect.agents});
        started = performance.now();
      } else if (effect.type === 'want-permits') queue.push({type: 'permits', permits: effect.want, why: null});
      else if (effect.type === 'assign') {
        finished += 1;
        queue.push({type: 'attempt-finished', hostId: host.id, attempt: effect.assignment.attempt, outcome: OUTCOME});
      }
    }
  }
  if (finished !== TASKS) throw new Error(`${finished} of ${TASKS} tasks finished`);
  return TASKS / ((performance.now() - started) / 1000);
}

function spawnInput(): Input {
  const tasks = Array.from({length: TASKS}, (_, index): TaskSpec => {
    const rest = {needs: [], condition: 'success', retries: 0, priority: 0, env: {}, continueOnError: false} as const;
    return {id: `task-${index}`, run: 'true', expressions: {}, ...rest};
  });
  const limits = {failFast: false, maxFailures: null, timeoutMs: null, traceId: '0'.repeat(32), secretNames: []};
  const plan = {name: null, env: {}, tasks};
  const spec = {name: 'bench', count: WIDTH, plan, cwd: '/', umask: 0, env: {}, ...limits};
  return {type: 'spawn-team', request: 1, spec, nameTaken: 'refuse'};
}

const BULL = `
import {Queue, Worker} from 'bullmq';
const connection = {path: process.argv[2], maxRetriesPerRequest: null};
const count = ${TASKS};
const queue = new Queue('bench', {connection});
const jobs = Array.from({length: count}, (_, index) => ({name: 'task', data: {index}}));
for (let first = 0; first < count; first += 1000) await queue.addBulk(jobs.slice(first, first + 1000));
const started = performance.now();
let done = 0;
await new Promise(resolve => {
  const worker = new Worker('bench', async () => undefined, {connection, concurrency: ${WIDTH}});
  worker.on('completed', () => { done += 1; if (done === count) resolve(worker.close()); });
});
console.log(count / ((performance.now() - started) / 1000));
await queue.close();
`;

/** BullMQ from the registry and Redis from the machine, in a temporary folder, on a Unix socket. */
async function bullRates(): Promise<number[] | null> {
  if (spawnSync('redis-server', ['--version']).status !== 0) return null;
  const folder = mkdtempSync(join(tmpdir(), 'godel-bench-bull-'));
  const socket = join(folder, 'redis.sock');
  const argv = ['--port', '0', '--unixsocket', socket, '--dir', folder, '--appendonly', 'yes', '--save', ''];
  try {
    const install = ['install', '--prefix', folder, '--no-save', '--no-audit', '--no-fund', 'bullmq@5.64.0'];
    if (spawnSync('npm', install, {stdio: 'ignore'}).status !== 0) return null;
    writeFileSync(join(folder, 'bull.mjs'), BULL);
    const redis = spawn('redis-server', argv, {stdio: 'ignore'});
    try {
      const rates: number[] = [];
      for (let run = 0; run < 3; run += 1) {
        const printed = execFileSync(process.execPath, [join(folder, 'bull.mjs'), socket], {
          cwd: folder,
          encoding: 'utf8',
        });
        rates.push(Number(printed.trim().split('\n').at(-1)));
      }
      return rates;
    } finally {
      const gone = new Promise(resolve => redis.once('exit', resolve));
      redis.kill();
      await gone;
    }
  } finally {
    rmSync(folder, {recursive: true, force: true});
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.table(await completionsBench.run());
