/** Later than this and something has held us up, in milliseconds: timers and turns of the event loop take up to a few tens. */
const LATE_MS = 100;
/** After that what has come meanwhile is read first, so long at least, in milliseconds, and at most. */
const SETTLE_MIN_MS = 100;
const SETTLE_MAX_MS = 1000;

/**
 * A clock of the time in which this process could hear others. While it is stalled, stopped or asleep with its machine, it
 * hears nobody, and that says nothing of them: the clock stands still for as long as it woke up too late, and nobody is
 * judged until what has come in the meantime has been read.
 */
export class Attention {
  #lostMs = 0;
  #latestMs: number;
  #holdUntilMs = Number.NEGATIVE_INFINITY;

  constructor(nowMs: number) {
    this.#latestMs = nowMs;
  }

  /** The time in which it could hear, as of the monotonic time `nowMs`. */
  at(nowMs: number): number {
    return nowMs - this.#lostMs;
  }

  /** The monotonic time at which this clock shows `attentiveMs`, as far as is known. */
  when(attentiveMs: number): number {
    return attentiveMs + this.#lostMs;
  }

  /** How much time has been lost so far, in milliseconds. */
  get lostMs(): number {
    return this.#lostMs;
  }

  /** Before this monotonic time nobody is judged. */
  get holdUntilMs(): number {
    return this.#holdUntilMs;
  }

  /** To be called first whenever anything happens. `dueMs`: when this process wanted to be woken at the latest. */
  observe(nowMs: number, dueMs: number | null): void {
    if (nowMs < this.#latestMs) {
      // A monotonic clock does not go back; one of another boot may. What was heard keeps its distance.
      this.#lostMs -= this.#latestMs - nowMs;
      this.#latestMs = nowMs;
      return;
    }
    const wanted = dueMs === null ? nowMs : Math.max(dueMs, this.#latestMs);
    const lateMs = nowMs - wanted;
    this.#latestMs = nowMs;
    if (lateMs <= LATE_MS) return;
    this.#lostMs += lateMs;
    this.#holdUntilMs = nowMs + Math.min(SETTLE_MAX_MS, Math.max(SETTLE_MIN_MS, lateMs));
  }
}
