import {UNKNOWN_USAGE, addUsage} from '../model/usage.ts';
import type {AgentUsage} from './agent-runtime.ts';

export const NO_AGENT_USAGE: AgentUsage = {
  usd: null,
  inputTokens: null,
  outputTokens: null,
  cacheReadTokens: null,
  cacheWriteTokens: null,
};

/** Sums what is known of both; a sum of nothing known is unknown. */
export function addAgentUsage(a: AgentUsage, b: AgentUsage): AgentUsage {
  const {usd, inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens} = addUsage(
    {...UNKNOWN_USAGE, ...a},
    {...UNKNOWN_USAGE, ...b},
  );
  return {usd, inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens};
}
