import {describe} from 'vitest';
import {geminiRuntime} from '../../src/runtimes/gemini.ts';
import {conformance} from './conformance.ts';

describe('gemini', () => {
  conformance({
    runtime: geminiRuntime({prices: {}}),
    program: 'gemini',
    model: 'gemini-2.5-flash',
    tells: {edits: true, sessions: true, retries: true, denials: true, noise: true},
    usage: {usd: 0.000094, inputTokens: 100, outputTokens: 25, cacheReadTokens: 50, cacheWriteTokens: null},
    requestsOfEdit: 2,
    tellsBeforeEnd: false,
  });
});
