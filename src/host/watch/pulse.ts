import {readClock} from '../../base/clock.ts';

/**
 * The signs of life that an attempt gives by itself. Its silence counts while a program of it runs, and stands still while it is
 * paused; what the host does for it in between (worktrees, saving) is no silence.
 */
export class Pulse {
  #outputBytes = 0;
  #lastMs = readClock().monoMs;
  /** Since when silence does not count. */
  #heldAtMs: number | null = this.#lastMs;
  #isRunning = false;
  #isPaused = false;

  get outputBytes(): number {
    return this.#outputBytes;
  }

  /** When the last sign was given, moved on by the time that did not count. Changes only with a sign of life, or a pause. */
  get lastMs(): number {
    return this.#lastMs;
  }

  /** Whether its silence does not count just now. */
  get isHeld(): boolean {
    return this.#heldAtMs !== null;
  }

  get silentMs(): number {
    return Math.max(0, Math.round((this.#heldAtMs ?? readClock().monoMs) - this.#lastMs));
  }

  printed(bytes: number): void {
    this.#outputBytes += bytes;
    this.active();
  }

  /** It does something. */
  active(): void {
    this.#lastMs = readClock().monoMs;
    if (this.#heldAtMs !== null) this.#heldAtMs = this.#lastMs;
  }

  begun(): void {
    this.#isRunning = true;
    this.active();
    this.#count();
  }

  ended(): void {
    this.#isRunning = false;
    this.active();
    this.#count();
  }

  set isPaused(isPaused: boolean) {
    this.#isPaused = isPaused;
    this.#count();
  }

  #count(): void {
    const nowMs = readClock().monoMs;
    if (this.#isPaused || !this.#isRunning) this.#heldAtMs ??= nowMs;
    else if (this.#heldAtMs !== null) {
      this.#lastMs += nowMs - this.#heldAtMs;
      this.#heldAtMs = null;
    }
  }
}
