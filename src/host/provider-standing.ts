import {readClock} from '../base/clock.ts';
import type {ProviderId, ProviderSignal} from '../model/provider.ts';

/** An agent that says the same again and again is not repeated more often than this. */
const APART_MS = 1000;

type Limit = Exclude<ProviderSignal['kind'], 'ok'>;

/** Tells how a provider treats one agent: each refusal, and the first answer of all and after a refusal. */
export class ProviderStanding {
  readonly #provider: ProviderId;
  readonly #send: (signal: ProviderSignal) => void;
  #last: {readonly kind: ProviderSignal['kind']; readonly atMs: number} | undefined;

  constructor(provider: ProviderId, send: (signal: ProviderSignal) => void) {
    this.#provider = provider;
    this.#send = send;
  }

  refused(kind: Limit, retryAfterMs: number | null): void {
    if (this.#last?.kind === kind && readClock().monoMs - this.#last.atMs < APART_MS) return;
    this.#tell({provider: this.#provider, kind, retryAfterMs});
  }

  answered(): void {
    if (this.#last?.kind === 'ok') return;
    this.#tell({provider: this.#provider, kind: 'ok', retryAfterMs: null});
  }

  #tell(signal: ProviderSignal): void {
    this.#last = {kind: signal.kind, atMs: readClock().monoMs};
    this.#send(signal);
  }
}
