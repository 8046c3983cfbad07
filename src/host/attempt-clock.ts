import {readClock} from '../base/clock.ts';

/** Node's timers cannot wait longer. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * How long an attempt has been running, counted from the start of its first program, and the end of its patience. It stands still
 * while the attempt is paused.
 */
export class AttemptClock {
  readonly #timeoutMs: number | null;
  readonly #onTimeout: (timeoutMs: number) => void;
  #startedMs: number | undefined;
  #pausedAtMs: number | undefined;
  /** Of pauses that are over. */
  #pausedMs = 0;
  #armed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(timeoutMs: number | null, onTimeout: (timeoutMs: number) => void) {
    this.#timeoutMs = timeoutMs;
    this.#onTimeout = onTimeout;
  }

  get hasStarted(): boolean {
    return this.#startedMs !== undefined;
  }

  get durationMs(): number {
    return Math.round(this.#elapsedMs);
  }

  /** Further starts change nothing. */
  start(): void {
    this.#startedMs ??= readClock().monoMs;
  }

  /** From now on the timeout can come; a start itself is not interrupted. */
  arm(): void {
    if (this.#timeoutMs === null || this.#armed) return;
    this.start();
    this.#armed = true;
    this.#wait(this.#timeoutMs);
  }

  pause(): void {
    this.#pausedAtMs ??= readClock().monoMs;
    clearTimeout(this.#timer);
  }

  resume(): void {
    if (this.#pausedAtMs === undefined) return;
    // Before its start nothing has been counted that could be taken off.
    if (this.#startedMs !== undefined) {
      this.#pausedMs += readClock().monoMs - Math.max(this.#pausedAtMs, this.#startedMs);
    }
    this.#pausedAtMs = undefined;
    if (this.#armed && this.#timeoutMs !== null) this.#wait(this.#timeoutMs);
  }

  stop(): void {
    this.#armed = false;
    clearTimeout(this.#timer);
  }

  get #elapsedMs(): number {
    if (this.#startedMs === undefined) return 0;
    const untilMs = Math.max(this.#startedMs, this.#pausedAtMs ?? readClock().monoMs);
    return untilMs - this.#startedMs - this.#pausedMs;
  }

  #wait(timeoutMs: number): void {
    if (this.#pausedAtMs !== undefined) return;
    const leftMs = timeoutMs - this.#elapsedMs;
    if (leftMs <= 0) this.#onTimeout(timeoutMs);
    else this.#timer = setTimeout(() => this.#wait(timeoutMs), Math.min(Math.ceil(leftMs), LONGEST_TIMER_MS));
  }
}
