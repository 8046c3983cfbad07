import {chmodSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {NO_AGENT_SETTINGS} from '../../src/model/agent-settings.ts';
import {parseAllowance} from '../../src/runtimes/allow.ts';
import {customRuntime} from '../../src/runtimes/custom.ts';
import {PRICES_AS_OF} from '../../src/runtimes/prices.ts';
import {runtimeNames} from '../../src/runtimes/registry.ts';
import {codeBlocks, pages} from '../docs/pages.ts';
import {requestIn, runAgent, temporaryFolder} from './run-agent.ts';

const page = pages().find(({path}) => path === 'docs/runtimes.md');
const text = page?.text ?? '';

test('the page has every runtime, and the day of the prices', () => {
  for (const name of runtimeNames(NO_AGENT_SETTINGS)) expect(text).toContain(`| \`${name}\``);
  expect(text).toContain(PRICES_AS_OF);
});

test('the permissions on the page are those that there are', () => {
  const named = [...text.matchAll(/^\| `([a-zA-Z:-]+)` +\| /gm)].map(([, name = '']) => name);
  const permissions = named.filter(name => !runtimeNames(NO_AGENT_SETTINGS).includes(name) && name !== '--allow');
  expect(permissions).toHaveLength(8);
  for (const name of permissions) expect(parseAllowance(name)).toMatchObject({ok: true});
});

test('the agent on the page works as it says', async () => {
  const script = codeBlocks(page ?? {path: '', text: ''}).find(({code}) => code.startsWith('#!/bin/sh'))?.code ?? '';
  const folder = temporaryFolder('own');
  writeFileSync(join(folder, 'my-agent'), script);
  chmodSync(join(folder, 'my-agent'), 0o755);
  const fields = {text: 'reply', session: 'conversation', inputTokens: 'used.in', outputTokens: 'used.out'};
  const runtime = customRuntime(
    {
      name: 'my-agent',
      command: ['my-agent', '--model', '{model}', '--session', '{session}'],
      promptBy: 'stdin',
      output: 'json-lines',
      fields,
      secrets: [],
      provider: null,
      memoryBytes: null,
    },
    {prices: {'my-agent/small': {input: 0.5, output: 2, cacheRead: 0.5, cacheWrite: 0.5}}},
  );
  const cwd = temporaryFolder('work');
  const env = {PATH: `${folder}:${process.env['PATH'] ?? ''}`};
  const {run, result, activities} = await runAgent(runtime, requestIn(cwd, {env, prompt: 'Hello.', model: 'small'}));
  expect(run.args).toEqual(['--model', 'small']);
  expect(result).toMatchObject({result: {ok: true}, text: 'Written down.'});
  expect(result.usage).toMatchObject({inputTokens: 1200, outputTokens: 80, usd: (1200 * 0.5 + 80 * 2) / 1e6});
  expect(activities).toContainEqual({kind: 'session', id: 'c-1'});
  expect(readFileSync(join(cwd, 'notes.txt'), 'utf8')).toBe('Hello.\n');
});
