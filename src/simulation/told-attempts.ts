import type {AttemptId, HostId} from '../model/ids.ts';
import type {Ledger} from './ledger.ts';

/** What hosts have been told of their attempts, each over its present connection. */
export class ToldAttempts {
  readonly #ledger: Ledger;
  readonly #stopped = new Set<AttemptId>();
  readonly #held = new Set<AttemptId>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  isStopped(id: AttemptId): boolean {
    return this.#stopped.has(id);
  }

  isHeld(id: AttemptId): boolean {
    return this.#held.has(id);
  }

  stop(attempts: readonly AttemptId[]): void {
    for (const id of attempts) this.#stopped.add(id);
  }

  hold(attempts: readonly AttemptId[]): void {
    for (const id of attempts) this.#held.add(id);
  }

  letGoOn(attempts: readonly AttemptId[]): void {
    for (const id of attempts) this.#held.delete(id);
  }

  /** What a host was told counts only over the connection over which it was told. */
  forgetHost(host: HostId): void {
    for (const attempt of this.#ledger.open) {
      if (attempt.hostId !== host) continue;
      this.#stopped.delete(attempt.id);
      this.#held.delete(attempt.id);
    }
  }

  forget(): void {
    this.#stopped.clear();
    this.#held.clear();
  }
}
