import type {Failure} from '../model/failure.ts';

/** Why an attempt is being ended before its time. The first reason is the one that counts. */
export class Ending {
  #failure: Failure | undefined;
  readonly #listeners = new Set<() => void>();

  get failure(): Failure | undefined {
    return this.#failure;
  }

  begin(failure: Failure): void {
    if (this.#failure) return;
    this.#failure = failure;
    for (const listener of this.#listeners) listener();
  }

  /** Calls the listener when the ending begins, or at once when it has. Returns what takes it back. */
  onBegin(listener: () => void): () => void {
    if (this.#failure) listener();
    else this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
