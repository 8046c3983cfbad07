import type {JsonValue} from '../base/json.ts';
import type {AgentUsage} from './agent-runtime.ts';
import {addAgentUsage} from './agent-usage.ts';
import {countField, field, textField} from './json-field.ts';
import type {JsonObject} from './json-lines.ts';
import type {Price} from '../model/price.ts';
import {type PriceOverrides, costOf, priceOf} from './prices.ts';
import {type Spent, totalSpent} from './spending.ts';

const NOTHING: AgentUsage = {usd: 0, inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0};

interface ClaudeSpending {
  /** A `stream_event` line; what was used so far, when it says something about that. */
  add(line: JsonObject): AgentUsage | null;
  /** An `assistant` line: after an answer that broke off claude asks again without a stream, and then only this line tells. */
  addWhole(line: JsonObject): AgentUsage | null;
  /** The `result` line, which knows exactly. */
  settle(line: JsonObject): AgentUsage;
  total(): AgentUsage;
}

/**
 * Counts what an attempt uses. The requests are counted as they go by, so that it is known also of one that is killed. The result
 * line then says it exactly; but its totals are those of the whole conversation, with everything before a `--resume`, so that
 * only its account since the last result can be taken for this attempt, and it has forgotten or misjudged the answers that broke off.
 */
export function claudeSpending(prices: PriceOverrides): ClaudeSpending {
  const seen = new Map<string, Spent>();
  /** The request under way, by the subagent that makes it. */
  const open = new Map<string, Spent>();
  /** The answers counted last, likewise. */
  const ids = new Map<string, string>();
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
          ids.set(who, textField(event, 'message', 'id') ?? '');
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
    addWhole(line) {
      const who = textField(line, 'parent_tool_use_id') ?? '';
      const message = field(line, 'message');
      const id = textField(message, 'id') ?? '';
      const tokens = tokensOf(field(message, 'usage'));
      // Without a reason to stop it is a piece of a stream; without tokens claude has made it up, to tell of an error.
      const isWhole = textField(message, 'stop_reason') !== null && INPUTS.some(kind => (tokens[kind] ?? 0) > 0);
      if (!isWhole || ids.get(who) === id) return null;
      close(who);
      ids.set(who, id);
      open.set(who, {model: textField(message, 'model') ?? 'unknown', ...tokens, usd: null});
      close(who);
      return total();
    },
    settle(line) {
      const models = field(line, 'model_usage_since_last_result');
      // Older versions do not tell since when they count; what went by is right for them too, but for subagents.
      if (!isObject(models)) return total();
      for (const who of [...open.keys()]) close(who);
      const parts = Object.entries(models).map(([model, usage]) =>
        withBrokenOff(spentOf(model, usage), {counted: seen.get(model), price: priceOf('claude', model, prices)}),
      );
      const known = parts.length === 0 ? [...seen.values()] : parts;
      settled = known.length === 0 ? NOTHING : sumOf(known);
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

/**
 * An answer that breaks off half-way is billed all the same. Where everything that claude tells of has also gone by, the
 * tokens that went by are right, and what they cost is claude's own figure with the difference put right.
 */
function withBrokenOff(said: Spent, {counted, price}: {counted: Spent | undefined; price: Price | null}): Spent {
  if (counted === undefined || INPUTS.some(kind => (counted[kind] ?? 0) < (said[kind] ?? 0))) return said;
  const forgotten = costOf(
    {
      inputTokens: difference(counted.inputTokens, said.inputTokens),
      outputTokens: difference(counted.outputTokens, said.outputTokens),
      cacheReadTokens: difference(counted.cacheReadTokens, said.cacheReadTokens),
      cacheWriteTokens: difference(counted.cacheWriteTokens, said.cacheWriteTokens),
    },
    price,
  );
  return {...counted, usd: said.usd === null ? null : said.usd + (forgotten ?? 0)};
}

const INPUTS = ['inputTokens', 'cacheReadTokens', 'cacheWriteTokens'] as const;

function difference(counted: number | null, said: number | null): number {
  return (counted ?? 0) - (said ?? 0);
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
