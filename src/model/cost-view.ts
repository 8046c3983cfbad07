import type {BudgetView} from './team-view.ts';

/** What attempts of prompts have cost. Sums of what is known; null: nothing of it is. Commands cost nothing and do not count. */
export interface Spending {
  readonly attempts: number;
  /** Of those, the ones that are not over. */
  readonly running: number;
  readonly usd: number | null;
  /** Attempts that are over and whose cost, or whose tokens, nobody knows. */
  readonly unpriced: number;
  readonly uncounted: number;
  /** Reserved by these: counted against the budget as if it had been used. */
  readonly unsettledUsd: number;
  readonly unsettledTokens: number;
  /** Reserved by those that run. */
  readonly reservedUsd: number;
  readonly reservedTokens: number;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly cacheReadTokens: number | null;
  readonly cacheWriteTokens: number | null;
}

/** `name` is a task, an agent, or a runtime with its model (`claude/haiku`). */
export interface CostRow extends Spending {
  readonly name: string;
}

/** The dearest first. */
export interface CostRows {
  readonly rows: readonly CostRow[];
  /** Rows that are left out. */
  readonly omitted: number;
}

export interface Costs {
  readonly totals: Spending;
  readonly byTask: CostRows;
  readonly byAgent: CostRows;
  readonly byModel: CostRows;
}

/** What a team has cost, as every face shows it. Known and unknown stand apart. */
export interface CostView extends Costs {
  readonly v: 1;
  readonly team: string;
  /** Null: that is not limited. */
  readonly budget: {
    readonly usd: BudgetLeft | null;
    readonly tokens: BudgetLeft | null;
    /** Of what may be spent within any hour, for now; absent: that is not limited. */
    readonly hour?: BudgetLeft;
  };
}

/** `left` is what neither is used or reserved nor may have been used by attempts that did not say. */
export interface BudgetLeft {
  readonly limit: number;
  readonly left: number;
}

/** Most rows of each kind that a view holds. */
export const MAX_COST_ROWS = 1000;

export function costView({
  team,
  budget,
  costs,
}: {
  readonly team: string;
  readonly budget: BudgetView | null;
  readonly costs: Costs;
}): CostView {
  const {usd, unsettledUsd, reservedUsd, inputTokens, outputTokens, unsettledTokens, reservedTokens} = costs.totals;
  const tokens = (inputTokens ?? 0) + (outputTokens ?? 0);
  const hour = budget?.hour && leftOf(budget.hour.limitUsd, budget.hour.usedUsd + reservedUsd);
  return {
    v: 1,
    team,
    budget: {
      usd: leftOf(budget?.limitUsd, (usd ?? 0) + unsettledUsd + reservedUsd),
      tokens: leftOf(budget?.limitTokens, tokens + unsettledTokens + reservedTokens),
      ...(hour ? {hour} : {}),
    },
    ...costs,
  };
}

function leftOf(limit: number | null | undefined, taken: number): BudgetLeft | null {
  return limit == null ? null : {limit, left: Math.max(0, limit - taken)};
}
