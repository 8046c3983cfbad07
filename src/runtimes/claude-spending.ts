import type {JsonValue} from '../base/json.ts';
import type {AgentUsage} from './agent-runtime.ts';
import {countField, field, textField} from './json-field.ts';
import type {JsonObject} from './json-lines.ts';
import type {PriceOverrides} from './prices.ts';
import {type Spent, totalSpent} from './spending.ts';

const NOTHING: AgentUsage = {usd: 0, inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0};

interface ClaudeSpending {
  /** A `stream_event` line; what was used so far, when it says something about that. */
  add(line: JsonObject): AgentUsage | null;
  /** An `assistant` line: of a request whose answer was not streamed it is all there is. */
  hear(line: JsonObject): void;
  /** The `result` line, which knows exactly. */
  settle(line: JsonObject): AgentUsage;
  total(): AgentUsage;
}

/** A request by its message; `whole`: its answer came to its end. */
interface Request {
  readonly spent: Spent;
  readonly whole: boolean;
}

/**
 * Counts what an attempt uses. The requests are counted as they go by, so that it is known also of one that is killed. The result
 * line then says it exactly; but its totals are those of the whole conversation, with everything before a `--resume`, so that
 * only its account since the last result can be taken for this attempt. Answers that broke off are not in it, though the
 * provider has charged for them: they are added where the difference shows that they are missing.
 */
export function claudeSpending(prices: PriceOverrides): ClaudeSpending {
  const requests = new Map<string, Request>();
  /** The request under way, by the subagent that makes it. */
  const current = new Map<string, string>();
  let settled: AgentUsage | null = null;

  const sumOf = (parts: readonly Spent[]) => totalSpent(parts, {runtime: 'claude', prices});
  const seen = (which: (request: Request) => boolean) => [...requests.values()].filter(which).map(({spent}) => spent);
  const total = () => settled ?? sumOf(seen(() => true));

  function begin(line: JsonObject): AgentUsage {
    const message = field(line, 'event', 'message');
    const id = textField(message, 'id') ?? `request ${requests.size}`;
    current.set(textField(line, 'parent_tool_use_id') ?? '', id);
    requests.set(id, {spent: requestOf(message), whole: false});
    return total();
  }

  function finish(line: JsonObject): AgentUsage | null {
    const id = current.get(textField(line, 'parent_tool_use_id') ?? '') ?? '';
    const request = requests.get(id);
    if (request === undefined) return null;
    const outputTokens = countField(line, 'event', 'usage', 'output_tokens') ?? request.spent.outputTokens;
    requests.set(id, {spent: {...request.spent, outputTokens}, whole: true});
    return total();
  }

  return {
    total,
    add(line) {
      const type = textField(line, 'event', 'type');
      if (type === 'message_start') return begin(line);
      return type === 'message_delta' ? finish(line) : null;
    },
    hear(line) {
      const message = field(line, 'message');
      const id = textField(message, 'id');
      if (id !== null && !requests.has(id)) requests.set(id, {spent: requestOf(message), whole: true});
    },
    settle(line) {
      const models = field(line, 'model_usage_since_last_result');
      // Older versions do not tell since when they count; what went by is right for them too, but for subagents.
      if (!isObject(models)) return total();
      const said = Object.entries(models).map(([model, usage]) => spentOf(model, usage));
      const brokenOff = seen(({whole}) => !whole);
      const areMissing = readIn(seen(() => true)) === readIn(said) + readIn(brokenOff);
      const parts = areMissing ? [...said, ...brokenOff] : said;
      settled = parts.length === 0 ? NOTHING : sumOf(parts);
      return settled;
    },
  };
}

/** All tokens that the models have read, wherever from. */
function readIn(parts: readonly Spent[]): number {
  const read = ({inputTokens, cacheReadTokens, cacheWriteTokens}: Spent) =>
    (inputTokens ?? 0) + (cacheReadTokens ?? 0) + (cacheWriteTokens ?? 0);
  return parts.reduce((sum, part) => sum + read(part), 0);
}

function requestOf(message: JsonValue | undefined): Spent {
  const model = textField(message, 'model') ?? 'unknown';
  return {model, ...tokensOf(field(message, 'usage')), usd: null};
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

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
