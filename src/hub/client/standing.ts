import type {Alarms} from './alarms.ts';
import type {HubError} from './hub-error.ts';
import {within} from './within.ts';

interface Waiting<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
}

/** Whether something is up, with what it is, down for now, or ended for good; and those who wait for it. */
export class Standing<T> {
  readonly #waiting = new Set<Waiting<T>>();
  #state:
    | {readonly kind: 'up'; readonly value: T}
    | {readonly kind: 'down'}
    | {readonly kind: 'ended'; readonly error: HubError} = {kind: 'down'};

  get value(): T | null {
    return this.#state.kind === 'up' ? this.#state.value : null;
  }

  /** Why it ended; null: it has not. */
  get failure(): HubError | null {
    return this.#state.kind === 'ended' ? this.#state.error : null;
  }

  up(value: T): void {
    if (this.#state.kind === 'ended') return;
    this.#state = {kind: 'up', value};
    this.#settle(waiting => waiting.resolve(value));
  }

  down(): void {
    if (this.#state.kind !== 'ended') this.#state = {kind: 'down'};
  }

  /** The first reason is kept. */
  end(error: HubError): void {
    if (this.#state.kind === 'ended') return;
    this.#state = {kind: 'ended', error};
    this.#settle(waiting => waiting.reject(error));
  }

  /** Resolves when it is up. Rejects when it has ended, with the signal's reason, and with `why()` after `deadlineMs`. */
  wait({
    deadlineMs,
    signal,
    alarms,
    why,
  }: {
    deadlineMs: number;
    signal: AbortSignal | undefined;
    alarms: Alarms;
    why: () => HubError;
  }): Promise<T> {
    const state = this.#state;
    if (state.kind === 'up') return Promise.resolve(state.value);
    if (state.kind === 'ended') return Promise.reject(state.error);
    let waiting: Waiting<T> | undefined;
    const settled = new Promise<T>((resolve, reject) => {
      waiting = {resolve, reject};
      this.#waiting.add(waiting);
    });
    return within(settled, {ms: deadlineMs, alarms, signal, why}).finally(() => {
      if (waiting) this.#waiting.delete(waiting);
    });
  }

  #settle(act: (waiting: Waiting<T>) => void): void {
    for (const waiting of [...this.#waiting]) act(waiting);
  }
}
