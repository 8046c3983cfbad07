import {execFileSync} from 'node:child_process';
import {closeSync, openSync, readFileSync, readSync} from 'node:fs';
import {getPriority, setPriority} from 'node:os';
import {isDead} from './process-identity.ts';
import {cookieIn, cookiesFromPs, mayHaveEnvironment, pidsInProc, signalProcess} from './stray-processes.ts';

/** What the processes of one attempt use together. */
export interface TreeUse {
  /** Living ones. */
  readonly processes: number;
  /** User and system time so far, also of those that have ended; never less than before. */
  readonly cpuMs: number;
  /** Resident memory; what several share counts for each. */
  readonly rssBytes: number;
  /** stopped: all of them are, by SIGSTOP. running: one of them is, or waits for a disk. */
  readonly state: 'running' | 'sleeping' | 'stopped';
}

/** One process at one moment. */
export interface ProcessLine {
  readonly pid: number;
  readonly parent: number;
  readonly groupId: number;
  /** As `ps` has it: R, S, D, T, Z… */
  readonly state: string;
  /** Together with the pid it names a process; 0 where the OS does not say cheaply. */
  readonly startTime: number;
  /** Its own and that of the children it has waited for. */
  readonly cpuMs: number;
  readonly rssBytes: number;
  /** As of `nice`. */
  readonly nice: number;
}

/** The cookie in a program's environment; null: none, or another user's. 'unclear': it is just being started. */
export type StartedWith = {readonly cookie: string} | null | 'unclear';

/** How this machine tells of its processes. */
export interface ProcessSource {
  pids(): readonly number[] | 'unknown';
  /** 'gone': there is none. 'unknown': it could not be asked just now. */
  line(pid: number): ProcessLine | 'gone' | 'unknown';
  cookie(pid: number): StartedWith;
}

interface Tree {
  readonly cookie: string;
  readonly groups: Set<number>;
  readonly members: Map<number, ProcessLine>;
  /** CPU time of those that have ended without anybody waiting for them. */
  lostCpuMs: number;
  livingCpuMs: number;
  use: TreeUse;
}

/**
 * Follows the processes of many attempts at once: those in the groups it is told of, their descendants, and by their cookie those
 * that have left both. A look reads only what belongs to attempts and what is new on the machine; who is neither is remembered as
 * a stranger, until `lookAnew`, since pids are used again.
 */
export class ProcessTrees {
  readonly #source: ProcessSource;
  readonly #trees = new Map<string, Tree>();
  readonly #owners = new Map<number, Tree>();
  #strangers = new Set<number>();

  constructor(source: ProcessSource = processSource()) {
    this.#source = source;
  }

  /** Follows a process group, and what comes of it, as part of the attempt with this cookie. */
  follow(cookie: string, groupId: number): void {
    const tree = this.#trees.get(cookie) ?? emptyTree(cookie);
    this.#trees.set(cookie, tree);
    tree.groups.add(groupId);
    this.#strangers.delete(groupId);
  }

  /** The leader of the group has ended: its number can be given to others. Whom the last look has found in it stays. */
  leave(cookie: string, groupId: number): void {
    this.#trees.get(cookie)?.groups.delete(groupId);
  }

  forget(cookie: string): void {
    const tree = this.#trees.get(cookie);
    if (!tree) return;
    for (const pid of tree.members.keys()) this.#drop(tree, pid);
    this.#trees.delete(cookie);
  }

  /** Also those that were strangers so far are looked at with the next look. */
  lookAnew(): void {
    this.#strangers = new Set();
  }

