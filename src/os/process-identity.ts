import {execFileSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import type {ProcessIdentity} from '../model/process-identity.ts';

/** What the OS says about one process now. */
export interface ProcessFacts {
  readonly identity: ProcessIdentity;
  /** One letter as in `ps`: R, S, D, T (stopped), Z (dead, not yet collected)… */
  readonly state: string;
  readonly groupId: number;
}

/** The identity of a living process, null when there is none with this pid (a zombie is none). */
export function identityOf(pid: number): ProcessIdentity | null {
  const facts = factsOf(pid);
  return facts && !isDead(facts.state) ? facts.identity : null;
}

/** Whether exactly this process still lives; its pid given to another process, a reboot or a zombie say no. */
export function isAlive(identity: ProcessIdentity): boolean {
  const now = identityOf(identity.pid);
  return now !== null && now.startTime === identity.startTime && now.bootId === identity.bootId;
}

export function ownIdentity(): ProcessIdentity {
  const own = identityOf(process.pid);
  if (!own) throw new Error('Internal error: the OS does not know this process');
  return own;
}

/** The state letter of a process, for example `T` for one that was stopped; null when there is none. */
export function processState(pid: number): string | null {
  return factsOf(pid)?.state ?? null;
}

export function factsOf(pid: number): ProcessFacts | null {
  return process.platform === 'linux' ? factsFromProc(pid) : factsFromPs(pid);
}

/** Dead to us, though the pid is still taken: `Z` zombie, `X` being removed. */
export function isDead(state: string): boolean {
  return state === 'Z' || state === 'X' || state === 'x';
}

function factsFromProc(pid: number): ProcessFacts | null {
  let stat: string;
  let bootId: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    // ENOENT or ESRCH: there is no such process. That is the answer, not a fault.
    return null;
  }
  const {state, groupId, startTime} = parseStat(stat);
  return {identity: {pid, startTime, bootId}, state, groupId};
}

/**
 * Reads one line of /proc/PID/stat (proc_pid_stat(5)). The second field, the program's name in parentheses, may itself
 * hold spaces and parentheses, so the fields are counted from the last `)`.
 */
export function parseStat(stat: string): {state: string; groupId: number; startTime: string; fields: string[]} {
  // fields[0] is field 3 of the manual.
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .trimEnd()
    .split(' ');
  return {state: fields[0] ?? '', groupId: Number(fields[2]), startTime: fields[19] ?? '', fields};
}

function factsFromPs(pid: number): ProcessFacts | null {
  try {
    const line = ask('ps', ['-p', String(pid), '-o', 'state=,pgid=,lstart=']);
    const [state = '', groupId = '', ...lstart] = line.split(/\s+/);
    const identity = {pid, startTime: lstart.join(' '), bootId: ask('sysctl', ['-n', 'kern.boottime'])};
    return {identity, state: state.charAt(0), groupId: Number(groupId)};
  } catch {
    // `ps` exits with 1 when there is no such process.
    return null;
  }
}

function ask(file: string, args: readonly string[]): string {
  const env = {...process.env, LC_ALL: 'C'};
  return execFileSync(file, args, {encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], env}).trim();
}
