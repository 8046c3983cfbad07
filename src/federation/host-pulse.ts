import {formatDuration} from '../base/duration.ts';
import {never} from '../base/never.ts';
import type {ProcessProbe} from '../model/health.ts';
import type {Evidence} from './health.ts';

export interface HostPatience {
  /** A process that waits and uses no processor time for so long would have beaten: it hangs. In milliseconds. */
  readonly stillMs: number;
  /** One that works, or waits for its disk, and is not heard for so long does not listen any more. In milliseconds. */
  readonly deafMs: number;
}

/** How long a process has done nothing, as far as it was looked at. */
export interface Stillness {
  readonly sinceMs: number;
  readonly cpuMs: number;
}

/** How the stillness goes on with what was seen now; null: it moves. */
export function nextStillness(before: Stillness | null, {state, cpuMs}: ProcessProbe, nowMs: number): Stillness | null {
  if (state !== 'waiting' || cpuMs === null) return null;
  return before !== null && before.cpuMs === cpuMs ? before : {sinceMs: nowMs, cpuMs};
}

/**
 * What the state of its process says of a silent host; null: nothing. A machine that is short of processors makes its hosts
 * late but not still: they are working, which is what waiting for a processor counts as.
 */
export function judgeProbe(
  {state}: ProcessProbe,
  {stillness, silenceMs, nowMs}: {stillness: Stillness | null; silenceMs: number; nowMs: number},
  patience: HostPatience,
): Evidence | null {
  const silence = formatDuration(silenceMs);
  switch (state) {
    case 'gone':
      return {kind: 'gone', why: 'its process is gone'};
    case 'stopped':
      return {kind: 'confirmed', why: `its process is stopped (SIGSTOP) and silent for ${silence}`};
    case 'waiting':
      if (stillness !== null && nowMs - stillness.sinceMs >= patience.stillMs) {
        return {kind: 'confirmed', why: `its process does nothing and is silent for ${silence}`};
      }
      break;
    case 'working':
    case 'blocked':
    case 'unknown':
      break;
    default:
      return never(state);
  }
  if (silenceMs < patience.deafMs) return null;
  return {kind: 'confirmed', why: `nothing has been heard of it for ${silence}`};
}

/** Whether what was seen leaves no doubt that it will not go on by itself within a moment. */
export function isCertain({state}: ProcessProbe, stillness: Stillness | null, nowMs: number, stillMs: number): boolean {
  if (state === 'stopped' || state === 'gone') return true;
  return state === 'waiting' && stillness !== null && nowMs - stillness.sinceMs >= stillMs;
}
