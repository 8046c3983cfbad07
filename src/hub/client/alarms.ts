import {readClock} from '../../base/clock.ts';
import {Heap} from '../../base/heap.ts';

interface Alarm {
  readonly dueMs: number;
  readonly order: number;
  /** Null: it has rung, or was taken back. */
  ring: (() => void) | null;
}

/** Longest delay a timer of Node's can have. */
const MAX_DELAY_MS = 2 ** 31 - 1;
/** Alarms taken back are thrown out when there are this many of them, and they are the larger half. */
const MAX_VOID = 1000;

/**
 * Everything that is to happen at a time, behind one timer. Who rings must not throw. The timer keeps the process alive as long as
 * an alarm is set.
 */
export class Alarms {
  readonly #heap = new Heap<Alarm>((a, b) => a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order));
  readonly #nowMs: () => number;
  #order = 0;
  #void = 0;
  #timer: NodeJS.Timeout | undefined;
  #timerDueMs = Number.POSITIVE_INFINITY;

  /** `nowMs`: monotonic milliseconds. */
  constructor(nowMs: () => number = () => readClock().monoMs) {
    this.#nowMs = nowMs;
  }

  /** Alarms that are set. */
  get size(): number {
    return this.#heap.size - this.#void;
  }

  nowMs(): number {
    return this.#nowMs();
  }

  /** Rings once, after at least `ms` milliseconds; answers how to take it back. */
  after(ms: number, ring: () => void): () => void {
    const alarm: Alarm = {dueMs: this.#nowMs() + Math.max(0, ms), order: this.#order++, ring};
    this.#heap.push(alarm);
    this.#arm();
    return () => {
      if (alarm.ring === null) return;
      alarm.ring = null;
      this.#void += 1;
      this.#tidy();
    };
  }

  #tidy(): void {
    const isMostlyVoid = this.#void > MAX_VOID && this.#void * 2 > this.#heap.size;
    if (!isMostlyVoid && this.size > 0) return;
    this.#heap.retain(({ring}) => ring !== null);
    this.#void = 0;
    this.#arm();
  }

  #arm(): void {
    const next = this.#heap.peek();
    if (next !== undefined && this.#timer !== undefined && next.dueMs >= this.#timerDueMs) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerDueMs = next?.dueMs ?? Number.POSITIVE_INFINITY;
    if (next === undefined) return;
    const delayMs = Math.min(MAX_DELAY_MS, Math.max(0, Math.ceil(next.dueMs - this.#nowMs())));
    this.#timer = setTimeout(() => this.#ringDue(), delayMs);
  }

  #ringDue(): void {
    this.#timer = undefined;
    const nowMs = this.#nowMs();
    for (let next = this.#heap.peek(); next !== undefined && next.dueMs <= nowMs; next = this.#heap.peek()) {
      this.#heap.pop();
      const {ring} = next;
      next.ring = null;
      if (ring === null) this.#void -= 1;
      else ring();
    }
    this.#arm();
  }
}

/**
 * One for all agents of a process: a thousand agents with a timer each for expiry, sync, token and answers would be thousands of timers. It
 * holds only what its users set, and nothing once they are gone.
 */
export const PROCESS_ALARMS = new Alarms();
