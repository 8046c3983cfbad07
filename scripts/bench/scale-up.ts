import {execFileSync, spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdirSync, mkdtempSync, readdirSync, rmSync, statSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {createInterface} from 'node:readline/promises';
import {fileURLToPath} from 'node:url';
import {sleep} from '../../src/base/clock.ts';
import type {Result} from '../../src/base/result.ts';
import type {AgentGroup} from '../../src/model/agent.ts';
import type {Failure} from '../../src/model/failure.ts';
import {failureText} from '../../src/model/failure-text.ts';
import {setUpFor} from '../../test/model-server/cli-set-up.ts';
import {cliFolder} from '../../test/model-server/installed-clis.ts';
import {Rig} from '../../test/rig/rig.ts';
import {until} from '../../test/rig/until.ts';
import {type Bench, type BenchRow, median} from './table.ts';

const RUNS = Number(process.env['SCALE_BENCH_RUNS'] ?? 5);
/** Agents it has before, and for how many more it is asked. */
const BEFORE = 2;
const MORE = [
  [10, 500],
  [50, 1000],
] as const;
/** Between two looks at whether they are ready. */
const LOOK_MS = 5;
const PATIENCE_MS = 20_000;

const PI = {name: 'coder', skills: [], runtime: 'pi', costPerHour: null, speed: 1, slots: 1};

interface Times {
  /** Agents with nothing to do: until the last says that it is ready. */
  readonly idle: number[];
  /** With tasks that wait: until the last new agent is given one, and until that runs. */
  readonly leased: number[];
  readonly running: number[];
  /** A team that scales itself is given a plan: until all of it runs. */
  readonly auto: number[];
  readonly decisions: number[];
  /** The same commands started by a small program. */
  readonly bare: number[];
}

/**
 * From the request for more agents, through the API, until they are there and at work: real processes, whose first act is to
 * make a file. Beside it the same commands started at once by a Node program that does nothing else.
 */
export const scaleUpBench: Bench = {
  name: 'scale-up',
  title: 'More agents for a running team',
  run: async () => {
    await using rig = await Rig.create();
    mkdirSync(marksOf(rig));
    await measure(rig, 4, emptyTimes());
    const rows: BenchRow[] = [];
    for (const [more, mostMs] of MORE) {
      const times = emptyTimes();
      for (let run = 0; run < RUNS; run += 1) await measure(rig, more, times);
      rows.push(...rowsOf(times, {more, mostMs}));
    }
    return [...rows, ...(await cliRows())];
  },
};

/** The same with agents that need a coding agent's own program, which is asked once for all of them whether it is there. */
async function cliRows(): Promise<readonly BenchRow[]> {
  const folder = cliFolder('pi');
  if (folder === null) return [];
  const settings = mkdtempSync(join(tmpdir(), 'godel-cli-settings-'));
  try {
    // Nobody asks the model anything.
    const {env, model} = setUpFor('pi', 'http://127.0.0.1:9', settings);
    await using rig = await Rig.create({env: {...env, PATH: `${folder}:${process.env['PATH'] ?? ''}`}});
    mkdirSync(marksOf(rig));
    const agents = [{...PI, model, count: BEFORE}];
    const rows: BenchRow[] = [];
    for (const [more, mostMs] of MORE) {
      const ours: number[] = [];
      const asked: number[] = [];
      for (let run = 0; run < RUNS; run += 1) {
        asked.push(versionMs(rig, join(folder, 'pi')));
        ours.push(await idleMs(rig, more, agents));
      }
      const anchor = median(asked);
      rows.push({
        what: `scale by ${more}, idle agents of pi → all ready`,
        ours: spread(ours),
        anchor: `${anchor.toFixed(0)} ms, \`pi --version\``,
        ratio: `${(median(ours) / anchor).toFixed(1)}×`,
        target: `≤ ${mostMs} ms, quiet`,
        met: median(ours) <= mostMs,
      });
    }
    return rows;
  } finally {
    rmSync(settings, {recursive: true, force: true});
  }
}

function versionMs(rig: Rig, file: string): number {
  const startedMs = performance.now();
  execFileSync(file, ['--version'], {env: rig.env, stdio: 'ignore'});
  return performance.now() - startedMs;
}

function spread(values: readonly number[]): string {
  return `${median(values).toFixed(0)} ms (longest of ${values.length} ${Math.max(...values).toFixed(0)})`;
}

function rowsOf(times: Times, {more, mostMs}: {more: number; mostMs: number}): readonly BenchRow[] {
  const bare = median(times.bare);
  const row = (what: string, values: readonly number[], limitMs: number | null): BenchRow => {
    const ms = median(values);
    return {
      what,
      ours: spread(values),
      anchor: `${bare.toFixed(0)} ms, ${more} bare processes`,
      ratio: `${(ms / bare).toFixed(1)}×`,
      target: limitMs === null ? '–' : `≤ ${limitMs} ms, quiet`,
      met: limitMs === null ? null : ms <= limitMs,
    };
  };
  const decisions = median(times.decisions);
  return [
    row(`scale by ${more}, idle team → all ready`, times.idle, mostMs),
    row(`scale by ${more}, tasks wait → each new agent has one`, times.leased, null),
    row(`scale by ${more}, tasks wait → all of them run`, times.running, mostMs),
    row(`1 agent that scales itself is given ${more + 1} tasks → all run, ${decisions} decisions`, times.auto, null),
  ];
}

async function measure(rig: Rig, more: number, times: Times): Promise<void> {
  times.bare.push(await bareMs(rig, more));
  times.idle.push(await idleMs(rig, more));
  const {leasedMs, runningMs} = await queuedMs(rig, more);
  times.leased.push(leasedMs);
  times.running.push(runningMs);
  const {autoMs, decisions} = await autoMsOf(rig, more);
  times.auto.push(autoMs);
  times.decisions.push(decisions);
}

async function idleMs(rig: Rig, more: number, agents?: readonly AgentGroup[]): Promise<number> {
  const client = rig.client();
  const {team} = await rig.spawn({count: BEFORE, ...(agents ? {agents} : {})});
  const readyNow = async () => ok(await client.team(team)).agents.ready;
  await until('the agents are ready', async () => (await readyNow()) === BEFORE);
  const startedMs = performance.now();
  ok(await client.scale(team, {count: BEFORE + more}));
  while ((await readyNow()) < BEFORE + more) {
    if (performance.now() - startedMs > PATIENCE_MS) throw new Error(`of ${more} agents not all are ready`);
    await sleep(LOOK_MS);
  }
  const tookMs = performance.now() - startedMs;
  await end(rig, team);
  return tookMs;
}

async function queuedMs(rig: Rig, more: number): Promise<{leasedMs: number; runningMs: number}> {
  const client = rig.client();
  const {team} = await rig.spawn({count: BEFORE, plan: planOf(BEFORE + more)});
  await marked(rig, BEFORE);
  const startedMs = Date.now();
  ok(await client.scale(team, {count: BEFORE + more}));
  const runningMs = (await marked(rig, BEFORE + more)) - startedMs;
  const leasedAtMs = ok(await client.events(team, {limit: 1000})).flatMap(({atMs, body}) =>
    body.type === 'attempt-leased' ? [atMs] : [],
  );
  await end(rig, team);
  return {leasedMs: Math.max(...leasedAtMs) - startedMs, runningMs};
}

async function autoMsOf(rig: Rig, more: number): Promise<{autoMs: number; decisions: number}> {
  const client = rig.client();
  const {team} = await rig.spawn({count: 1, autoscale: {min: 1, max: more + 1}});
  await until('its agent is ready', async () => ok(await client.team(team)).agents.ready === 1);
  const startedMs = Date.now();
  ok(await client.run(team, {plan: planOf(more + 1), env: rig.env}));
  const autoMs = (await marked(rig, more + 1)) - startedMs;
  const events = ok(await client.events(team, {limit: 1000}));
  await end(rig, team);
  return {autoMs, decisions: events.filter(({body}) => body.type === 'team-scaled').length};
}

async function bareMs(rig: Rig, count: number): Promise<number> {
  const argv = [join(import.meta.dirname, 'spawn-marks.mjs'), String(count), commandFor('$MARK')];
  const child = spawn(process.execPath, argv, {cwd: rig.folder, env: rig.env, stdio: ['pipe', 'pipe', 'inherit']});
  const lines = createInterface({input: child.stdout})[Symbol.asyncIterator]();
  await lines.next();
  child.stdin.write('go\n');
  const startedMs = Number((await lines.next()).value);
  const tookMs = (await marked(rig, count)) - startedMs;
  const exit = once(child, 'exit');
  child.stdin.end();
  await exit;
  clearMarks(rig);
  return tookMs;
}

function planOf(count: number): unknown {
  const tasks = Object.fromEntries(
    Array.from({length: count}, (_, index) => [`t${index}`, {run: commandFor(`task-${index}`)}]),
  );
  return {version: 1, tasks};
}

/** The shell itself makes the file: no further process is needed for it. */
function commandFor(mark: string): string {
  return `: > "marks/${mark}"; exec sleep 600`;
}

/** When the last of so many commands has begun (wall clock), as the file system says. */
async function marked(rig: Rig, count: number): Promise<number> {
  const folder = marksOf(rig);
  const names = await until(`${count} commands run`, () => {
    const found = readdirSync(folder);
    return found.length >= count ? found : null;
  });
  return Math.max(...names.map(name => statSync(join(folder, name)).mtimeMs));
}

async function end(rig: Rig, team: string): Promise<void> {
  ok(await rig.client().kill(team));
  clearMarks(rig);
  // What the daemon writes about a team that is over is not the next one's.
  await sleep(100);
}

function clearMarks(rig: Rig): void {
  for (const name of readdirSync(marksOf(rig))) rmSync(join(marksOf(rig), name));
}

function marksOf(rig: Rig): string {
  return join(rig.folder, 'marks');
}

function ok<T>(result: Result<T, Failure>): T {
  if (!result.ok) throw new Error(failureText(result.failure));
  return result.value;
}

function emptyTimes(): Times {
  return {idle: [], leased: [], running: [], auto: [], decisions: [], bare: []};
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.table(await scaleUpBench.run());
