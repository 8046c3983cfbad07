import type {JsonValue} from '../base/json.ts';
import type {AgentUsage} from './agent-runtime.ts';
import {addAgentUsage} from './agent-usage.ts';
import {countField, field, textField} from './json-field.ts';
import type {JsonObject} from './json-lines.ts';
import type {PriceOverrides} from './prices.ts';
import {type Spent, totalSpent} from './spending.ts';

const NOTHING: AgentUsage = {usd: 0, inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0};

interface ClaudeSpending {
  /** A `stream_event` line; what was used so far, when it says something about that. */
  add(line: JsonObject): AgentUsage | null;
  /** The `result` line, which knows exactly. */
  settle(line: JsonObject): AgentUsage;
  total(): AgentUsage;
}

/**
 * Counts what an attempt uses. The requests are counted as they go by, so that it is known also of one that is killed. The result
 * line then says it exactly; but its totals are those of the whole conversation, with everything before a `--resume`, so that
 * only its account since the last result can be taken for this attempt.
 */
export function claudeSpending(prices: PriceOverrides): ClaudeSpending {
  const seen = new Map<string, Spent>();
  /** The request under way, by the subagent that makes it. */
  const open = new Map<string, Spent>();
  let settled: AgentUsage | null = null;

  const sumOf = (parts: readonly Spent[]) => totalSpent(parts, {runtime: 'claude', prices});
  const total = () => settled ?? sumOf([...seen.values(), ...open.values()]);

  function close(who: string): void {
    const spent = open.get(who);
    if (spent === undefined) return;
    open.delete(who);
    seen.set(spent.model, plus(seen.get(spent.model), spent));
  }

  return {
    total,
    add(line) {
      const who = textField(line, 'parent_tool_use_id') ?? '';
      const event = field(line, 'event');
      switch (textField(event, 'type')) {
        case 'message_start': {
          close(who);
          const model = textField(event, 'message', 'model') ?? 'unknown';
          open.set(who, {model, ...tokensOf(field(event, 'message', 'usage')), usd: null});
          return total();
        }
        case 'message_delta': {
          const spent = open.get(who);
          if (spent === undefined) return null;
          const outputTokens = countField(event, 'usage', 'output_tokens') ?? spent.outputTokens;
          open.set(who, {...spent, outputTokens});
          close(who);
          return total();
        }
        default:
          return null;
      }
    },
    settle(line) {
      const models = field(line, 'model_usage_since_last_result');
      // Older versions do not tell since when they count; what went by is right for them too, but for subagents.
      if (!isObject(models)) return total();
      const parts = Object.entries(models).map(([model, usage]) => spentOf(model, usage));
      settled = parts.length === 0 ? NOTHING : sumOf(parts);
      return settled;
    },
  };
}

function spentOf(model: string, usage: JsonValue): Spent {
  return {
    model,
    inputTokens: countField(usage, 'inputTokens'),
    outputTokens: countField(usage, 'outputTokens'),
    cacheReadTokens: countField(usage, 'cacheReadInputTokens'),
    cacheWriteTokens: countField(usage, 'cacheCreationInputTokens'),
    // Of a model that it does not know it invents the price.
    usd: textField(usage, 'costBasis') === 'unknown' ? null : countField(usage, 'costUSD'),
  };
}

function tokensOf(usage: JsonValue | undefined): Omit<AgentUsage, 'usd'> {
  return {
    inputTokens: countField(usage, 'input_tokens'),
    outputTokens: countField(usage, 'output_tokens'),
    cacheReadTokens: countField(usage, 'cache_read_input_tokens'),
    cacheWriteTokens: countField(usage, 'cache_creation_input_tokens'),
  };
}

function plus(a: Spent | undefined, b: Spent): Spent {
  return a === undefined ? b : {model: b.model, ...addAgentUsage(a, b)};
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
