import {describe} from 'vitest';
import type {CustomRuntime} from '../../src/model/agent-settings.ts';
import {customRuntime} from '../../src/runtimes/custom.ts';
import {type Subject, conformance} from './conformance.ts';

const FIELDS = {
  text: 'reply.text',
  session: 'conversation',
  inputTokens: 'usage.input',
  outputTokens: 'usage.output',
  usd: 'usage.cost',
  error: 'error.message',
};
const USED = {usd: 0.0002, inputTokens: 100, outputTokens: 20, cacheReadTokens: null, cacheWriteTokens: null};
const UNKNOWN = {usd: null, inputTokens: null, outputTokens: null, cacheReadTokens: null, cacheWriteTokens: null};

function subject(custom: Partial<CustomRuntime>, tells: Partial<Subject['tells']>): Subject {
  const runtime: CustomRuntime = {
    name: 'homemade',
    command: ['homemade', '--model', '{model}', '--session', '{session}', '{prompt}'],
    promptBy: 'argument',
    output: 'text',
    fields: {},
    secrets: ['HOME_KEY'],
    provider: null,
    memoryBytes: null,
    ...custom,
  };
  return {
    runtime: customRuntime(runtime, {prices: {}}),
    program: 'homemade',
    model: 'small',
    tells: {edits: false, sessions: false, retries: false, denials: false, noise: false, ...tells},
    usage: runtime.output === 'text' ? UNKNOWN : USED,
    requestsOfEdit: 1,
    tellsBeforeEnd: false,
  };
}

describe('custom, text, prompt as argument', () => {
  conformance(subject({}, {}));
});

describe('custom, json, prompt on standard input', () => {
  const command = ['homemade', '--json', '--session', '{session}'];
  conformance(subject({command, promptBy: 'stdin', output: 'json', fields: FIELDS}, {sessions: true}));
});

describe('custom, json-lines, prompt as argument', () => {
  const command = ['homemade', '--lines', '--session', '{session}', '{prompt}'];
  conformance(subject({command, output: 'json-lines', fields: FIELDS}, {sessions: true, noise: true}));
});
