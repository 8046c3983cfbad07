/**
 * Runs something at most once at a time. Who asks while it runs shares the next run with all others who do, so that each gets a run that
 * began after it asked.
 */
export class Coalescing<T> {
  #running: Promise<T> | null = null;
  #next: Promise<T> | null = null;

  /** `run` is that of who asked first. */
  call(run: () => Promise<T>): Promise<T> {
    if (this.#running === null) return this.#start(run);
    this.#next ??= this.#running.then(
      () => this.#startNext(run),
      () => this.#startNext(run),
    );
    return this.#next;
  }

  #startNext(run: () => Promise<T>): Promise<T> {
    this.#next = null;
    return this.#start(run);
  }

  #start(run: () => Promise<T>): Promise<T> {
    const running = run().finally(() => {
      if (this.#running === running) this.#running = null;
    });
    this.#running = running;
    return running;
  }
}
