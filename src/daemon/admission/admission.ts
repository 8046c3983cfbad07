import type {Now} from '../../base/clock.ts';
import type {Demand} from '../../federation/engine-io.ts';
import type {Gate, ProviderSignal} from '../../model/provider.ts';

/** What a project could use, and what of that runs. */
export interface AdmissionDemand {
  /** Attempts in all, those that run included. */
  readonly want: number;
  readonly running: number;
  /** The memory to be set aside for these. */
  readonly memoryBytes: {readonly want: number; readonly running: number};
  /** Those of its attempts that use a provider, by provider. */
  readonly providers: readonly Demand[];
}

/** What a project may run at a time just now, and in a sentence what limits it; null: nothing does. */
export interface Grant {
  readonly permits: number;
  readonly memoryBytes: number;
  readonly why: string | null;
  /** Providers that have refused something lately, of those in the demand; the others do not limit. */
  readonly gates: readonly Gate[];
  /** After how long to ask again, because the answer may be another one by then; null: it would be the same. */
  readonly againMs: number | null;
}

/**
 * Shares the machine and the accounts with providers between the projects of one user. Disposing leaves the lease to those
 * who come after (a restarted daemon finds its attempts still counted); `release` gives it up.
 */
export interface Admission extends Disposable {
  /**
   * Asks to hold what is wanted; grants what the machine and the user's other projects leave. Permits and memory are never
   * lowered below what runs. A gate may be: then nothing is to be started until enough has ended, so that others get their
   * share.
   */
  request(demand: AdmissionDemand): Grant;
  /** What a provider has let us know, while so many of our attempts were using it. True: what is granted has changed. */
  signal(signal: ProviderSignal, running: number): boolean;
  /** Renews the lease; to be called every few seconds. */
  beat(now: Now): void;
  release(): void;
}
