export type Interrupt = 'SIGINT' | 'SIGTERM';

/**
 * Who deals with SIGINT and SIGTERM: the listener added last, or, when there is none, the process's end. The process
 * entry feeds it; commands never install signal handlers of their own.
 */
export class Interrupts {
  readonly #listeners: ((signal: Interrupt) => void)[] = [];
  readonly #otherwise: (signal: Interrupt) => void;

  constructor(otherwise: (signal: Interrupt) => void) {
    this.#otherwise = otherwise;
  }

  /** Returns what removes the listener. */
  listen(listener: (signal: Interrupt) => void): () => void {
    this.#listeners.push(listener);
    return () => {
      const index = this.#listeners.lastIndexOf(listener);
      if (index >= 0) this.#listeners.splice(index, 1);
    };
  }

  deliver(signal: Interrupt): void {
    (this.#listeners.at(-1) ?? this.#otherwise)(signal);
  }
}
