import {readClock} from '../base/clock.ts';
import type {Demand, Effect} from '../federation/engine-io.ts';
import type {ProviderId, ProviderSignal} from '../model/provider.ts';
import type {Admission, AdmissionDemand, Grant} from './admission/admission.ts';

/** What runs just now. */
export interface Running {
  readonly attempts: number;
  /** Set aside for them. */
  readonly memoryBytes: number;
  /** Those that use a provider; one that is missing is not used. */
  readonly providers: ReadonlyMap<ProviderId, number>;
}

export interface PermitsOptions {
  readonly admission: Admission;
  readonly running: () => Running;
  readonly granted: (grant: Grant) => void;
}

type Wanted = Omit<Extract<Effect, {type: 'want-permits'}>, 'type'>;

const BEAT_MS = 5000;
const NOTHING: Wanted = {want: 0, memoryBytes: 0, providers: []};

/** Asks the user's ledger for what the engine wants, keeps the lease alive, and says when the answer changes. */
export class Permits {
  readonly #options: PermitsOptions;
  readonly #beat: NodeJS.Timeout;
  #again: NodeJS.Timeout | undefined;
  #wanted = NOTHING;
  #last: Grant = {permits: 0, memoryBytes: 0, why: null, gates: [], againMs: null};

  private constructor(options: PermitsOptions) {
    this.#options = options;
    this.#beat = setInterval(() => this.#renew(), BEAT_MS);
  }

  /** Gives back at once what a dead predecessor of this project held beyond the attempts that still run. */
  static start(options: PermitsOptions): Permits {
    options.admission.request(demandOf(NOTHING, options.running()));
    return new Permits(options);
  }

  want(wanted: Wanted): void {
    this.#wanted = wanted;
    this.#ask();
  }

  /** What a provider has let us know, through one of our attempts. */
  signal(signal: ProviderSignal): void {
    const {admission, running} = this.#options;
    const changed = admission.signal(signal, running().providers.get(signal.provider) ?? 0);
    if (changed) this.#ask();
  }

  /** Leaves the lease to the next daemon when attempts go on, gives it up when none do. */
  close({keepLease}: {readonly keepLease: boolean}): void {
    clearInterval(this.#beat);
    clearTimeout(this.#again);
    if (!keepLease) this.#options.admission.release();
    this.#options.admission[Symbol.dispose]();
  }

  /** With providers in use other projects are also told how many of our attempts run. */
  #renew(): void {
    if (this.#wanted.providers.length > 0) this.#ask();
    else this.#options.admission.beat(readClock());
  }

  #ask(): void {
    clearTimeout(this.#again);
    const {admission, running, granted} = this.#options;
    const grant = admission.request(demandOf(this.#wanted, running()));
    const isNews = !isSame(grant, this.#last);
    this.#last = grant;
    if (isNews) granted(grant);
    if (grant.againMs !== null) this.#again = setTimeout(() => this.#ask(), Math.ceil(grant.againMs));
  }
}

/** What is wanted was said a while ago; what runs is looked at now. */
function demandOf({want, memoryBytes, providers}: Wanted, running: Running): AdmissionDemand {
  const demands = new Map<ProviderId, Demand>();
  for (const [provider, count] of running.providers) demands.set(provider, {provider, want: count, running: count});
  for (const {provider, want: wanted} of providers) {
    const count = running.providers.get(provider) ?? 0;
    demands.set(provider, {provider, want: Math.max(wanted, count), running: count});
  }
  return {
    want,
    running: running.attempts,
    memoryBytes: {want: memoryBytes, running: running.memoryBytes},
    providers: [...demands.values()],
  };
}

function isSame(a: Grant, b: Grant): boolean {
  return (
    a.permits === b.permits &&
    a.memoryBytes === b.memoryBytes &&
    a.why === b.why &&
    a.gates.length === b.gates.length &&
    a.gates.every((gate, index) => {
      const other = b.gates[index];
      return gate.provider === other?.provider && gate.permits === other.permits && gate.why === other.why;
    })
  );
}
