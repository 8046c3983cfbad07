/** So many per second, and `burst` at once. `take` may run into debt, which is paid before anything is left again. */
export class TokenBucket {
  readonly #perMs: number;
  readonly #burst: number;
  #left: number;
  #atMs: number;

  constructor({perS, burst}: {perS: number; burst: number}, nowMs: number) {
    this.#perMs = perS / 1000;
    this.#burst = burst;
    this.#left = burst;
    this.#atMs = nowMs;
  }

  take(count: number, nowMs: number): void {
    this.#fill(nowMs);
    this.#left -= count;
  }

  /** Milliseconds until something is left; 0: there is. */
  waitMs(nowMs: number): number {
    this.#fill(nowMs);
    return this.#left >= 0 ? 0 : Math.ceil(-this.#left / this.#perMs);
  }

  #fill(nowMs: number): void {
    this.#left = Math.min(this.#burst, this.#left + Math.max(0, nowMs - this.#atMs) * this.#perMs);
    this.#atMs = nowMs;
  }
}
