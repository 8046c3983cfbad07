import {describe} from 'vitest';
import {opencodeRuntime} from '../../src/runtimes/opencode.ts';
import {conformance} from './conformance.ts';

describe('opencode', () => {
  conformance({
    runtime: opencodeRuntime({prices: {}}),
    program: 'opencode',
    model: 'anthropic/claude-haiku-4-5',
    tells: {edits: true, sessions: true, retries: true, denials: true, noise: true},
    usage: {usd: 0.0002175, inputTokens: 100, outputTokens: 20, cacheReadTokens: 50, cacheWriteTokens: 10},
    requestsOfEdit: 2,
    tellsBeforeEnd: true,
  });
});
