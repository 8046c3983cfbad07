import type {AgentUsage} from './agent-runtime.ts';
import {NO_AGENT_USAGE, addAgentUsage} from './agent-usage.ts';
import {type PriceOverrides, costOf, ownPriceOf, priceOf} from './prices.ts';

/** What was used of one model; `usd` is what the agent says that it costs, null when it does not say or only guesses. */
export interface Spent extends AgentUsage {
  readonly model: string;
}

/**
 * The sum, in USD by the user's own price, else as the agent says, else by the price table. When the price of a part is unknown
 * so is the sum: half of the truth would look like all of it.
 */
export function totalSpent(
  parts: readonly Spent[],
  {runtime, prices}: {runtime: string; prices: PriceOverrides},
): AgentUsage {
  const costs = parts.map(part => {
    const own = ownPriceOf(runtime, part.model, prices);
    if (own !== null) return costOf(part, own);
    return part.usd ?? costOf(part, priceOf(runtime, part.model, prices));
  });
  const usd =
    costs.length === 0 ? null : costs.reduce((sum, cost) => (sum === null || cost === null ? null : sum + cost), 0);
  return {...parts.reduce<AgentUsage>(addAgentUsage, NO_AGENT_USAGE), usd};
}
