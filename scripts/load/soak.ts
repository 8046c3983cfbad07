import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {sleep} from '../../src/base/clock.ts';
import {formatDuration} from '../../src/base/duration.ts';
import {Rig} from '../../test/rig/rig.ts';
import {judge, ledgerOf} from './judge.ts';
import {type Load, type LoadRow, fact} from './load.ts';
import {mixedPlan, type MixedPlanSize} from './mixed-plan.ts';
import {descriptorRow, memoryRow, type Program, PROGRAMS, programOf, warmUp} from './programs.ts';
import {type Sample, sampleOf} from './samples.ts';

const SAMPLE_MS = 1000;
/** As a plan's nominal time is that of a quiet machine. */
const PATIENCE = 6;
const LEAST_PATIENCE_MS = 60_000;

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
    for (const program of PROGRAMS) {
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
  const watched: LoadRow[] = [];
  for (const program of PROGRAMS) {
    watched.push(memoryRow(program, samples[program], size.seconds));
    watched.push(await descriptorRow(rig, program, before[program].sample));
  }
  return [
    fact('agents', size.agents),
    fact('time', formatDuration(tookMs)),
    fact('agents busy on average', view.meanBusyAgents?.toFixed(1) ?? 'unknown'),
    ...(await judge(rig, tasks)),
    ...watched,
  ];
}
