import {expect, test} from 'vitest';
import {costOf, priceOf} from '../../src/runtimes/prices.ts';
import {totalSpent} from '../../src/runtimes/spending.ts';

const HAIKU = {input: 1, output: 5, cacheRead: 0.1, cacheWrite: 1.25};
const OWN = {input: 7, output: 8, cacheRead: 9, cacheWrite: 10};
const TOKENS = {inputTokens: 1000, outputTokens: 100, cacheReadTokens: 10_000, cacheWriteTokens: 400};

test.each(['claude-haiku-4-5', 'claude-haiku-4-5-20251001', 'anthropic/claude-haiku-4-5'])(
  '%s is in the table',
  model => {
    expect(priceOf('pi', model, {})).toEqual(HAIKU);
  },
);

test.each(['scripted-1', 'constructor', '', 'haiku'])('%j has no price', model => {
  expect(priceOf('claude', model, {})).toBeNull();
});

test.each(['claude/claude-haiku-4-5', 'claude-haiku-4-5'])('a price for %s wins over the table', key => {
  expect(priceOf('claude', 'claude-haiku-4-5-20251001', {[key]: OWN})).toEqual(OWN);
});

test('a price for one runtime is not for another, and wins over one for all', () => {
  const prices = {'pi/claude-haiku-4-5': OWN, 'claude-haiku-4-5': {...OWN, input: 0}};
  expect(priceOf('pi', 'claude-haiku-4-5', prices)).toEqual(OWN);
  expect(priceOf('claude', 'claude-haiku-4-5', prices)).toEqual({...OWN, input: 0});
});

test('a cost is the sum over all four kinds of tokens', () => {
  expect(costOf(TOKENS, HAIKU)).toBeCloseTo((1000 + 500 + 1000 + 500) / 1e6, 12);
  expect(costOf({...TOKENS, cacheReadTokens: null, cacheWriteTokens: null}, HAIKU)).toBeCloseTo(1500 / 1e6, 12);
});

test('a cost without tokens or price is unknown, not zero', () => {
  expect(costOf({...TOKENS, outputTokens: null}, HAIKU)).toBeNull();
  expect(costOf(TOKENS, null)).toBeNull();
});

test('a sum is by the own price, then as the agent says, then by the table', () => {
  const total = (model: string, usd: number | null, prices = {}) =>
    totalSpent([{model, ...TOKENS, usd}], {runtime: 'pi', prices}).usd;
  expect(total('claude-haiku-4-5', 0.5, {'claude-haiku-4-5': {...HAIKU, output: 0}})).toBeCloseTo(2500 / 1e6, 12);
  expect(total('claude-haiku-4-5', 0.5)).toBe(0.5);
  expect(total('claude-haiku-4-5', null)).toBeCloseTo(3000 / 1e6, 12);
  expect(total('scripted-1', null)).toBeNull();
});

test('a sum with an unknown part is unknown, its tokens are not', () => {
  const parts = [
    {model: 'claude-haiku-4-5', ...TOKENS, usd: 1},
    {model: 'scripted-1', ...TOKENS, usd: null},
  ];
  expect(totalSpent(parts, {runtime: 'pi', prices: {}})).toMatchObject({usd: null, inputTokens: 2000});
});
