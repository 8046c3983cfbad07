const STEP_BYTES = 64 * 1024 * 1024;
/** An attempt has taken most of what it takes after so long. */
const WINDOW_MS = 30_000;

/**
 * What everything but attempts takes of the memory. An attempt that has just been started has not yet taken what is set aside
 * for it, so that the rest seems smaller than it is: the most of the last half minute counts.
 */
export class RestOfMemory {
  #sinceMs = Number.NEGATIVE_INFINITY;
  #most = 0;
  #mostBefore = 0;

  /** Takes note of what there is now and says what to reckon with. In steps, so that grants do not change all the time. */
  observe({
    totalBytes,
    availableBytes,
    runningBytes,
    nowMs,
  }: {
    readonly totalBytes: number;
    readonly availableBytes: number;
    /** Set aside for the attempts of all projects that run. */
    readonly runningBytes: number;
    readonly nowMs: number;
  }): number {
    const rest = Math.max(0, totalBytes - availableBytes - runningBytes);
    if (nowMs - this.#sinceMs >= WINDOW_MS) {
      this.#mostBefore = nowMs - this.#sinceMs < 2 * WINDOW_MS ? this.#most : 0;
      this.#most = 0;
      this.#sinceMs = nowMs;
    }
    this.#most = Math.max(this.#most, rest);
    return Math.ceil(Math.max(this.#most, this.#mostBefore) / STEP_BYTES) * STEP_BYTES;
  }
}
