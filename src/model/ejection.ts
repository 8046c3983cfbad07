/** When agents of a team that fail are given nothing for a while. */
export interface Ejection {
  /** Failures one after the other that are too many, ≥ 1. */
  readonly failures: number;
  /** How long an agent is left out the first time, in milliseconds, > 0; twice as long each time after that, up to an hour. */
  readonly timeMs: number;
  /** The part of the team that may be left out at a time, 0 to 1: one always may be, and nobody where it is 0. */
  readonly share: number;
  /** How often those are looked at again who fail too often while no more may be left out, in milliseconds, > 0. */
  readonly intervalMs: number;
}

/** Failures, time, share and interval as Envoy's outlier detection has them by default. */
export const DEFAULT_EJECTION: Ejection = {failures: 5, timeMs: 30_000, share: 0.1, intervalMs: 10_000};

export const MOST_EJECTION_FAILURES = 1000;
export const LEAST_EJECTION_MS = 100;
export const MOST_EJECTION_MS = 3_600_000;
