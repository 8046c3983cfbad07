import {spawnSync} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {seededRandom} from '../../src/base/random.ts';
import {Engine} from '../../src/federation/engine.ts';
import type {Effect} from '../../src/federation/engine-io.ts';
import {attemptId, hostId, teamId} from '../../src/model/ids.ts';
import type {TaskSpec} from '../../src/model/task.ts';
import {UNKNOWN_USAGE} from '../../src/model/usage.ts';
import {type Bench, type BenchRow, median} from './table.ts';
import {taskSpec} from '../../test/model/fabricated-specs.ts';

const WIDTH = 50;
const RUNS = 5;
const OUTCOME = {result: {ok: true}, durationMs: 1, usage: UNKNOWN_USAGE, outputBytes: null} as const;

interface Measured {
  readonly usPerTask: number;
  readonly bytesPerTask: number;
}

/**
 * Engine CPU without I/O: a random layered DAG (each task needs up to three of the layer before it) is spawned and every
 * attempt finished at once; building the graph, ranks, records and effects are all included.
 */
export const engineBench: Bench = {
  name: 'engine',
  title: 'Engine CPU and memory per task, no I/O, 50 agents',
  run: () => {
    const small = measureInChildren('godel', 10_000);
    const large = measureInChildren('godel', 100_000);
    const loop = measureInChildren('promises', 100_000);
    const growth = large.usPerTask / small.usPerTask;
    const anchor = `promise loop ${loop.usPerTask.toFixed(2)} µs`;
    const rows: BenchRow[] = [
      {
        what: 'CPU per task, 10,000 tasks',
        ours: `${small.usPerTask.toFixed(1)} µs`,
        anchor,
        ratio: `${(small.usPerTask / loop.usPerTask).toFixed(1)}×`,
        target: '–',
        met: null,
      },
      {
        what: 'CPU per task, 100,000 tasks',
        ours: `${large.usPerTask.toFixed(1)} µs`,
        anchor,
        ratio: `${(large.usPerTask / loop.usPerTask).toFixed(1)}×`,
        target: '≤ 10 µs',
        met: large.usPerTask <= 10,
      },
      {
        what: '100,000 tasks against 10,000, per task',
        ours: `${large.usPerTask.toFixed(1)} µs`,
        anchor: `${small.usPerTask.toFixed(1)} µs`,
        ratio: `${growth.toFixed(2)}×`,
        target: '≤ 2×',
        met: growth <= 2,
      },
      {
        what: 'heap per task, 100,000 tasks, plan included',
        ours: `${(large.bytesPerTask / 1024).toFixed(2)} KB`,
        anchor: '–',
        ratio: '–',
        target: '≤ 1.5 KB',
        met: large.bytesPerTask <= 1536,
      },
    ];
    return Promise.resolve(rows);
  },
};

function measureInChildren(kind: 'godel' | 'promises', tasks: number): Measured {
  const results = Array.from({length: RUNS}, () => {
    const argv = ['--expose-gc', '--import', 'tsx', fileURLToPath(import.meta.url), kind, String(tasks)];
    const child = spawnSync(process.execPath, argv, {encoding: 'utf8'});
    if (child.status !== 0) throw new Error(child.stderr);
    return JSON.parse(child.stdout) as Measured;
  });
  return {
    usPerTask: median(results.map(result => result.usPerTask)),
    bytesPerTask: median(results.map(result => result.bytesPerTask)),
  };
}

function layeredPlan(count: number): TaskSpec[] {
  const random = seededRandom(7);
  const layer = 100;
  return Array.from({length: count}, (_, index) => {
    const before = Math.floor(index / layer) * layer - layer;
    const needs = new Set<string>();
    if (before >= 0)
      for (let n = Math.floor(random() * 4); n > 0; n -= 1) needs.add(`t${before + Math.floor(random() * layer)}`);
    return taskSpec(`t${index}`, {needs: [...needs]});
  });
}

function cpuUs(): number {
  const {user, system} = process.cpuUsage();
  return user + system;
}

function runEngine(count: number): Measured {
  globalThis.gc?.();
  const heapBefore = process.memoryUsage().heapUsed;
  const tasks = layeredPlan(count);
  const stored = {nextTeamId: teamId(1), nextAttemptId: attemptId(1), hosts: [], teams: [], over: []};
  const policy = {
    retryBaseMs: 100,
    retryMaxMs: 1000,
    maxLosses: 5,
    maxConflicts: 2,
    firstCap: {usd: 0.25, tokens: 100_000},
    memoryOf: () => 0,
  };
  const now = {monoMs: 1, wallMs: 1};
  const options = {...policy, machineId: 'm', bootId: 'boot', keepTeams: 2, hostLostMs: 1000, random: seededRandom(1)};
  const {engine} = Engine.restore(stored, options, now);
  const host = {id: hostId('h'), machineId: 'm', process: {pid: 1, startTime: '1', bootId: 'b'}, gone: false};
  const effects: Effect[] = [];
  const take = (step: {effects: Effect[]}) => {
    for (const effect of step.effects) effects.push(effect);
  };
  take(engine.handle({type: 'host-connected', host, holds: [], agents: [], teams: []}, now));
  const before = cpuUs();
  const plan = {name: null, env: {}, tasks};
  const limits = {failFast: false, maxFailures: null, timeoutMs: null, traceId: '', secretNames: []};
  const spec = {name: 'bench', count: WIDTH, plan, cwd: '/', umask: 0, env: {}, ...limits};
  take(engine.handle({type: 'spawn-team', request: 1, spec, nameTaken: 'refuse'}, now));
  let finished = 0;
  let heap = 0;
  for (let effect = effects.pop(); effect; effect = effects.pop()) {
    if (effect.type === 'open-agents') {
      take(engine.handle({type: 'agents-ready', hostId: host.id, agents: effect.agents}, now));
    } else if (effect.type === 'want-permits') {
      take(engine.handle({type: 'permits', permits: effect.want, why: null}, now));
    } else if (effect.type === 'assign') {
      const {attempt} = effect.assignment;
      take(engine.handle({type: 'attempt-finished', hostId: host.id, attempt, outcome: OUTCOME}, now));
      finished += 1;
      if (finished === count >> 1) {
        const spent = cpuUs();
        globalThis.gc?.();
        heap = process.memoryUsage().heapUsed - heapBefore;
        skippedUs = cpuUs() - spent;
      }
    }
  }
  if (finished !== count) throw new Error(`${finished} of ${count} tasks finished`);
  return {usPerTask: (cpuUs() - before - skippedUs) / count, bytesPerTask: heap / count};
}

/** CPU of the forced garbage collection in the middle, which is the measurement's and not the engine's. */
let skippedUs = 0;

async function runPromises(count: number): Promise<Measured> {
  const before = cpuUs();
  let next = 0;
  const worker = async () => {
    while (next < count) {
      next += 1;
      await Promise.resolve();
    }
  };
  await Promise.all(Array.from({length: WIDTH}, worker));
  return {usPerTask: (cpuUs() - before) / count, bytesPerTask: 0};
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , kind, tasks] = process.argv;
  if (kind === undefined) console.table(await engineBench.run());
  else console.log(JSON.stringify(kind === 'godel' ? runEngine(Number(tasks)) : await runPromises(Number(tasks))));
}
