import {execFileSync} from 'node:child_process';
import {readFileSync, readdirSync} from 'node:fs';
import {readClock, sleep} from '../base/clock.ts';
import type {ProcessIdentity} from '../model/process-identity.ts';
import {factsOf, identityOf, isAlive, isDead, parseStat} from './process-identity.ts';

/** The environment variable that marks every process of an attempt. */
export const COOKIE_VARIABLE = 'GODEL_COOKIE';

/** How long after SIGKILL a process may take to vanish before it is reported as left, in milliseconds. */
const KILL_PATIENCE_MS = 3000;
const FIRST_LOOK_MS = 5;
const LONGEST_LOOK_MS = 200;
/** How long a program may take to be started before it counts as one without a cookie, in milliseconds. */
const START_PATIENCE_MS = 1000;

/** The mark of one attempt: no other attempt of any project has it. */
export function cookieOf(storeId: string, attempt: number): string {
  return `${storeId}.${attempt}`;
}

/**
 * Living processes that carry one of the cookies, wherever they have moved to (own session, adopted by init). Finds none
 * that has cleared its environment or belongs to another user, and never this process itself.
 */
export function findByCookie(cookies: ReadonlySet<string>): ProcessIdentity[] {
  return identitiesOf(look(cookies).pids);
}

/** Processes that carry one of the cookies, and those of which that cannot be said yet, as they are being started. */
interface Look {
  readonly pids: readonly number[];
  readonly unclear: readonly number[];
}

function look(cookies: ReadonlySet<string>): Look {
  if (cookies.size === 0) return {pids: [], unclear: []};
  return process.platform === 'linux' ? lookInProc(pidsInProc(), cookies) : {pids: pidsFromPs(cookies), unclear: []};
}

function identitiesOf(pids: readonly number[]): ProcessIdentity[] {
  return pids.flatMap(pid => {
    const identity = pid === process.pid ? null : identityOf(pid);
    return identity ? [identity] : [];
  });
}

export interface EndStraysOptions {
  readonly cookies: ReadonlySet<string>;
  /** From SIGTERM to SIGKILL; 0 kills at once. */
  readonly graceMs: number;
  readonly signal?: AbortSignal;
}

/**
 * Ends everything that carries one of the cookies: SIGTERM, after the grace SIGKILL, again and again for what they
 * start meanwhile. `left` is what did not die even so (stuck in the kernel), or lives because we were aborted.
 */
export async function endStrays({
  cookies,
  graceMs,
  signal,
}: EndStraysOptions): Promise<{ended: number; left: readonly number[]}> {
  const seen = new Map<number, ProcessIdentity>();
  const asked = new Set<number>();
  const killAt = readClock().monoMs + graceMs;
  let pauseMs = FIRST_LOOK_MS;
  for (;;) {
    const found = await findForSure(cookies);
    for (const identity of found) seen.set(identity.pid, identity);
    const now = readClock().monoMs;
    if (found.length === 0 || signal?.aborted || now > killAt + KILL_PATIENCE_MS) {
      return {ended: seen.size - found.length, left: found.map(identity => identity.pid)};
    }
    const deadly = now >= killAt;
    for (const identity of found) {
      if (deadly) signalTree(identity, 'SIGKILL');
      else if (!asked.has(identity.pid)) signalTree(identity, 'SIGTERM');
      asked.add(identity.pid);
    }
    await sleep(deadly ? FIRST_LOOK_MS : Math.min(pauseMs, Math.max(1, killAt - now)), {signal}).catch(() => undefined);
    pauseMs = Math.min(LONGEST_LOOK_MS, pauseMs * 2);
  }
}

