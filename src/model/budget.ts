/** What a team may use in all; null: no limit. */
export interface Budget {
  readonly usd: number | null;
  /** Input and output tokens together, cache reads not counted. */
  readonly tokens: number | null;
}

export const NO_BUDGET: Budget = {usd: null, tokens: null};

/** What one attempt may use: it is stopped when it has. */
export type Cap = Budget;
