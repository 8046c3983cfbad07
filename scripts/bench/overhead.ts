import {fileURLToPath} from 'node:url';
import {readClock, sleep} from '../../src/base/clock.ts';
import {seededRandom} from '../../src/base/random.ts';
import {Engine} from '../../src/federation/engine.ts';
import type {Effect, Input} from '../../src/federation/engine-io.ts';
import {DEFAULT_AUTOSCALE} from '../../src/model/autoscale.ts';
import type {Vitals} from '../../src/model/health.ts';
import {type AttemptId, attemptId, hostId, teamId} from '../../src/model/ids.ts';
import {hostMessageSchema} from '../../src/wire/host-protocol.ts';
import {taskSpec, teamSpec} from '../../test/model/fabricated-specs.ts';
import {Rig} from '../../test/rig/rig.ts';
import {processesOf} from '../../test/rig/rig-processes.ts';
import {until} from '../../test/rig/until.ts';
import {cpuSecondsOf} from './process-cost.ts';
import {type Bench, type BenchRow, median} from './table.ts';

const AGENTS = 1000;
const RUNS = Number(process.env['OVERHEAD_BENCH_RUNS'] ?? 3);
const WATCH_MS = 20_000;
/** Starting 1,000 tasks leaves work behind for a moment. */
const SETTLE_MS = 8000;
const WITHIN_MS = 180_000;
const MOST = 0.03;
const BEAT_MS = 500;
/** With so many attempts a host tells of each at most so often. */
const TOLD_EVERY_MS = 2000;

interface Cost {
  readonly daemon: number;
  readonly host: number;
}

/**
 * What health and scaling cost with 1,000 agents. Nothing else happens while their tasks sleep, so daemon and host are measured
 * whole: there is nothing to switch off. Where all attempts tell of changes, which as real processes they could not on this
 * machine, the daemon's part is measured: its parser, engine, monitor and scaler, driven in real time.
 */
export const overheadBench: Bench = {
  name: 'overhead',
  title: 'Health and scaling with 1,000 agents',
  run: async () => {
    const runs: {idle: Cost; asleep: Cost; told: number; beats: number}[] = [];
    for (let run = 0; run < RUNS; run += 1) {
      const idle = await costOf('idle');
      const asleep = await costOf('asleep');
      runs.push({idle, asleep, told: await engineShare('all change'), beats: await engineShare('nothing changes')});
    }
    const of = (pick: (run: (typeof runs)[number]) => number) => median(runs.map(pick));
    const asleep = of(run => run.asleep.daemon + run.asleep.host);
    const idle = of(run => run.idle.daemon + run.idle.host);
    const told = of(run => run.told);
    const parts = `daemon ${percent(of(run => run.asleep.daemon))}, host ${percent(of(run => run.asleep.host))}`;
    return [
      row({
        what: 'daemon and host, 1,000 sleeping tasks, auto-scaling on, everything they do',
        share: asleep,
        with: ` of a core (${parts})`,
        anchor: `1,000 agents without tasks ${percent(idle)}`,
      }),
      row({
        what: 'the daemon’s part in real time when all 1,000 attempts tell of changes every 2 s (engine driven directly)',
        share: told,
        with: ' of a core',
        anchor: `beats alone ${percent(of(run => run.beats))}`,
      }),
    ];
  },
};

function row({what, share, with: rest, anchor}: {what: string; share: number; with: string; anchor: string}): BenchRow {
  const met = share <= MOST;
  return {what, ours: `${percent(share)}${rest}`, anchor, ratio: '–', target: '≤ 3 % of a core', met};
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}

/** Shares of a core. */
async function costOf(what: 'idle' | 'asleep'): Promise<Cost> {
  // A task that sleeps needs hardly any memory; admission would count on more.
  await using rig = await Rig.create({env: {GODEL_MEMORY_PER_ATTEMPT: '1MiB'}});
  const tasks = Object.fromEntries(Array.from({length: AGENTS}, (_, index) => [`t${index}`, {run: 'exec sleep 3600'}]));
  // A team that scales itself would send agents away that have nothing to do.
  const busy = what === 'asleep' ? {plan: {version: 1, tasks}, autoscale: {min: 1, max: AGENTS}} : {};
  const {team} = await rig.spawn({count: AGENTS, ...busy});
  const running = what === 'asleep' ? AGENTS : 0;
  await until(
    'all of them run',
    async () => {
      const view = await rig.client().team(team);
      return view.ok && view.value.agents.ready === AGENTS && view.value.tasks.running === running;
    },
    {withinMs: WITHIN_MS},
  );
  await until('all processes run', () => sleepers(rig) === running, {withinMs: WITHIN_MS});
  await sleep(SETTLE_MS);
  const pidOf = (name: string) =>
    processesOf(rig.root).find(({command}) => command.includes(`dist/${name}.js`))?.pid ?? 0;
  const pids = [pidOf('daemon'), pidOf('host')];
  const before = pids.map(cpuSecondsOf);
  const startedMs = readClock().monoMs;
  await sleep(WATCH_MS);
  const seconds = (readClock().monoMs - startedMs) / 1000;
  const [daemon = 0, host = 0] = pids.map((pid, index) => (cpuSecondsOf(pid) - (before[index] ?? 0)) / seconds);
  return {daemon, host};
}

