import {join} from 'node:path';
import {describe} from 'vitest';
import {acpRuntime} from '../../src/runtimes/acp.ts';
import {conformance} from './conformance.ts';

describe('acp', () => {
  conformance({
    runtime: acpRuntime({
      name: 'fake-agent',
      command: ['acp-agent', '--in', '{cwd}'],
      secrets: ['FAKE_KEY'],
      memoryBytes: null,
      prices: {},
    }),
    program: 'acp-agent',
    env: () => ({GODEL_FAKE_AGENT: join(import.meta.dirname, 'fakes', 'acp', 'agent.mjs')}),
    model: 'small',
    tells: {edits: true, sessions: true, retries: false, denials: true, noise: true},
    usage: {usd: 0.0002175, inputTokens: 100, outputTokens: 20, cacheReadTokens: 50, cacheWriteTokens: 10},
    requestsOfEdit: 2,
    tellsBeforeEnd: false,
  });
});
