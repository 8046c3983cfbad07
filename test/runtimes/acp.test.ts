import {join} from 'node:path';
import {describe, expect, test} from 'vitest';
import {acpRuntime} from '../../src/runtimes/acp.ts';
import type {AgentRequest} from '../../src/runtimes/agent-runtime.ts';
import {conformance} from './conformance.ts';
import {type HowToRun, requestIn, runAgent, temporaryFolder} from './run-agent.ts';

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

describe('acp, besides', () => {
  const AGENT = join(import.meta.dirname, 'fakes', 'acp', 'agent.mjs');
  const fake = (command: readonly string[] = []) =>
    acpRuntime({
      name: 'fake-agent',
      command: [process.execPath, AGENT, ...command],
      secrets: [],
      memoryBytes: null,
      prices: {},
    });
  const act = (what: string, request: Partial<AgentRequest> = {}, how: HowToRun = {}) => {
    const cwd = temporaryFolder('work');
    return runAgent(fake(), requestIn(cwd, {env: {HOME: cwd, GODEL_FAKE: what}, ...request}), how);
  };

  test('the model is chosen in the way that the agent has', async () => {
    expect((await act('model', {model: 'small'})).result.text).toBe('small');
    expect((await act('model')).result.text).toBe('first');
  });

  test('an agent that refuses the model does not work with another', async () => {
    const {result} = await act('edit', {model: 'unknown'});
    expect(result.result).toMatchObject({ok: false, error: {kind: 'crashed'}});
    expect(result.text).toBe('');
  });

  test('a model that the command names is not set again', async () => {
    const cwd = temporaryFolder('work');
    const request = requestIn(cwd, {model: 'unknown', env: {HOME: cwd, GODEL_FAKE: 'environment'}});
    const {run, result} = await runAgent(fake(['--model', '{model}']), request);
    expect(run.args.slice(-2)).toEqual(['--model', 'unknown']);
    expect(result.result).toEqual({ok: true});
  });

  test('an error that was put into a message is no success', async () => {
    const {result} = await act('disguise');
    expect(result.result).toMatchObject({ok: false, error: {kind: 'throttled'}});
  });

  test('a session that the agent does not know is begun anew', async () => {
    const {result, activities} = await act('edit', {resume: 'long-forgotten'});
    expect(result.result).toEqual({ok: true});
    expect(activities).not.toContainEqual({kind: 'session', id: 'long-forgotten'});
  });

  test('an agent that must change nothing is not granted an edit', async () => {
    const {result, activities} = await act('edit', {readOnly: true});
    expect(activities.filter(({kind}) => kind === 'edit')).toEqual([]);
    expect(result.denied).toEqual(['Write made.txt']);
  });

  test('it is asked to stop in its own words', async () => {
    const {result, exit} = await act('wait', {}, {cancelWhen: ({kind}) => kind === 'tool'});
    expect(exit).toEqual({exitCode: 0, signal: null});
    expect(result.result).toMatchObject({ok: false, error: {detail: 'the agent was cancelled'}});
  });
});
