/**
 * How well something does, host or agent.
 *
 *     healthy ──► suspect ──► unhealthy ──► dead
 *        ▲           │            │
 *        └───────────┴────────────┘  signs of life
 *
 * suspect: it is given nothing new. unhealthy: what it has is given to others, once it is certain that it is stopped. dead: for good.
 * What is known to be gone is dead at once, from wherever it was.
 */
export type HealthState = 'healthy' | 'suspect' | 'unhealthy' | 'dead';

/** What a host says of an attempt it runs, now and then: signs of life that cost no tokens. */
export interface Vitals {
  readonly attempt: number;
  /** Processes that carry its cookie or are in its group; 0: none is left, though it has not ended. */
  readonly processes: number;
  /** User and system time of all of them so far, in milliseconds; null: unknown. */
  readonly cpuMs: number | null;
  /** Resident memory of all of them together, in bytes; null: unknown. */
  readonly rssBytes: number | null;
  /** Printed so far, in bytes. */
  readonly outputBytes: number;
  /** How long ago it last printed something or its runtime told of something it does, in milliseconds. */
  readonly silentMs: number;
  /** running: one of them computes or waits for a disk. stopped: all of them are, by a signal. Absent: unknown. */
  readonly state?: 'running' | 'sleeping' | 'stopped';
}

/**
 * What the OS says of the process of a host that has become silent. working: on a processor or waiting for one. waiting: for
 * something to happen. blocked: on a disk. stopped: by a signal.
 */
export interface ProcessProbe {
  readonly state: 'working' | 'waiting' | 'blocked' | 'stopped' | 'gone' | 'unknown';
  /** Processor time of its main thread so far, in milliseconds, as precisely as the OS counts; null: unknown. */
  readonly cpuMs: number | null;
}

/** What one attempt may use; absent: no limit. Reaching one is a clear failure. */
export interface AttemptLimits {
  /** Resident memory of its whole process tree, in bytes. */
  readonly memoryBytes?: number;
  /** -20 to 19, as of `nice`; only higher than that of the host. */
  readonly nice?: number;
  /** Processor cores, > 0; held by a cgroup where one can be made, else by `nice` alone. */
  readonly cpus?: number;
  /** What it prints, in bytes. */
  readonly outputBytes?: number;
  /** Its worktree, in bytes. */
  readonly diskBytes?: number;
  /** Tokens that a prompt uses, by what its runtime says; ≥ 1. */
  readonly tokens?: number;
  /** How long it may give no sign of life, in milliseconds. */
  readonly silenceMs?: number;
}
