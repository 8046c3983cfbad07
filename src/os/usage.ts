import {openSync, readdirSync, readFileSync, readSync} from 'node:fs';
import {readClock} from '../base/clock.ts';
import {Heap} from '../base/heap.ts';
import {parseStat} from './process-identity.ts';

/** USER_HZ, which Linux fixes for /proc whatever the kernel's own clock is. */
const TICKS_PER_SECOND = 100;

/**
 * Tells the CPU seconds of all children this process has collected so far, theirs included; null where the OS does not
 * say. It keeps the file open: it is read at every end of a child.
 */
export function childrenCpuReader(): () => number | null {
  if (process.platform !== 'linux') return () => null;
  const descriptor = openSync('/proc/self/stat', 'r');
  const buffer = Buffer.alloc(1024);
  return () => {
    const {fields} = parseStat(buffer.toString('latin1', 0, readSync(descriptor, buffer, 0, buffer.length, 0)));
    // Fields 16 and 17: cutime and cstime.
    return (Number(fields[13]) + Number(fields[14])) / TICKS_PER_SECOND;
  };
}

/**
 * Gives each ended child its CPU time. The OS only keeps the sum over all collected children, so what was added since
 * the last reading is shared evenly by the children that ended in between: single values are estimates, sums are exact.
 */
export class ChildCpu {
  readonly #read: () => number | null;
  #last: number | null;
  #waiting: ((seconds: number | null) => void)[] = [];

  constructor(read: () => number | null = childrenCpuReader()) {
    this.#read = read;
    this.#last = read();
  }

  /** To be called in the handler of a child's `exit`; answers in the same turn of the event loop. */
  ofEndedChild(): Promise<number | null> {
    return new Promise(resolve => {
      // The loop collects all dead children before it calls the first handler, so one reading serves the whole turn.
      if (this.#waiting.length === 0) setImmediate(() => this.#share());
      this.#waiting.push(resolve);
    });
  }

  #share(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    const now = this.#read();
    const share = now === null || this.#last === null ? null : (now - this.#last) / waiting.length;
    this.#last = now;
    for (const resolve of waiting) resolve(share);
  }
}

/** When a new tree is looked at, in milliseconds after its start; after these at whole multiples of the interval. */
const FIRST_SAMPLES_MS = [200, 1000, 5000];
const SAMPLE_EVERY_MS = 10_000;
/** One whose peak stays what it was is looked at less and less often, down to every so many intervals. */
const MOST_INTERVALS = 4;
/** What is due within this time is looked at together, so that many attempts cost few wake-ups. */
const TOGETHER_MS = 100;
/** A tree is not followed beyond this many processes. */
const MAX_PROCESSES = 256;

interface Watched {
  readonly pid: number;
  readonly startedMs: number;
  dueMs: number;
  samples: number;
  /** To the next look. */
  intervals: number;
  maxBytes: number | null;
  stopped: boolean;
}

/**
 * Follows the peak memory of process trees by looking at them now and then: soon at first, then every ten seconds, and less often when it stays what it was. What
 * lived too short to be looked at stays unknown. One timer for all.
 */
export class PeakMemory {
  readonly #due = new Heap<Watched>((a, b) => a.dueMs < b.dueMs);
  readonly #peakOf: (pid: number) => number | null;
  #timer: NodeJS.Timeout | undefined;
  #wakeMs = Infinity;

  constructor(peakOf: (pid: number) => number | null = peakOfTree) {
    this.#peakOf = peakOf;
  }

  /** Follows the tree below `pid`; `stop` ends that and tells the largest resident size seen of one process. */
  watch(pid: number): {stop: () => number | null} {
    const startedMs = readClock().monoMs;
    const watched: Watched = {
      pid,
      startedMs,
      dueMs: startedMs,
      samples: 0,
      intervals: 1,
      maxBytes: null,
      stopped: false,
    };
    this.#schedule(watched, startedMs);
    return {
      stop: () => {
        watched.stopped = true;
        return watched.maxBytes;
      },
    };
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#due.retain(() => false);
  }

  #schedule(watched: Watched, nowMs: number): void {
    const first = FIRST_SAMPLES_MS[watched.samples];
    watched.dueMs =
      first === undefined
        ? (Math.floor(nowMs / SAMPLE_EVERY_MS) + watched.intervals) * SAMPLE_EVERY_MS
        : watched.startedMs + first;
    this.#due.push(watched);
    this.#arm(nowMs);
  }

  #arm(nowMs: number): void {
    const dueMs = this.#due.peek()?.dueMs ?? Infinity;
    if (dueMs >= this.#wakeMs) return;
    clearTimeout(this.#timer);
    this.#wakeMs = dueMs;
    this.#timer = setTimeout(() => this.#wake(), dueMs + TOGETHER_MS - nowMs).unref();
  }

  #wake(): void {
    const nowMs = readClock().monoMs;
    const due: Watched[] = [];
    for (let next = this.#due.peek(); next && next.dueMs <= nowMs; next = this.#due.peek()) {
      this.#due.pop();
      if (!next.stopped) due.push(next);
    }
    this.#wakeMs = Infinity;
    for (const watched of due) {
      const bytes = this.#peakOf(watched.pid);
      const isHigher = bytes !== null && bytes > (watched.maxBytes ?? 0);
      if (isHigher) watched.maxBytes = bytes;
      watched.samples += 1;
      const isSettled = !isHigher && watched.samples > FIRST_SAMPLES_MS.length;
      watched.intervals = isSettled ? Math.min(MOST_INTERVALS, watched.intervals * 2) : 1;
      this.#schedule(watched, nowMs);
    }
    this.#arm(nowMs);
  }
}

/** The largest peak (VmHWM) among a process and its descendants, in bytes; null when none of them can be seen. */
export function peakOfTree(root: number): number | null {
  if (process.platform !== 'linux') return null;
  let max: number | null = null;
  const pids = [root];
  for (let index = 0; index < pids.length && index < MAX_PROCESSES; index += 1) {
    const pid = pids[index];
    if (pid === undefined) break;
    const status = read(`/proc/${pid}/status`);
    const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
    if (kilobytes === undefined) continue;
    max = Math.max(max ?? 0, Number(kilobytes) * 1024);
    pids.push(...childrenOf(pid, status));
  }
  return max;
}

/** Each thread has its own list; a kernel without such lists gives none. */
function childrenOf(pid: number, status: string): number[] {
  return threadsOf(pid, status).flatMap(thread => {
    const children = read(`/proc/${pid}/task/${thread}/children`).trim();
    return children === '' ? [] : children.split(' ').map(Number);
  });
}

function threadsOf(pid: number, status: string): readonly string[] {
  // Most have one thread only, which is called as they are.
  if (/^Threads:\s+1$/m.test(status)) return [String(pid)];
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/** Empty when the process is gone. */
function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