/** Waits for programs that are just being started, until it is known whether they carry a cookie. */
async function findForSure(cookies: ReadonlySet<string>): Promise<ProcessIdentity[]> {
  let {pids, unclear} = look(cookies);
  const giveUpAt = readClock().monoMs + START_PATIENCE_MS;
  while (pids.length === 0 && unclear.length > 0 && readClock().monoMs < giveUpAt) {
    await sleep(1);
    ({pids, unclear} = lookInProc(unclear, cookies));
  }
  return identitiesOf(pids);
}

/** Signals the process and its group, unless the pid means another process by now or the group is our own. */
function signalTree(identity: ProcessIdentity, signal: NodeJS.Signals): void {
  const facts = factsOf(identity.pid);
  if (!facts || !isAlive(identity)) return;
  const own = factsOf(process.pid)?.groupId;
  if (facts.groupId > 1 && facts.groupId !== own) signalProcess(-facts.groupId, signal);
  signalProcess(identity.pid, signal);
  // A stopped process takes SIGTERM only after it goes on.
  if (signal === 'SIGTERM') signalProcess(identity.pid, 'SIGCONT');
}

/** False when there is nothing to signal (any more). */
export function signalProcess(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    // ESRCH: already gone. EPERM: another user's (a set-uid program), which we cannot end.
    return false;
  }
}

export function pidsInProc(): number[] {
  return readdirSync('/proc').flatMap(name => {
    const first = name.charCodeAt(0);
    return first < 48 || first > 57 ? [] : [Number(name)];
  });
}

function lookInProc(among: readonly number[], cookies: ReadonlySet<string>): Look {
  const pids: number[] = [];
  const unclear: number[] = [];
  for (const pid of among) {
    try {
      const environ = readFileSync(`/proc/${pid}/environ`, 'latin1');
      const cookie = cookieIn(environ);
      if (cookie !== null && cookies.has(cookie)) pids.push(pid);
      else if (environ === '' && mayHaveEnvironment(readFileSync(`/proc/${pid}/stat`, 'latin1'))) unclear.push(pid);
    } catch {
      // Gone since the folder was read, or another user's.
    }
  }
  return {pids, unclear};
}

/**
 * Whether a process whose environment was just read as empty may have one all the same: it was between two programs (execve has
 * taken the old one's memory and not yet filled the new one's), or is about to end. By a line of /proc/PID/stat (proc_pid_stat(5)).
 */
export function mayHaveEnvironment(stat: string): boolean {
  const {state, fields} = parseStat(stat);
  const isKernelThread = (Number(fields[6]) & 0x20_0000) !== 0;
  const [startOfCode, startOfEnvironment, endOfEnvironment] = [fields[23], fields[47], fields[48]];
  if (isKernelThread || isDead(state)) return false;
  return startOfCode === '0' || startOfEnvironment !== endOfEnvironment;
}

/** The cookie in an environment block as /proc has it: `NAME=value` strings, each ended by a NUL. */
export function cookieIn(environ: string): string | null {
  const mark = `${COOKIE_VARIABLE}=`;
  const start = environ.startsWith(mark) ? 0 : environ.indexOf(`\0${mark}`) + 1;
  if (start === 0 && !environ.startsWith(mark)) return null;
  const end = environ.indexOf('\0', start);
  return environ.slice(start + mark.length, end === -1 ? undefined : end);
}

function pidsFromPs(cookies: ReadonlySet<string>): number[] {
  return [...cookiesFromPs()].flatMap(([pid, cookie]) => (cookies.has(cookie) ? [pid] : []));
}

/** The cookie of each process that has one, where there is no /proc. */
export function cookiesFromPs(): ReadonlyMap<number, string> {
  const lines = execFileSync('ps', ['-A', '-E', '-ww', '-o', 'pid=,command='], {
    encoding: 'latin1',
    maxBuffer: 256 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const cookies = new Map<number, string>();
  for (const line of lines.split('\n')) {
    const cookie = / GODEL_COOKIE=(\S+)/.exec(line)?.[1];
    if (cookie !== undefined) cookies.set(Number.parseInt(line, 10), cookie);
  }
  return cookies;
}
