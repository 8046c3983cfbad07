import {expect, test} from 'vitest';
import {claudeSpending} from '../../src/runtimes/claude-spending.ts';

const MODEL = 'claude-haiku-4-5';
const TOKENS = {input_tokens: 10, cache_read_input_tokens: 20, cache_creation_input_tokens: 30};

const begun = (id: string, who: string | null = null) => ({
  type: 'stream_event',
  event: {type: 'message_start', message: {id, model: MODEL, usage: {...TOKENS, output_tokens: 1}}},
  parent_tool_use_id: who,
});
const ended = (output: number, who: string | null = null) => ({
  type: 'stream_event',
  event: {type: 'message_delta', usage: {output_tokens: output}},
  parent_tool_use_id: who,
});
const heard = (id: string, output: number) => ({
  type: 'assistant',
  message: {id, model: MODEL, usage: {...TOKENS, output_tokens: output}},
});
/** The account of so many requests, as claude gives it. */
const result = (requests: number, output: number, costUSD: number) => ({
  type: 'result',
  model_usage_since_last_result: {
    [MODEL]: {
      inputTokens: 10 * requests,
      outputTokens: output,
      cacheReadInputTokens: 20 * requests,
      cacheCreationInputTokens: 30 * requests,
      costUSD,
      costBasis: 'list',
    },
  },
});

test('requests are counted as they go by, those of subagents beside those of the main one', () => {
  const spending = claudeSpending({});
  spending.add(begun('a'));
  spending.add(begun('b', 'sub'));
  spending.add(ended(7));
  spending.add(ended(5, 'sub'));
  expect(spending.total()).toMatchObject({
    inputTokens: 20,
    outputTokens: 12,
    cacheReadTokens: 40,
    cacheWriteTokens: 60,
  });
});

test('one that is killed in the middle of an answer has used what it was told at the beginning', () => {
  const spending = claudeSpending({});
  spending.add(begun('a'));
  expect(spending.total()).toMatchObject({inputTokens: 10, outputTokens: 1});
});

test('an answer that broke off is added where the account lacks it', () => {
  const spending = claudeSpending({});
  spending.add(begun('broken'));
  spending.hear(heard('not-streamed', 7));
  const usd = (10 + 20 * 0.1 + 30 * 1.25 + 5) / 1e6;
  const usage = spending.settle(result(1, 7, 0.5));
  expect(usage).toMatchObject({inputTokens: 20, outputTokens: 8});
  expect(usage.usd).toBeCloseTo(0.5 + usd, 12);
});

test('an answer that broke off is not added again where the account has it', () => {
  const spending = claudeSpending({});
  spending.add(begun('broken'));
  spending.add(begun('whole'));
  spending.add(ended(7));
  expect(spending.settle(result(2, 9, 0.5))).toMatchObject({inputTokens: 20, outputTokens: 9, usd: 0.5});
});

test('requests that were not seen are in the account', () => {
  const spending = claudeSpending({});
  spending.add(begun('a'));
  spending.add(ended(7));
  expect(spending.settle(result(3, 30, 0.5))).toMatchObject({inputTokens: 30, outputTokens: 30, usd: 0.5});
});

test('an older version without such an account is believed as far as it was seen', () => {
  const spending = claudeSpending({});
  spending.add(begun('a'));
  spending.add(ended(7));
  const usage = spending.settle({type: 'result', total_cost_usd: 99, modelUsage: {[MODEL]: {inputTokens: 9999}}});
  expect(usage).toMatchObject({inputTokens: 10, outputTokens: 7});
});

test('an account of nothing is zero, not unknown', () => {
  expect(claudeSpending({}).settle({type: 'result', model_usage_since_last_result: {}})).toMatchObject({usd: 0});
});
