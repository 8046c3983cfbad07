import type {Ending} from './ending.ts';

/** Whether an attempt is held. */
export class Pause {
  #isPaused: boolean;
  readonly #listeners = new Set<() => void>();

  constructor(isPaused = false) {
    this.#isPaused = isPaused;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  set(isPaused: boolean): void {
    if (this.#isPaused === isPaused) return;
    this.#isPaused = isPaused;
    for (const listener of [...this.#listeners]) listener();
  }

  /** Returns what takes the listener back. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when it is not paused, or is to end, which it may do at any time. */
  async over(ending: Ending): Promise<void> {
    while (this.#isPaused && !ending.failure) {
      await new Promise<void>(resolve => {
        const forget = [this.onChange(() => settle()), ending.onBegin(() => settle())];
        const settle = () => {
          for (const one of forget) one();
          resolve();
        };
      });
    }
  }
}
