import {readFileSync} from 'node:fs';
import type {ProcessProbe} from '../model/health.ts';
import type {ProcessIdentity} from '../model/process-identity.ts';
import {factsOf, isDead, parseStat} from './process-identity.ts';

/** By the letter of `ps`; every other one is unknown. */
const STATES: Readonly<Record<string, ProcessProbe['state']>> = {
  R: 'working',
  S: 'waiting',
  I: 'waiting',
  D: 'blocked',
  // macOS: waits where no signal reaches it.
  U: 'blocked',
  T: 'stopped',
  t: 'stopped',
};
/** Clock ticks per second of /proc, the same on every Linux that Node runs on. */
const TICKS = 100;

/** What exactly this process does just now. Takes microseconds on Linux, and a `ps` elsewhere. */
export function probeProcess(identity: ProcessIdentity): ProcessProbe {
  const facts = factsOf(identity.pid);
  const isSame = facts?.identity.startTime === identity.startTime && facts.identity.bootId === identity.bootId;
  if (!facts || !isSame || isDead(facts.state)) return {state: 'gone', cpuMs: null};
  return {state: STATES[facts.state] ?? 'unknown', cpuMs: mainThreadCpuMs(identity.pid)};
}

/** In nanoseconds where the kernel counts them: an idle event loop that only beats uses less than a tick in seconds. */
function mainThreadCpuMs(pid: number): number | null {
  if (process.platform !== 'linux') return null;
  return (
    read(() => Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'latin1').split(' ')[0]) / 1e6) ??
    read(() => {
      const {fields} = parseStat(readFileSync(`/proc/${pid}/task/${pid}/stat`, 'latin1'));
      return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS;
    })
  );
}

function read(look: () => number): number | null {
  try {
    const ms = look();
    return Number.isFinite(ms) ? ms : null;
  } catch {
    // The process is gone, or the kernel does not count.
    return null;
  }
}
