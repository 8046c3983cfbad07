import type {Failure} from './failure.ts';
import type {Usage} from './usage.ts';

/** How an attempt ended, as its host reports it. */
export interface AttemptOutcome {
  readonly result: {readonly ok: true} | {readonly ok: false; readonly failure: Failure};
  /** Run time by the host's monotonic clock, in milliseconds. */
  readonly durationMs: number;
  readonly usage: Usage;
  /** Bytes of the declared output, when `outputs` was declared and the attempt succeeded. */
  readonly outputBytes: number | null;
}
