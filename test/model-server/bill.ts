import {seededRandom} from '../../src/base/random.ts';
import type {Price} from '../../src/model/price.ts';

export interface Tokens {
  /** Without those read from or written to the cache. */
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
}

export const NO_TOKENS: Tokens = {input: 0, output: 0, cacheRead: 0, cacheWrite: 0};

/** USD per million tokens, as the providers published them (November 2025). */
export const PUBLISHED_PRICES: Readonly<Record<string, Price>> = {
  'claude-haiku-4-5': {input: 1, output: 5, cacheRead: 0.1, cacheWrite: 1.25},
  'claude-sonnet-4-5': {input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75},
  'gpt-5-mini': {input: 0.25, output: 2, cacheRead: 0.025, cacheWrite: 0},
  'gpt-5-codex': {input: 1.25, output: 10, cacheRead: 0.125, cacheWrite: 0},
  'gemini-2.5-flash': {input: 0.3, output: 2.5, cacheRead: 0.03, cacheWrite: 0},
  'gemini-2.5-flash-lite': {input: 0.1, output: 0.4, cacheRead: 0.01, cacheWrite: 0},
};

export function usdOf(tokens: Tokens, price: Price): number {
  const millionths =
    tokens.input * price.input +
    tokens.output * price.output +
    tokens.cacheRead * price.cacheRead +
    tokens.cacheWrite * price.cacheWrite;
  return millionths / 1e6;
}

export const tokensIn = (text: string): number => Math.max(1, Math.ceil(text.length / 4));

/** A number from 0 to 1 that depends on the words alone, not on the order in which requests happen to arrive. */
export function chance(seed: number, words: string): number {
  let hash = seed;
  for (const character of words) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
  return seededRandom(hash)();
}
