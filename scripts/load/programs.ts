import {formatSize} from '../../src/base/size.ts';
import type {Rig} from '../../test/rig/rig.ts';
import {processesOf} from '../../test/rig/rig-processes.ts';
import {until} from '../../test/rig/until.ts';
import type {LoadRow} from './load.ts';
import {type Sample, sampleOf, slopeOf} from './samples.ts';

/** In less time the slope says more of garbage collection than of leaks. */
const JUDGED_SECONDS = 120;
const FLAT_BYTES_PER_MINUTE = 2 ** 20;
const CLOSED_WITHIN_MS = 5000;

export const PROGRAMS = ['daemon', 'host'] as const;
export type Program = (typeof PROGRAMS)[number];

/** What is opened and loaded once is there before anything is measured. Its rows are gone again. */
export async function warmUp(rig: Rig): Promise<void> {
  const tasks = Object.fromEntries(Array.from({length: 20}, (_, index) => [`t${index}`, {run: 'echo warm; sleep 0'}]));
  const {team} = await rig.spawn({name: 'warm-up', count: 10, plan: {version: 1, tasks}});
  await rig.waitFor(team);
  const removed = await rig.client().remove(team);
  if (!removed.ok) throw new Error(`the warm-up stays: ${removed.failure.reason}`);
}

export function programOf(rig: Rig, program: Program): {readonly pid: number; readonly sample: Sample} {
  const pid = processesOf(rig.root).find(({command}) => command.includes(`dist/${program}.js`))?.pid;
  const sample = pid === undefined ? null : sampleOf(pid);
  if (pid === undefined || sample === null) throw new Error(`there is no ${program}`);
  return {pid, sample};
}

export function memoryRow(program: Program, samples: readonly Sample[], seconds: number): LoadRow {
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

/** The connections that we have had to it are closed a moment after us, so that the last count is the lowest of some seconds. */
export async function descriptorRow(rig: Rig, program: Program, before: Sample): Promise<LoadRow> {
  let lowest = Infinity;
  await until(
    'as many files are open as before',
    () => {
      lowest = Math.min(lowest, programOf(rig, program).sample.descriptors);
      return lowest <= before.descriptors;
    },
    {withinMs: CLOSED_WITHIN_MS},
  ).catch(() => undefined);
  return {
    what: `open files of the ${program}, before and after`,
    measured: `${before.descriptors}, ${lowest}`,
    target: 'no more',
    met: lowest <= before.descriptors,
  };
}
