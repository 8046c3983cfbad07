import {describe} from 'vitest';
import {claudeRuntime} from '../../src/runtimes/claude.ts';
import {conformance} from './conformance.ts';

describe('claude', () => {
  conformance({
    runtime: claudeRuntime({prices: {}}),
    program: 'claude',
    env: home => ({CLAUDE_CONFIG_DIR: home}),
    model: 'claude-haiku-4-5',
    tells: {edits: true, sessions: true, retries: true, denials: true, noise: true},
    usage: {usd: 0.0002175, inputTokens: 100, outputTokens: 20, cacheReadTokens: 50, cacheWriteTokens: 10},
    requestsOfEdit: 2,
    tellsBeforeEnd: true,
  });
});
