import {expect, test} from 'vitest';
import {type CustomRuntime, NO_AGENT_SETTINGS} from '../../src/model/agent-settings.ts';
import {memoryBytesOf} from '../../src/runtimes/memory.ts';
import {agentRuntime, detectAll, runtimeNames} from '../../src/runtimes/registry.ts';
import {fakeOnPath} from './fake-program.ts';
import {temporaryFolder} from './run-agent.ts';

const CUSTOM: CustomRuntime = {
  name: 'homemade',
  command: ['homemade', '{prompt}'],
  promptBy: 'argument',
  output: 'text',
  fields: {},
  secrets: [],
  provider: null,
  memoryBytes: null,
};
const SETTINGS = {...NO_AGENT_SETTINGS, runtimes: [CUSTOM, {...CUSTOM, name: 'pi', command: ['not-pi']}]};

test('every name has its runtime, and the own ones come last', async () => {
  const names = runtimeNames(SETTINGS);
  expect(names).toEqual(expect.arrayContaining(['claude', 'pi']));
  expect(names.at(-1)).toBe('homemade');
  for (const name of names) expect((await agentRuntime(name, SETTINGS))?.name).toBe(name);
});

test.each(['command', 'nonsense', 'constructor', ''])('%j is no runtime for prompts', async name => {
  expect(await agentRuntime(name, SETTINGS)).toBeNull();
});

test('a runtime of godel keeps its name', async () => {
  const pi = await agentRuntime('pi', SETTINGS);
  expect(pi?.secrets).toContain('ANTHROPIC_API_KEY');
});

test('what is there is told of, with what is missing', async () => {
  const env = {PATH: fakeOnPath('claude'), HOME: temporaryFolder('home'), ANTHROPIC_API_KEY: 'x'};
  const all = new Map((await detectAll(env, SETTINGS)).map(({name, detection}) => [name, detection]));
  expect(all.get('claude')).toMatchObject({found: true, version: '2.1.328', login: 'yes'});
  expect(all.get('pi')).toMatchObject({found: false, hint: expect.stringContaining('npm install') as string});
  expect(all.get('homemade')).toMatchObject({found: false});
});

test('what one takes in memory is known without loading it', async () => {
  const settings = {
    ...NO_AGENT_SETTINGS,
    runtimes: [
      {...CUSTOM, memoryBytes: 5},
      {...CUSTOM, name: 'pi', memoryBytes: 6},
    ],
  };
  for (const name of [...runtimeNames(settings), 'command', 'constructor', '']) {
    expect(memoryBytesOf(name, settings)).toBe((await agentRuntime(name, settings))?.memoryBytes ?? null);
  }
});
