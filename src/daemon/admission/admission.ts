import type {Now} from '../../base/clock.ts';

/** What a project may run at a time just now, and in a sentence what limits it; null: nothing does. */
export interface Grant {
  readonly permits: number;
  readonly why: string | null;
}

/**
 * Shares the machine between the projects of one user. Disposing leaves the lease to those who come after (a restarted
 * daemon finds its attempts still counted); `release` gives it up.
 */
export interface Admission extends Disposable {
  /**
   * Asks to hold `want` permits; grants what the machine and the user's other projects leave. Never lowers below
   * `running`.
   */
  request(want: number, running: number): Grant;
  /** Renews the lease; to be called every few seconds. */
  beat(now: Now): void;
  release(): void;
}