function sleepers(rig: Rig): number {
  return processesOf(rig.root).filter(({command}) => command.startsWith('sleep ')).length;
}

/** The share of a core that a daemon uses for what one host with 1,000 running attempts says, without its socket and timers. */
async function engineShare(what: 'all change' | 'nothing changes'): Promise<number> {
  const driven = new DrivenEngine();
  const messages = Math.round(TOLD_EVERY_MS / BEAT_MS);
  const attempts = driven.attempts.map((attempt, index) => ({attempt, turn: index % messages}));
  const before = process.cpuUsage();
  const startedMs = readClock().monoMs;
  for (let beat = 1; beat * BEAT_MS <= WATCH_MS; beat += 1) {
    const due = what === 'all change' ? attempts.filter(({turn}) => turn === beat % messages) : [];
    driven.hear(JSON.stringify({type: 'vitals', lagMs: 0, vitals: due.map(({attempt}) => vitalsOf(attempt, beat))}));
    await sleep(Math.max(0, startedMs + beat * BEAT_MS - readClock().monoMs));
  }
  const {user, system} = process.cpuUsage(before);
  return (user + system) / 1e6 / ((readClock().monoMs - startedMs) / 1000);
}

/** It works a little, prints, and its memory goes up and down. */
function vitalsOf(attempt: AttemptId, beat: number): Vitals {
  const rssBytes = 1e8 + (beat % 7) * 1e7;
  const outputBytes = beat * 100;
  return {attempt, processes: 2, cpuMs: beat * 40, rssBytes, outputBytes, silentMs: 100, state: 'sleeping'};
}

/** The engine with a team of 1,000 agents that scales itself, all of them at work, as the daemon's loop would drive it. */
class DrivenEngine {
  readonly attempts: AttemptId[] = [];
  readonly #engine: Engine;
  readonly #host = hostId('h-1');

  constructor() {
    const policy = {
      retryBaseMs: 100,
      retryMaxMs: 1000,
      maxLosses: 5,
      maxConflicts: 2,
      firstCap: {usd: 0.25, tokens: 100_000},
      memoryOf: () => 0,
    };
    const stored = {nextTeamId: teamId(1), nextAttemptId: attemptId(1), hosts: [], teams: [], over: []};
    const random = seededRandom(1);
    const options = {...policy, machineId: 'm', bootId: 'b', keepTeams: 2, hostLostMs: 30_000, random};
    this.#engine = Engine.restore(stored, options, readClock()).engine;
    const host = {id: this.#host, machineId: 'm', process: {pid: 1, startTime: '1', bootId: 'b'}, gone: false};
    this.#handle({type: 'host-connected', host, holds: [], agents: [], teams: [], beats: true});
    const tasks = Array.from({length: AGENTS}, (_, index) => taskSpec(`t${index}`));
    const autoscale = {...DEFAULT_AUTOSCALE, min: 1, max: AGENTS};
    const spec = teamSpec({count: AGENTS, plan: {name: null, env: {}, tasks}, autoscale});
    this.#handle({type: 'spawn-team', request: 1, spec, nameTaken: 'refuse'});
    if (this.attempts.length !== AGENTS) throw new Error(`only ${this.attempts.length} attempts run`);
  }

  hear(text: string): void {
    const message = hostMessageSchema.parse(JSON.parse(text));
    if (message.type !== 'vitals') throw new Error(`it is a ${message.type}`);
    this.#handle({...message, hostId: this.#host});
    const dueMs = this.#engine.nextDeadlineMs();
    if (dueMs !== null && dueMs <= readClock().monoMs) this.#handle({type: 'tick'});
  }

  #handle(input: Input): void {
    const effects: Effect[] = [...this.#engine.handle(input, readClock()).effects];
    for (let effect = effects.shift(); effect; effect = effects.shift()) {
      const answer = this.#answerTo(effect);
      if (answer) effects.push(...this.#engine.handle(answer, readClock()).effects);
    }
  }

  #answerTo(effect: Effect): Input | null {
    if (effect.type === 'open-agents') return {type: 'agents-ready', hostId: this.#host, agents: effect.agents};
    if (effect.type === 'want-permits') return {type: 'permits', permits: effect.want, why: null};
    if (effect.type === 'stop-attempts' || effect.type === 'kill-host') throw new Error(`it asks for ${effect.type}`);
    if (effect.type === 'assign') this.attempts.push(effect.assignment.attempt);
    return null;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.table(await overheadBench.run());
