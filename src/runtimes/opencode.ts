import {existsSync} from 'node:fs';
import {homedir} from 'node:os';
import {join} from 'node:path';
import type {AgentSettings} from '../model/agent-settings.ts';
import type {AgentRequest, AgentRun, AgentRuntime, Environment} from './agent-runtime.ts';
import {type Allowances, allowances} from './allow.ts';
import {type Login, detectProgram} from './detect-program.ts';
import {listField} from './json-field.ts';
import {objectOf} from './json-lines.ts';
import {opencodeOutput} from './opencode-output.ts';
import {opencodePermissions} from './opencode-permissions.ts';
import {readJsonFile} from './read-json-file.ts';
import {MEMORY_BYTES} from './memory.ts';

const KEYS = ['ANTHROPIC_API_KEY', 'OPENAI_API_KEY', 'GEMINI_API_KEY', 'OPENROUTER_API_KEY', 'OPENCODE_API_KEY'];
const GUIDES = ['AGENTS.md', 'CLAUDE.md'];

/** opencode, headless: one process for each prompt, which it reads from standard input. */
export function opencodeRuntime({prices}: Pick<AgentSettings, 'prices'>): AgentRuntime {
  return {
    name: 'opencode',
    secrets: KEYS,
    memoryBytes: MEMORY_BYTES.opencode,
    detect: env =>
      detectProgram({program: 'opencode', env, oldest: '1.18.0', hint: 'npm install -g opencode-ai'}, () =>
        Promise.resolve(loginOf(env)),
      ),
    begin(request, events): AgentRun {
      return {
        file: 'opencode',
        args: argumentsOf(request),
        env: opencodeEnvironment(request, allowances(request.allow)),
        stdin: {all: request.prompt},
        ...opencodeOutput({model: request.model, cwd: request.cwd, prices, events}),
      };
    },
  };
}

/** Its permissions, and nothing of the settings in the repository: they could start programs and change the permissions. */
export function opencodeEnvironment(
  {cwd, env, readOnly}: Pick<AgentRequest, 'cwd' | 'env' | 'readOnly'>,
  allowed: Allowances,
): Environment {
  const shared = {
    OPENCODE_PERMISSION: JSON.stringify(opencodePermissions(allowed, readOnly)),
    OPENCODE_DISABLE_AUTOUPDATE: '1',
  };
  if (allowed.mcp) return shared;
  return {...shared, OPENCODE_DISABLE_PROJECT_CONFIG: '1', OPENCODE_CONFIG_CONTENT: withGuides(cwd, env)};
}

/** Without the repository's settings it would not look for its instructions either. */
function withGuides(cwd: string, env: Environment): string {
  const own = objectOf(env['OPENCODE_CONFIG_CONTENT'] ?? '') ?? {};
  const guide = GUIDES.map(name => join(cwd, name)).find(file => existsSync(file));
  const instructions = [...listField(own, 'instructions'), ...(guide === undefined ? [] : [guide])];
  return JSON.stringify({...own, instructions});
}

function argumentsOf({model, resume}: AgentRequest): string[] {
  return [
    ...['run', '--format', 'json'],
    // What it does about limits of the provider is to be seen in its log only.
    ...['--print-logs', '--log-level', 'ERROR'],
    // Without a title it has a model make one, and does not say what that has cost.
    ...(resume === null ? ['--title', 'godel'] : ['--session', resume]),
    ...(model === null ? [] : ['-m', model]),
  ];
}

/** Where its credentials come from, found out without starting it. */
function loginOf(env: Environment): Login {
  const data = env['XDG_DATA_HOME'] ?? join(env['HOME'] ?? homedir(), '.local', 'share');
  const file = join(data, 'opencode', 'auth.json');
  if (Object.keys(readJsonFile(file) ?? {}).length > 0) return {login: 'yes', loginDetail: `by ${file}`};
  const key = KEYS.find(name => (env[name] ?? '') !== '');
  if (key !== undefined) return {login: 'yes', loginDetail: `by ${key}`};
  return {login: 'unknown', loginDetail: 'perhaps by its opencode.json; otherwise run `opencode auth login`'};
}
