/** What a team may use in all; null: no limit. */
export interface Budget {
  readonly usd: number | null;
  /** Input and output tokens together, cache reads not counted. */
  readonly tokens: number | null;
  /** In USD within any hour. What does not fit waits. */
  readonly perHour?: number | null;
}

export const NO_BUDGET: Budget = {usd: null, tokens: null};

/** What one attempt may use: it is stopped when it has. */
export type Cap = Pick<Budget, 'usd' | 'tokens'>;