  /**
   * Brings everything up to date, or only the attempts with these cookies. Changes nothing when the OS cannot be asked just now.
   * Returns whether anything is different from before.
   */
  look(only?: ReadonlySet<string>): boolean {
    const pids = this.#source.pids();
    if (pids === 'unknown') return false;
    const living = new Set(pids);
    const changed = new Set<Tree>();
    for (const stranger of this.#strangers) if (!living.has(stranger)) this.#strangers.delete(stranger);
    for (const tree of this.#trees.values()) {
      if ((only === undefined || only.has(tree.cookie)) && this.#refresh(tree, living)) changed.add(tree);
    }
    const unknown = pids.filter(pid => !this.#owners.has(pid) && !this.#strangers.has(pid) && pid !== process.pid);
    for (const tree of this.#place(unknown)) changed.add(tree);
    for (const tree of changed) sumUp(tree);
    return changed.size > 0;
  }

  /** As of the last look, and the same object as long as nothing is different; undefined for a cookie that is not followed. */
  use(cookie: string): TreeUse | undefined {
    return this.#trees.get(cookie)?.use;
  }

  /** Signals the groups it was told of, also what has joined them since the last look. */
  signalGroups(cookie: string, signal: NodeJS.Signals): void {
    for (const groupId of this.#trees.get(cookie)?.groups ?? []) signalProcess(-groupId, signal);
  }

  /** Signals every process of the attempt that the last look has found, except those that are in one of these states. */
  signal(cookie: string, signal: NodeJS.Signals, except: readonly string[] = []): number {
    let signalled = 0;
    for (const {pid, state} of this.#trees.get(cookie)?.members.values() ?? []) {
      if (isDead(state) || except.includes(state)) continue;
      if (signalProcess(pid, signal)) signalled += 1;
    }
    return signalled;
  }

  /** Makes those of the attempt nicer that are less nice than this: they were started before their parent was made so. */
  makeNice(cookie: string, nice: number): void {
    for (const line of this.#trees.get(cookie)?.members.values() ?? []) {
      if (!isDead(line.state) && line.nice < nice) setNice(line.pid, nice);
    }
  }

  #refresh(tree: Tree, living: ReadonlySet<number>): boolean {
    let isChanged = false;
    for (const [pid, before] of tree.members) {
      const now = living.has(pid) ? this.#source.line(pid) : 'gone';
      if (now === 'unknown' || (now !== 'gone' && isSame(now, before))) continue;
      isChanged = true;
      if (now === 'gone' || now.startTime !== before.startTime) this.#drop(tree, pid);
      else tree.members.set(pid, now);
    }
    return isChanged;
  }

  #drop(tree: Tree, pid: number): void {
    tree.members.delete(pid);
    this.#owners.delete(pid);
  }

  /** Finds out whose the new ones are. Returns whom they belong to. */
  #place(pids: readonly number[]): readonly Tree[] {
    const lines = new Map<number, ProcessLine>();
    for (const pid of pids) {
      const line = this.#source.line(pid);
      if (typeof line === 'object') lines.set(pid, line);
    }
    if (lines.size === 0) return [];
    const groups = new Map(
      [...this.#trees.values()].flatMap(tree => [...tree.groups].map(group => [group, tree] as const)),
    );
    return [...lines.values()].flatMap(line => this.#placeOne(line, {lines, groups}) ?? []);
  }

  #placeOne(
    line: ProcessLine,
    known: {readonly lines: ReadonlyMap<number, ProcessLine>; readonly groups: ReadonlyMap<number, Tree>},
  ): Tree | undefined {
    const {pid, parent, groupId} = line;
    const owner = this.#owners.get(pid);
    if (owner || this.#strangers.has(pid)) return owner;
    const newParent = parent === pid ? undefined : known.lines.get(parent);
    const tree =
      known.groups.get(groupId) ??
      this.#owners.get(parent) ??
      (newParent && this.#placeOne(newParent, known)) ??
      this.#byCookie(pid);
    if (tree === 'unclear') return undefined;
    if (tree === undefined) {
      this.#strangers.add(pid);
      return undefined;
    }
    tree.members.set(pid, line);
    this.#owners.set(pid, tree);
    return tree;
  }

  #byCookie(pid: number): Tree | undefined | 'unclear' {
    const found = this.#source.cookie(pid);
    if (found === 'unclear') return 'unclear';
    return found === null ? undefined : this.#trees.get(found.cookie);
  }
}

/** Never less nice than we are, which is not ours to allow. */
export function setNice(pid: number, nice: number): void {
  try {
    if (nice > getPriority()) setPriority(pid, nice);
  } catch {
    // It is gone already.
  }
}

function emptyTree(cookie: string): Tree {
  return {
    cookie,
    groups: new Set(),
    members: new Map(),
    lostCpuMs: 0,
    livingCpuMs: 0,
    use: {processes: 0, cpuMs: 0, rssBytes: 0, state: 'sleeping'},
  };
}

function sumUp(tree: Tree): void {
  let cpuMs = 0;
  let rssBytes = 0;
  const alive: ProcessLine[] = [];
  for (const line of tree.members.values()) {
    cpuMs += line.cpuMs;
    if (isDead(line.state)) continue;
    rssBytes += line.rssBytes;
    alive.push(line);
  }
  if (cpuMs < tree.livingCpuMs) tree.lostCpuMs += tree.livingCpuMs - cpuMs;
  tree.livingCpuMs = cpuMs;
  tree.use = {processes: alive.length, cpuMs: Math.round(tree.lostCpuMs + cpuMs), rssBytes, state: stateOf(alive)};
}

function isSame(a: ProcessLine, b: ProcessLine): boolean {
  return (
    a.cpuMs === b.cpuMs &&
    a.rssBytes === b.rssBytes &&
    a.state === b.state &&
    a.startTime === b.startTime &&
    a.parent === b.parent &&
    a.groupId === b.groupId &&
    a.nice === b.nice
  );
}

function stateOf(alive: readonly ProcessLine[]): TreeUse['state'] {
  if (alive.some(({state}) => state === 'R' || state === 'D')) return 'running';
  return alive.length > 0 && alive.every(({state}) => state === 'T') ? 'stopped' : 'sleeping';
}

function processSource(): ProcessSource {
  return process.platform === 'linux' ? new ProcSource() : new PsSource();
}

/** USER_HZ, which Linux fixes for /proc whatever the kernel's own clock is. */
const MS_PER_TICK = 10;

class ProcSource implements ProcessSource {
  readonly #buffer = Buffer.allocUnsafe(4096);
  readonly #pageBytes = pageBytes();

  pids(): readonly number[] | 'unknown' {
    try {
      return pidsInProc();
    } catch {
      // No free descriptor, for example: that passes.
      return 'unknown';
    }
  }

  line(pid: number): ProcessLine | 'gone' | 'unknown' {
    const length = this.#read(`/proc/${pid}/stat`);
    if (typeof length === 'string') return length;
    return parseStatLine(pid, this.#buffer.subarray(0, length), this.#pageBytes);
  }

  cookie(pid: number): StartedWith {
    try {
      const environ = readFileSync(`/proc/${pid}/environ`, 'latin1');
      const cookie = cookieIn(environ);
      if (cookie !== null) return {cookie};
      if (environ !== '') return null;
      return mayHaveEnvironment(readFileSync(`/proc/${pid}/stat`, 'latin1')) ? 'unclear' : null;
    } catch {
      // Gone, or another user's.
      return null;
    }
  }

  /**
   * Fills the buffer and tells how far. Without the file's size and a buffer of its own it takes half the time of
   * `readFileSync`.
   */
  #read(path: string): number | 'gone' | 'unknown' {
    let descriptor: number;
    try {
      descriptor = openSync(path, 'r');
    } catch (error) {
      return isCode(error, 'ENOENT') ? 'gone' : 'unknown';
    }
    try {
      return readSync(descriptor, this.#buffer, 0, this.#buffer.length, 0);
    } catch (error) {
      return isCode(error, 'ESRCH') ? 'gone' : 'unknown';
    } finally {
      closeSync(descriptor);
    }
  }
}

const SPACE = 0x20;
const CLOSING = 0x29;
const MINUS = 0x2d;
const ZERO = 0x30;

/**
 * Reads one line of /proc/PID/stat (proc_pid_stat(5)) as `parseStat` does, without a string for each of its fields: it is
 * done for every process of every attempt, again and again.
 */
export function parseStatLine(pid: number, line: Uint8Array, pageBytes: number): ProcessLine {
  const start = line.lastIndexOf(CLOSING) + 2;
  // After the state, which is field 3 of the manual.
  const numbers = new Numbers(line, start + 2);
  const parent = numbers.next();
  const groupId = numbers.next();
  numbers.skip(8);
  // Of its own in user and system mode, and of its children.
  const ticks = numbers.next() + numbers.next() + numbers.next() + numbers.next();
  numbers.skip(1);
  const nice = numbers.next();
  numbers.skip(2);
  const startTime = numbers.next();
  numbers.skip(1);
  const pages = numbers.next();
  return {
    pid,
    parent,
    groupId,
    state: String.fromCharCode(line[start] ?? 0),
    startTime,
    cpuMs: ticks * MS_PER_TICK,
    rssBytes: pages * pageBytes,
    nice,
  };
}

/** Decimal numbers with one space between them, from a place on. */
class Numbers {
  readonly #line: Uint8Array;
  #at: number;

  constructor(line: Uint8Array, at: number) {
    this.#line = line;
    this.#at = at;
  }

  skip(count: number): void {
    for (let left = count; left > 0; left -= 1) this.#at = this.#line.indexOf(SPACE, this.#at) + 1;
  }

  next(): number {
    const isNegative = this.#line[this.#at] === MINUS;
    let at = isNegative ? this.#at + 1 : this.#at;
    let value = 0;
    for (; at < this.#line.length && this.#line[at] !== SPACE; at += 1)
      value = value * 10 + (this.#line[at] ?? ZERO) - ZERO;
    this.#at = at + 1;
    return isNegative ? -value : value;
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

/** AT_PAGESZ of the auxiliary vector (getauxval(3)): pairs of words. */
function pageBytes(): number {
  const AT_PAGESZ = 6n;
  try {
    const vector = readFileSync('/proc/self/auxv');
    for (let at = 0; at + 16 <= vector.length; at += 16) {
      if (vector.readBigUInt64LE(at) === AT_PAGESZ) return Number(vector.readBigUInt64LE(at + 8));
    }
  } catch {
    // Closed to us: what nearly all machines have.
  }
  return 4096;
}

/** One `ps` tells of all processes, so it is asked once per look; their cookies, which cost more, with strangers only. */
class PsSource implements ProcessSource {
  #lines = new Map<number, ProcessLine>();
  #cookies: ReadonlyMap<number, string> | undefined;

  pids(): readonly number[] | 'unknown' {
    this.#cookies = undefined;
    try {
      this.#lines = new Map(psLines().map(line => [line.pid, line]));
      return [...this.#lines.keys()];
    } catch {
      // No process to be had for it just now.
      return 'unknown';
    }
  }

  line(pid: number): ProcessLine | 'gone' {
    return this.#lines.get(pid) ?? 'gone';
  }

  cookie(pid: number): StartedWith {
    try {
      this.#cookies ??= cookiesFromPs();
      const cookie = this.#cookies.get(pid);
      return cookie === undefined ? null : {cookie};
    } catch {
      return 'unclear';
    }
  }
}

function psLines(): ProcessLine[] {
  const text = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,pgid=,state=,time=,rss=,nice='], {
    encoding: 'latin1',
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: {...process.env, LC_ALL: 'C'},
  });
  return text.split('\n').flatMap(line => parsePsLine(line) ?? []);
}

/** A line of `ps -o pid=,ppid=,pgid=,state=,time=,rss=,nice=`; null when it is none. */
export function parsePsLine(line: string): ProcessLine | null {
  const [pid, parent, groupId, state, time, kilobytes, nice] = line.trim().split(/\s+/);
  if (pid === undefined || time === undefined || kilobytes === undefined || state === undefined) return null;
  // [[days-]hours:]minutes:seconds, perhaps with hundredths.
  const [days, clock] = time.includes('-') ? time.split('-') : ['0', time];
  const seconds = (clock ?? '').split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
  return {
    pid: Number(pid),
    parent: Number(parent),
    groupId: Number(groupId),
    state: state.charAt(0) === 'U' ? 'D' : state.charAt(0),
    startTime: 0,
    cpuMs: Math.round((Number(days) * 86_400 + seconds) * 1000),
    rssBytes: Number(kilobytes) * 1024,
    nice: Number(nice ?? 0),
  };
}
