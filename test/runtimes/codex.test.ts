import {describe} from 'vitest';
import {codexRuntime} from '../../src/runtimes/codex.ts';
import {conformance} from './conformance.ts';

describe('codex', () => {
  conformance({
    runtime: codexRuntime({prices: {}}),
    program: 'codex',
    env: home => ({CODEX_HOME: home}),
    model: 'gpt-5-mini',
    tells: {edits: true, sessions: true, retries: true, denials: true, noise: false},
    usage: {usd: 0.00006625, inputTokens: 100, outputTokens: 20, cacheReadTokens: 50, cacheWriteTokens: 0},
    requestsOfEdit: 2,
    tellsBeforeEnd: true,
  });
});
