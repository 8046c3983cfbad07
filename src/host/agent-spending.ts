import type {Cap} from '../model/budget.ts';
import type {AgentUsage} from '../runtimes/agent-runtime.ts';
import {NO_AGENT_USAGE} from '../runtimes/agent-usage.ts';

/** What an agent has used so far, as its runtime says, and whether that is more than it may. */
export class AgentSpending {
  readonly #cap: Cap;
  #usage: AgentUsage = NO_AGENT_USAGE;

  constructor(cap: Cap) {
    this.#cap = cap;
  }

  get usage(): AgentUsage {
    return this.#usage;
  }

  /** Its sum so far, in place of what was said before; a runtime that says nothing takes nothing back. */
  used(said: AgentUsage): void {
    const usage = {
      usd: amount(said.usd),
      inputTokens: amount(said.inputTokens),
      outputTokens: amount(said.outputTokens),
      cacheReadTokens: amount(said.cacheReadTokens),
      cacheWriteTokens: amount(said.cacheWriteTokens),
    };
    if (Object.values(usage).some(value => value !== null)) this.#usage = usage;
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
