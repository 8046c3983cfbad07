import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {sleep} from '../../src/base/clock.ts';
import {formatDuration} from '../../src/base/duration.ts';
import {type Random, seededRandom} from '../../src/base/random.ts';
import {Rig} from '../../test/rig/rig.ts';
import {processesOf} from '../../test/rig/rig-processes.ts';
import {until} from '../../test/rig/until.ts';
import {judge, ledgerLines, ledgerOf, StartCounter} from './judge.ts';
import {type Load, type LoadRow, fact, percentile} from './load.ts';
import {type MixedPlan, mixedPlan} from './mixed-plan.ts';

const KILL_EVERY_MS = 3000;
/** What ran on a host starts again when that is killed, so that what is lost grows with the length of the tasks. */
const LONGEST_TASK_SECONDS = 2;
const LOOK_MS = 20;
const SEED = 1;
const PATIENCE = 8;
const LEAST_PATIENCE_MS = 120_000;
const TARGET = 0.85;

type Target = 'agent' | 'host' | 'daemon';
const TARGETS: readonly Target[] = ['agent', 'host', 'daemon'];

/** The same work twice: undisturbed, and with a kill -9 of a random agent's process, host or daemon every three seconds. */
export const chaosLoad: Load = {
  name: 'chaos',
  title: '50 agents, a random kill -9 every three seconds',
  run: async ({seconds = 600, agents = 50}) => {
    const plan = mixedPlan('load', {agents, seconds, longest: LONGEST_TASK_SECONDS});
    const patienceMs = Math.max(LEAST_PATIENCE_MS, seconds * 1000 * PATIENCE);
    const quiet = await once(plan, {agents, patienceMs, isDisturbed: false});
    const disturbed = await once(plan, {agents, patienceMs, isDisturbed: true});
    const ratio = quiet.tookMs / disturbed.tookMs;
    const {kills} = disturbed;
    return [
      fact('agents', agents),
      fact('without kills', formatDuration(quiet.tookMs)),
      fact('with kills', formatDuration(disturbed.tookMs)),
      fact('kills', TARGETS.map(target => `${target} ${kills[target]}`).join(', ')),
      {
        what: 'throughput of that without kills',
        measured: `${(ratio * 100).toFixed(1)} %`,
        target: `≥ ${TARGET * 100} %`,
        met: ratio >= TARGET,
      },
      ...TARGETS.map(target => outageRow(target, disturbed.outagesMs[target])),
      ...disturbed.rows,
    ];
  },
};

function outageRow(target: Target, outagesMs: readonly number[]): LoadRow {
  const [p50, longest] = [percentile(outagesMs, 0.5), percentile(outagesMs, 1)].map(ms => Math.round(ms));
  const measured = outagesMs.length === 0 ? 'none was killed' : `${p50 ?? ''} ms, ${longest ?? ''} ms`;
  const what = `from the kill of ${target === 'agent' ? 'an agent’s process' : `the ${target}`} until any attempt starts, p50 and longest`;
  return fact(what, measured);
}

interface RunOptions {
  readonly agents: number;
  readonly patienceMs: number;
  readonly isDisturbed: boolean;
}

interface Run {
  readonly tookMs: number;
  readonly kills: Readonly<Record<Target, number>>;
  /** From each kill until another attempt has started. */
  readonly outagesMs: Readonly<Record<Target, readonly number[]>>;
  readonly rows: readonly LoadRow[];
}

async function once({document, tasks}: MixedPlan, {agents, patienceMs, isDisturbed}: RunOptions): Promise<Run> {
  await using rig = await Rig.create({
    env: {GODEL_RETRY_BASE: '50ms', GODEL_RETRY_MAX: '200ms', GODEL_MAX_RUNNING: String(agents)},
  });
  await rig.spawn({count: agents, plan: document, env: {...rig.env, LEDGER: ledgerOf(rig)}});
  await until('the first attempts run', () => ledgerLines(rig).length > 0, {withinMs: LEAST_PATIENCE_MS});
  const startedMs = performance.now();
  const kills = {agent: 0, host: 0, daemon: 0};
  const outagesMs: Record<Target, number[]> = {agent: [], host: [], daemon: []};
  using starts = new StartCounter(rig);
  let waiting: {readonly target: Target; readonly count: number; readonly atMs: number} | null = null;
  const random = seededRandom(SEED);
  let killAtMs = startedMs + KILL_EVERY_MS;
  while (!existsSync(join(rig.folder, 'finished'))) {
    if (performance.now() - startedMs > patienceMs) {
      throw new Error(
        `it was not over within ${formatDuration(patienceMs)}; kills ${JSON.stringify(kills)}\n${rig.log()}`,
      );
    }
    if (waiting && starts.count() > waiting.count) {
      outagesMs[waiting.target].push(performance.now() - waiting.atMs);
      waiting = null;
    }
    if (isDisturbed && performance.now() >= killAtMs) {
      killAtMs += KILL_EVERY_MS;
      const target = killOne(rig, random);
      if (target !== null) kills[target] += 1;
      // While one outage lasts, the next is part of it.
      if (target !== null) waiting ??= {target, count: starts.count(), atMs: performance.now()};
    }
    await sleep(LOOK_MS);
  }
  const tookMs = performance.now() - startedMs;
  await until('the team is over', async () => {
    const view = await rig.client().team('load');
    return view.ok && view.value.outcome !== null;
  });
  return {tookMs, kills, outagesMs, rows: await judge(rig, tasks)};
}

/** Daemon and host restart each other, so one of the two is always spared. Null: there was nothing to kill. */
function killOne(rig: Rig, random: Random): Target | null {
  const target = TARGETS[Math.floor(random() * TARGETS.length)] ?? 'agent';
  const found = {agent: [] as number[], host: [] as number[], daemon: [] as number[]};
  for (const {pid, command} of processesOf(rig.root)) {
    if (command.includes('dist/daemon.js')) found.daemon.push(pid);
    else if (command.includes('dist/host.js')) found.host.push(pid);
    else if (/^(bash|sh) -e -c /.test(command)) found.agent.push(pid);
  }
  if (target === 'daemon' && found.host.length === 0) return null;
  if (target === 'host' && found.daemon.length === 0) return null;
  const pid = found[target][Math.floor(random() * found[target].length)];
  if (pid === undefined) return null;
  try {
    process.kill(pid, 'SIGKILL');
    return target;
  } catch {
    return null;
  }
}
