/** Ends a daemon that nobody uses: calls `idle` once nothing has been in use for `idleMs`. */
export class IdleWatch {
  readonly #idleMs: number;
  readonly #isInUse: () => boolean;
  readonly #idle: () => void;
  #requests = 0;
  #lastUse = performance.now();
  #timer: NodeJS.Timeout | undefined;

  constructor({idleMs, isInUse, idle}: {idleMs: number; isInUse: () => boolean; idle: () => void}) {
    this.#idleMs = idleMs;
    this.#isInUse = isInUse;
    this.#idle = idle;
  }

  start(): void {
    this.#lookIn(this.#idleMs);
  }

  /** A request has begun; the returned function says that it is over. */
  readonly request = (): (() => void) => {
    this.#requests += 1;
    return () => {
      this.#requests -= 1;
      this.#lastUse = performance.now();
    };
  };

  close(): void {
    clearTimeout(this.#timer);
  }

  #lookIn(ms: number): void {
    this.#timer = setTimeout(() => {
      if (this.#requests > 0 || this.#isInUse()) this.#lastUse = performance.now();
      const leftMs = this.#lastUse + this.#idleMs - performance.now();
      if (leftMs <= 0) this.#idle();
      else this.#lookIn(Math.min(leftMs, 2 ** 31 - 1));
    }, ms);
  }
}
