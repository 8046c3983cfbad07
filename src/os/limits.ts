import {execFileSync} from 'node:child_process';
import {readFileSync} from 'node:fs';

/** What this user's programs may have at most. Null: no limit, or none that the OS tells. */
export interface ProcessLimits {
  /** Of one process; Node raises its own limit to this one by itself. */
  readonly openFiles: number | null;
  /** Of the user, threads counted (Linux). */
  readonly processes: number | null;
}

export function processLimits(): ProcessLimits {
  try {
    return process.platform === 'linux'
      ? parseLimits(readFileSync('/proc/self/limits', 'utf8'))
      : parseUlimit(execFileSync('/bin/sh', ['-c', 'ulimit -Hn; ulimit -Hu'], {encoding: 'utf8'}));
  } catch {
    return {openFiles: null, processes: null};
  }
}

/** Of /proc/PID/limits the hard limits. */
export function parseLimits(text: string): ProcessLimits {
  const hard = (name: string) => amountOf(new RegExp(`^${name} +\\S+ +(\\S+)`, 'm').exec(text)?.[1]);
  return {openFiles: hard('Max open files'), processes: hard('Max processes')};
}

function parseUlimit(text: string): ProcessLimits {
  const [files, processes] = text.split('\n');
  return {openFiles: amountOf(files), processes: amountOf(processes)};
}

function amountOf(text: string | undefined): number | null {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : null;
}
