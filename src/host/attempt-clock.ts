import {readClock} from '../base/clock.ts';

/** Node's timers cannot wait longer. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** How long an attempt has been running, counted from the start of its first program, and the end of its patience. */
export class AttemptClock {
  readonly #timeoutMs: number | null;
  readonly #onTimeout: (timeoutMs: number) => void;
  #startedMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(timeoutMs: number | null, onTimeout: (timeoutMs: number) => void) {
    this.#timeoutMs = timeoutMs;
    this.#onTimeout = onTimeout;
  }

  get hasStarted(): boolean {
    return this.#startedMs !== undefined;
  }

  get durationMs(): number {
    return this.#startedMs === undefined ? 0 : Math.round(readClock().monoMs - this.#startedMs);
  }

  /** Further starts change nothing. */
  start(): void {
    this.#startedMs ??= readClock().monoMs;
  }

  /** From now on the timeout can come; a start itself is not interrupted. */
  arm(): void {
    if (this.#timeoutMs === null || this.#timer) return;
    this.#wait(this.#timeoutMs, (this.#startedMs ?? readClock().monoMs) + this.#timeoutMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #wait(timeoutMs: number, atMs: number): void {
    const leftMs = atMs - readClock().monoMs;
    if (leftMs <= 0) this.#onTimeout(timeoutMs);
    else this.#timer = setTimeout(() => this.#wait(timeoutMs, atMs), Math.min(Math.ceil(leftMs), LONGEST_TIMER_MS));
  }
}
