import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {sleep} from '../../src/base/clock.ts';
import {formatDuration} from '../../src/base/duration.ts';
import {formatSize} from '../../src/base/size.ts';
import {Rig} from '../../test/rig/rig.ts';
import {processesOf} from '../../test/rig/rig-processes.ts';
import {judge, ledgerOf} from './judge.ts';
import {type Load, type LoadRow, fact} from './load.ts';
import {mixedPlan, type MixedPlanSize} from './mixed-plan.ts';
import {type Sample, sampleOf, slopeOf} from './samples.ts';

const SAMPLE_MS = 1000;
/** As a plan's nominal time is that of a quiet machine. */
const PATIENCE = 6;
const LEAST_PATIENCE_MS = 60_000;
/** In less time the slope says more of garbage collection than of leaks. */
const JUDGED_SECONDS = 120;
const FLAT_BYTES_PER_MINUTE = 2 ** 20;

export const soak50: Load = {
  name: '50x10m',
  title: '50 agents for ten minutes',
  run: ({seconds = 600, agents = 50}) => soak({agents, seconds}),
};

export const stress100: Load = {
  name: '100',
  title: '100 agents',
  run: ({seconds = 60, agents = 100}) => soak({agents, seconds}),
};

type Program = 'daemon' | 'host';

/** Mixed tasks for about this long, all of which must succeed once; daemon and host are watched meanwhile. */
async function soak(size: MixedPlanSize): Promise<readonly LoadRow[]> {
  await using rig = await Rig.create({
    env: {GODEL_RETRY_BASE: '200ms', GODEL_RETRY_MAX: '1s', GODEL_MAX_RUNNING: String(size.agents)},
  });
  await warmUp(rig);
  const before = {daemon: programOf(rig, 'daemon'), host: programOf(rig, 'host')};
  const {document, tasks} = mixedPlan('load', size);
  const startedMs = performance.now();
  await rig.spawn({count: size.agents, plan: document, env: {...rig.env, LEDGER: ledgerOf(rig)}});
  const samples: Record<Program, Sample[]> = {daemon: [], host: []};
  const patienceMs = Math.max(LEAST_PATIENCE_MS, size.seconds * 1000 * PATIENCE);
  while (!existsSync(join(rig.folder, 'finished'))) {
    for (const program of ['daemon', 'host'] as const) {
      const sample = sampleOf(before[program].pid);
      if (!sample) throw new Error(`the ${program} has died:\n${rig.log()}`);
      samples[program].push(sample);
    }
    if (performance.now() - startedMs > patienceMs) {
      throw new Error(
        `it was not over within ${formatDuration(patienceMs)}:\n${JSON.stringify(await rig.client().teams())}`,
      );
    }
    await sleep(SAMPLE_MS);
  }
  const view = await rig.waitFor('load');
  const tookMs = performance.now() - startedMs;
  const after = {daemon: programOf(rig, 'daemon'), host: programOf(rig, 'host')};
  const watched = (['daemon', 'host'] as const).flatMap(program => [
    memoryRow(program, samples[program], size.seconds),
    descriptorRow(program, before[program].sample, after[program].sample),
  ]);
  return [
    fact('agents', size.agents),
    fact('time', formatDuration(tookMs)),
    fact('agents busy on average', view.meanBusyAgents?.toFixed(1) ?? 'unknown'),
    ...(await judge(rig, tasks)),
    ...watched,
  ];
}

/** What is opened and loaded once is there before anything is measured. Its rows are gone again. */
async function warmUp(rig: Rig): Promise<void> {
  const tasks = Object.fromEntries(Array.from({length: 20}, (_, index) => [`t${index}`, {run: 'echo warm; sleep 0'}]));
  const {team} = await rig.spawn({name: 'warm-up', count: 10, plan: {version: 1, tasks}});
  await rig.waitFor(team);
  const removed = await rig.client().remove(team);
  if (!removed.ok) throw new Error(`the warm-up stays: ${removed.failure.reason}`);
}

function programOf(rig: Rig, program: Program): {readonly pid: number; readonly sample: Sample} {
  const pid = processesOf(rig.root).find(({command}) => command.includes(`dist/${program}.js`))?.pid;
  const sample = pid === undefined ? null : sampleOf(pid);
  if (pid === undefined || sample === null) throw new Error(`there is no ${program}`);
  return {pid, sample};
}

function memoryRow(program: Program, samples: readonly Sample[], seconds: number): LoadRow {
  const slope = slopeOf(samples);
  const [first, last] = [samples[0], samples.at(-1)].map(sample => formatSize(sample?.residentBytes ?? 0));
  const growth =
    slope === null ? 'too short to tell' : `${slope < 0 ? '−' : '+'}${formatSize(Math.abs(slope))} per minute`;
  return {
    what: `memory of the ${program} (resident), growth after the first third`,
    measured: `${first ?? ''} to ${last ?? ''}, ${growth}`,
    target: `≤ ${formatSize(FLAT_BYTES_PER_MINUTE)} per minute`,
    met: slope === null || seconds < JUDGED_SECONDS ? null : slope <= FLAT_BYTES_PER_MINUTE,
  };
}

function descriptorRow(program: Program, before: Sample, after: Sample): LoadRow {
  return {
    what: `open files of the ${program}, before and after`,
    measured: `${before.descriptors}, ${after.descriptors}`,
    target: 'no more',
    met: after.descriptors <= before.descriptors,
  };
}
