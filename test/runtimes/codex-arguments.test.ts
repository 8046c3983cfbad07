import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import type {AgentRequest} from '../../src/runtimes/agent-runtime.ts';
import {codexRuntime} from '../../src/runtimes/codex.ts';
import {requestIn, temporaryFolder} from './run-agent.ts';

function begun(request: Partial<AgentRequest> = {}) {
  const cwd = request.cwd ?? temporaryFolder('work');
  const env = {CODEX_HOME: temporaryFolder('codex'), ...request.env};
  return codexRuntime({prices: {}}).begin(requestIn(cwd, {...request, env}), {
    activity: () => undefined,
    send: () => undefined,
    done: () => undefined,
  });
}

test('commands run in its sandbox, without the network', () => {
  const {args} = begun();
  expect(args).toContain('workspace-write');
  expect(args).toContain('sandbox_workspace_write.network_access=false');
  expect(args).toContain('web_search="disabled"');
});

test('what is allowed opens the network, and nothing else', () => {
  const {args} = begun({allow: ['all']});
  expect(args).toContain('workspace-write');
  expect(args).toContain('sandbox_workspace_write.network_access=true');
});

test('one who must change nothing has a sandbox to read in', () => {
  expect(begun({readOnly: true, allow: ['all']}).args).toContain('read-only');
});

test('tool servers of the user and of the project are turned off by their names', () => {
  const cwd = temporaryFolder('work');
  const home = temporaryFolder('codex');
  mkdirSync(join(cwd, '.codex'));
  writeFileSync(
    join(home, 'config.toml'),
    'model = "x"\n[mcp_servers.files]\ncommand = "a"\n[mcp_servers.files.env]\nA = "1"\n',
  );
  writeFileSync(join(cwd, '.codex', 'config.toml'), '[mcp_servers.web]\ncommand = "b"\n');
  const off = (allow: readonly string[]) =>
    begun({cwd, allow, env: {CODEX_HOME: home}}).args.filter(arg => arg.startsWith('mcp_servers.'));
  expect(off([])).toEqual(['mcp_servers.files.enabled=false', 'mcp_servers.web.enabled=false']);
  expect(off(['mcp'])).toEqual([]);
});

test('a session that was not recorded here is not asked for', () => {
  expect(begun({resume: '01a1f7dd-d3fa-7dc0-a6fa-032b98793502'}).args).not.toContain('resume');
});

test('a key is passed on under the name that it listens to, unless somebody has logged in', () => {
  expect(begun({env: {OPENAI_API_KEY: 'key'}}).env).toEqual({CODEX_API_KEY: 'key'});
  const home = temporaryFolder('codex');
  writeFileSync(join(home, 'auth.json'), '{}');
  expect(begun({env: {OPENAI_API_KEY: 'key', CODEX_HOME: home}}).env).toEqual({});
});
