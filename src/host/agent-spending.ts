import type {AgentSettings} from '../model/agent-settings.ts';
import type {Cap} from '../model/budget.ts';
import type {AgentUsage} from '../runtimes/agent-runtime.ts';
import {NO_AGENT_USAGE} from '../runtimes/agent-usage.ts';
import {costOf, priceOf} from '../runtimes/prices.ts';

/** What an agent has used so far, priced where it does not say, and whether that is more than it may. */
export class AgentSpending {
  readonly #cap: Cap;
  readonly #price: ReturnType<typeof priceOf>;
  #usage: AgentUsage = NO_AGENT_USAGE;

  constructor({
    cap,
    runtime,
    model,
    prices,
  }: {
    cap: Cap;
    runtime: string;
    model: string | null;
    prices: AgentSettings['prices'];
  }) {
    this.#cap = cap;
    this.#price = priceOf(runtime, model, prices);
  }

  get usage(): AgentUsage {
    return this.#usage;
  }

  /** Its sum so far, in place of all it has said before; of what it does not say now, the last is kept. */
  used(said: AgentUsage): void {
    const counted = {
      inputTokens: amount(said.inputTokens) ?? this.#usage.inputTokens,
      outputTokens: amount(said.outputTokens) ?? this.#usage.outputTokens,
      cacheReadTokens: amount(said.cacheReadTokens) ?? this.#usage.cacheReadTokens,
      cacheWriteTokens: amount(said.cacheWriteTokens) ?? this.#usage.cacheWriteTokens,
    };
    const usd = amount(said.usd) ?? costOf(counted, this.#price) ?? this.#usage.usd;
    this.#usage = {usd, ...counted};
  }

  get isOverCap(): boolean {
    const {usd, inputTokens, outputTokens} = this.#usage;
    if (this.#cap.usd !== null && usd !== null && usd > this.#cap.usd) return true;
    return this.#cap.tokens !== null && (inputTokens ?? 0) + (outputTokens ?? 0) > this.#cap.tokens;
  }
}

/** What a foreign program calls a number need not be one that can be reported. */
function amount(value: number | null): number | null {
  return value !== null && Number.isFinite(value) && value >= 0 ? value : null;
}
