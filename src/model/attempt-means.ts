import type {Cap} from './budget.ts';

/** What a prompt is done with, and what it may use. */
export interface AttemptMeans {
  readonly runtime: string;
  readonly model: string | null;
  readonly provider: string;
  /** Reserved from the team's budget; the attempt is stopped when it has used it. */
  readonly cap: Cap;
}
