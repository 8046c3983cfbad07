import {expect, it} from 'vitest';
import {claudeSpending} from '../../src/runtimes/claude-spending.ts';

const MODEL = 'claude-haiku-4-5';

interface Tokens {
  readonly input: number;
  readonly output: number;
  readonly written: number;
}

/** An answer that goes by: its beginning, and its end unless it breaks off. */
function answer({input, output, written}: Tokens, {ends}: {ends: boolean}) {
  const usage = {
    input_tokens: input,
    output_tokens: 1,
    cache_creation_input_tokens: written,
    cache_read_input_tokens: 0,
  };
  const start = {type: 'stream_event', event: {type: 'message_start', message: {model: MODEL, usage}}};
  const delta = {type: 'stream_event', event: {type: 'message_delta', usage: {...usage, output_tokens: output}}};
  return ends ? [start, delta] : [start];
}

function resultLine({input, output, written}: Tokens, costUSD: number) {
  const usage = {
    inputTokens: input,
    outputTokens: output,
    cacheReadInputTokens: 0,
    cacheCreationInputTokens: written,
    costUSD,
    costBasis: 'list',
  };
  return {type: 'result', model_usage_since_last_result: {[MODEL]: usage}};
}

it('adds an answer that broke off and that claude has forgotten', () => {
  const spending = claudeSpending({});
  for (const line of answer({input: 8, output: 1, written: 1000}, {ends: false})) spending.add(line);
  for (const line of answer({input: 8, output: 20, written: 1000}, {ends: true})) spending.add(line);
  const usage = spending.settle(resultLine({input: 8, output: 20, written: 1000}, 0.001358));
  expect(usage).toMatchObject({inputTokens: 16, outputTokens: 21, cacheWriteTokens: 2000});
  expect(usage.usd).toBeCloseTo(0.001358 + 0.000008 + 0.000005 + 0.00125, 9);
});

it('takes back words of an answer that broke off and that claude has counted twice', () => {
  const spending = claudeSpending({});
  for (const line of answer({input: 8, output: 20, written: 0}, {ends: true})) spending.add(line);
  const usage = spending.settle(resultLine({input: 8, output: 45, written: 0}, 0.000233));
  expect(usage).toMatchObject({outputTokens: 20});
  expect(usage.usd).toBeCloseTo(0.000108, 9);
});

it('believes claude where not everything has gone by', () => {
  const spending = claudeSpending({});
  for (const line of answer({input: 8, output: 20, written: 0}, {ends: true})) spending.add(line);
  const usage = spending.settle(resultLine({input: 500, output: 90, written: 0}, 0.00095));
  expect(usage).toMatchObject({inputTokens: 500, outputTokens: 90, usd: 0.00095});
});

it('knows what was billed though claude tells of nothing', () => {
  const spending = claudeSpending({});
  for (const line of answer({input: 8, output: 1, written: 0}, {ends: false})) spending.add(line);
  const usage = spending.settle({type: 'result', model_usage_since_last_result: {}});
  expect(usage).toMatchObject({inputTokens: 8, outputTokens: 1, usd: 0.000013});
});

it('counts an answer that comes whole, once, and none that has been streamed', () => {
  const spending = claudeSpending({});
  const usage = {input_tokens: 8, output_tokens: 20, cache_creation_input_tokens: 0, cache_read_input_tokens: 0};
  const whole = {type: 'assistant', message: {id: 'm1', model: MODEL, stop_reason: 'tool_use', usage}};
  spending.addWhole(whole);
  spending.addWhole(whole);
  for (const line of answer({input: 8, output: 30, written: 0}, {ends: true})) spending.add(line);
  spending.addWhole({type: 'assistant', message: {id: 'm2', model: MODEL, stop_reason: null, usage}});
  expect(spending.total()).toMatchObject({inputTokens: 16, outputTokens: 50});
});
