/**
 * Which process exactly. A pid alone is reused; together with the time the process started and the boot it belongs to,
 * it names one process for ever.
 */
export interface ProcessIdentity {
  readonly pid: number;
  /** As the OS tells it (clock ticks since boot on Linux, seconds since the epoch on macOS); only compared for equality. */
  readonly startTime: string;
  readonly bootId: string;
}
