import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {performance} from 'node:perf_hooks';
import Database from 'better-sqlite3';
import {agentId, attemptId, hostId, taskSeq, teamId} from '../../src/model/ids.ts';
import type {EngineRecord, NewTask} from '../../src/model/record.ts';
import {UNKNOWN_USAGE} from '../../src/model/usage.ts';
import {openSqliteStore} from '../../src/store/sqlite/sqlite-store.ts';
import type {Store} from '../../src/store/store.ts';
import {teamSpec} from '../../test/model/fabricated-specs.ts';

/**
 * Durable completions per second: what SQLite itself does at the same batch size, and the store with everything that a
 * completion means (lease, end, state, two events). Both are measured in turn in the same run; only their ratio counts.
 * `RUNS`, `BATCHES` and `BENCH_DIR` (which disk) may be set in the environment.
 */
const WIDTH = 50;
const BATCHES = Number(process.env['BATCHES'] ?? 200);
const SINGLES = 500;
const RUNS = Number(process.env['RUNS'] ?? 7);
const BULK = 100_000;

const TEAM = teamId(1);
const SPEC = teamSpec({name: 'bench', count: WIDTH});

function inFolder<T>(body: (folder: string) => T): T {
  const folder = mkdtempSync(join(process.env['BENCH_DIR'] ?? tmpdir(), 'godel-bench-'));
  try {
    return body(folder);
  } finally {
    rmSync(folder, {recursive: true, force: true});
  }
}

/** Rows per second of plain inserts, `width` per transaction. */
function bare(width: number, transactions: number): number {
  return inFolder(folder => {
    const db = new Database(join(folder, 'bare.db'));
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    db.exec('CREATE TABLE done (id INTEGER PRIMARY KEY, task TEXT, ended_at INTEGER)');
    const insert = db.prepare('INSERT INTO done (task, ended_at) VALUES (?, ?)');
    const batch = db.transaction((first: number) => {
      for (let index = 0; index < width; index += 1) insert.run(`task-${first + index}`, Date.now());
    });
    const started = performance.now();
    for (let index = 0; index < transactions; index += 1) batch(index * width);
    const seconds = (performance.now() - started) / 1000;
    db.close();
    return (width * transactions) / seconds;
  });
}

function newTasks(count: number): NewTask[] {
  return Array.from({length: count}, (_, index) => ({
    seq: taskSeq(index),
    id: `check[node_modules/package-${index}]`,
    specIndex: 0,
    group: taskSeq(0),
    item: `node_modules/package-${index}`,
  }));
}

function withStore<T>(tasks: number, body: (store: Store) => T): T {
  return inFolder(folder => {
    const opened = openSqliteStore({file: join(folder, 'store.db')});
    if (!opened.ok) throw new Error(JSON.stringify(opened.failure));
    using store = opened.value;
    store.commit([
      {kind: 'team-created', id: TEAM, spec: SPEC, at: {wallMs: Date.now(), monoMs: 0, bootId: 'boot'}},
      {kind: 'tasks-created', teamId: TEAM, tasks: newTasks(tasks)},
    ]);
    return body(store);
  });
}

/** Task completions per second: each commit ends `WIDTH` attempts and leases as many. */
function completions(): number {
  return withStore(WIDTH * (BATCHES + 1), store => {
    store.commit(leases(0));
    const batches = Array.from({length: BATCHES}, (_, index) => [...ends(index), ...leases(index + 1)]);
    const started = performance.now();
    for (const batch of batches) store.commit(batch);
    return (WIDTH * BATCHES) / ((performance.now() - started) / 1000);
  });
}

function leases(batch: number): EngineRecord[] {
  return seqsOf(batch).flatMap((seq): EngineRecord[] => {
    const [attempt, agent, host] = [attemptId(seq + 1), agentId(`bench-${seq % WIDTH}`), hostId('h-8f3a21c09b7d')];
    const atMs = Date.now();
    const task = `check[node_modules/package-${seq}]`;
    return [
      {
        kind: 'attempt-leased',
        id: attempt,
        teamId: TEAM,
        task: taskSeq(seq),
        number: 1,
        agentId: agent,
        hostId: host,
        atMs,
      },
      {
        kind: 'event',
        event: {teamId: TEAM, atMs, body: {type: 'attempt-leased', task, attempt, number: 1, agent, host}},
      },
    ];
  });
}

function ends(batch: number): EngineRecord[] {
  return seqsOf(batch).flatMap((seq): EngineRecord[] => {
    const attempt = attemptId(seq + 1);
    const atMs = Date.now();
    const task = `check[node_modules/package-${seq}]`;
    const usage = {...UNKNOWN_USAGE, cpuSeconds: 0.012, maxRssBytes: 4_000_000};
    return [
      {
        kind: 'attempt-ended',
        id: attempt,
        atMs,
        outcome: {result: {ok: true}, durationMs: 12.34, usage, outputBytes: null},
      },
      {kind: 'task-state', teamId: TEAM, seq: taskSeq(seq), state: {name: 'succeeded'}, failures: 0, losses: 0},
      {kind: 'event', event: {teamId: TEAM, atMs, body: {type: 'task-succeeded', task, attempt, durationMs: 12.34}}},
    ];
  });
}

function seqsOf(batch: number): number[] {
  return Array.from({length: WIDTH}, (_, index) => batch * WIDTH + index);
}

function timed(body: () => void): number {
  const started = performance.now();
  body();
  return performance.now() - started;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

const measured = {grouped: [] as number[], single: [] as number[], store: [] as number[]};
for (let run = 0; run < RUNS; run += 1) {
  measured.grouped.push(bare(WIDTH, BATCHES));
  measured.store.push(completions());
  measured.single.push(bare(1, SINGLES));
}
const bulkMs = withStore(0, store =>
  timed(() => store.commit([{kind: 'tasks-created', teamId: TEAM, tasks: newTasks(BULK)}])),
);
const loadMs = withStore(BULK, store => timed(() => store.load()));

const anchor = median(measured.grouped);
const line = (what: string, values: readonly number[]) => ({
  what,
  'median/s': Math.round(median(values)),
  'min/s': Math.round(Math.min(...values)),
  'max/s': Math.round(Math.max(...values)),
  ratio: Number((median(values) / anchor).toFixed(3)),
});
console.table([
  line(`bare SQLite, ${WIDTH} rows per transaction`, measured.grouped),
  line('bare SQLite, one row per transaction', measured.single),
  line(`store, ${WIDTH} completions and ${WIDTH} leases per commit`, measured.store),
]);
console.log(`${BULK} tasks created in one commit: ${Math.round(bulkMs)} ms; loaded again: ${Math.round(loadMs)} ms`);
