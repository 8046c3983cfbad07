import {expect, it} from 'vitest';
import {piOutput} from '../../src/runtimes/pi-output.ts';

const USAGE = {input: 8, output: 1, cacheRead: 20, cacheWrite: 300, cost: {total: 0.0004}};

function assistant(type: string, usage: object): string {
  return `${JSON.stringify({type, message: {role: 'assistant', provider: 'p', model: 'm', content: [], usage}})}\n`;
}

it('counts what an answer was billed when it began, though it never ends', () => {
  const output = piOutput({cwd: '/', prices: {}, events: {activity: () => undefined}});
  output.stdout(Buffer.from(assistant('message_start', USAGE)));
  const {usage} = output.ended({exitCode: null, signal: 'SIGKILL'});
  expect(usage).toEqual({usd: 0.0004, inputTokens: 8, outputTokens: 1, cacheReadTokens: 20, cacheWriteTokens: 300});
});

it('counts an answer that ends only once', () => {
  const output = piOutput({cwd: '/', prices: {}, events: {activity: () => undefined}});
  output.stdout(Buffer.from(assistant('message_start', USAGE) + assistant('message_end', {...USAGE, output: 5})));
  expect(output.ended({exitCode: 0, signal: null}).usage).toMatchObject({usd: 0.0004, inputTokens: 8, outputTokens: 5});
});
