import type {Price} from '../model/price.ts';
import type {AgentUsage} from './agent-runtime.ts';

export type PriceOverrides = Readonly<Record<string, Price>>;

/** The day for which the table holds. */
export const PRICES_AS_OF = '2026-05-21';

/**
 * Published list prices without discounts for batches or surcharges for very long inputs. OpenAI and Google ask nothing extra
 * for writing to their cache: what is written there is paid as input.
 */
const TABLE: PriceOverrides = {
  'claude-haiku-4-5': anthropic(1, 5),
  'claude-opus-4-0': anthropic(15, 75),
  'claude-opus-4-1': anthropic(15, 75),
  'claude-opus-4-5': anthropic(5, 25),
  'claude-opus-4-6': anthropic(5, 25),
  'claude-opus-4-7': anthropic(5, 25),
  'claude-sonnet-4-0': anthropic(3, 15),
  'claude-sonnet-4-5': anthropic(3, 15),
  'claude-sonnet-4-6': anthropic(3, 15),
  'gpt-4.1': other(2, 8, 0.5),
  'gpt-4.1-mini': other(0.4, 1.6, 0.1),
  'gpt-5': other(1.25, 10, 0.125),
  'gpt-5-codex': other(1.25, 10, 0.125),
  'gpt-5-mini': other(0.25, 2, 0.025),
  'gpt-5-nano': other(0.05, 0.4, 0.005),
  'gpt-5.1': other(1.25, 10, 0.125),
  'gpt-5.1-codex': other(1.25, 10, 0.125),
  'gpt-5.1-codex-max': other(1.25, 10, 0.125),
  'gpt-5.1-codex-mini': other(0.25, 2, 0.025),
  'gpt-5.2': other(1.75, 14, 0.175),
  'gpt-5.2-codex': other(1.75, 14, 0.175),
  'gpt-5.3-codex': other(1.75, 14, 0.175),
  'gpt-5.4': other(2.5, 15, 0.25),
  'gpt-5.4-mini': other(0.75, 4.5, 0.075),
  'gpt-5.4-nano': other(0.2, 1.25, 0.02),
  'gpt-5.5': other(5, 30, 0.5),
  o3: other(2, 8, 0.5),
  'o4-mini': other(1.1, 4.4, 0.275),
  'gemini-2.5-flash': other(0.3, 2.5, 0.03),
  'gemini-2.5-flash-lite': other(0.1, 0.4, 0.01),
  'gemini-2.5-pro': other(1.25, 10, 0.125),
  'gemini-3-flash-preview': other(0.5, 3, 0.05),
  'gemini-3-pro-preview': other(2, 12, 0.2),
  'gemini-3.1-flash-lite': other(0.25, 1.5, 0.025),
  'gemini-3.1-pro-preview': other(2, 12, 0.2),
  'gemini-3.5-flash': other(1.5, 9, 0.15),
};

/** Anthropic reads its cache for a tenth of the input price and writes it for a quarter more. */
function anthropic(input: number, output: number): Price {
  return {input, output, cacheRead: input / 10, cacheWrite: input * 1.25};
}

function other(input: number, output: number, cacheRead: number): Price {
  return {input, output, cacheRead, cacheWrite: input};
}

/**
 * The price of a model: the user's own first (`RUNTIME/MODEL`, then `MODEL`), then the table; null: nobody knows. A date at
 * the end of the name (`claude-haiku-4-5-20251001`) and the provider before it (`anthropic/…`) may be left out of either.
 */
export function priceOf(runtime: string, model: string | null, overrides: PriceOverrides): Price | null {
  return ownPriceOf(runtime, model, overrides) ?? find(TABLE, model === null ? [] : namesOf(model));
}

/** The price that the user has set; null: none. */
export function ownPriceOf(runtime: string, model: string | null, overrides: PriceOverrides): Price | null {
  if (model === null) return null;
  const names = namesOf(model);
  return find(overrides, [...names.map(name => `${runtime}/${name}`), ...names]);
}

function find(prices: PriceOverrides, keys: readonly string[]): Price | null {
  const key = keys.find(name => Object.hasOwn(prices, name));
  return key === undefined ? null : (prices[key] ?? null);
}

function namesOf(model: string): readonly string[] {
  const bare = withoutProvider(model);
  return [model, bare, withoutDate(model), withoutDate(bare)];
}

/** USD of what was used; null when the price or the tokens are unknown. Cache tokens that nobody counted are none. */
export function costOf(usage: Omit<AgentUsage, 'usd'>, price: Price | null): number | null {
  if (price === null || usage.inputTokens === null || usage.outputTokens === null) return null;
  return (
    (usage.inputTokens * price.input +
      usage.outputTokens * price.output +
      (usage.cacheReadTokens ?? 0) * price.cacheRead +
      (usage.cacheWriteTokens ?? 0) * price.cacheWrite) /
    1e6
  );
}

function withoutProvider(model: string): string {
  return model.slice(model.lastIndexOf('/') + 1);
}

function withoutDate(model: string): string {
  return model.replace(/-(?:20\d{6}|20\d\d-\d\d-\d\d)$/, '');
}
