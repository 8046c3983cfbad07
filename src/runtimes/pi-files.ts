import {existsSync, readFileSync, readdirSync} from 'node:fs';
import {join} from 'node:path';
import type {Environment} from './agent-runtime.ts';
import type {Login} from './detect-program.ts';
import {field, textField} from './json-field.ts';
import {objectOf} from './json-lines.ts';
import {readJsonFile} from './read-json-file.ts';
import {realPath} from './real-path.ts';

/** The providers' keys that it takes from the environment. */
export const PI_KEYS: readonly string[] = [
  'ANTHROPIC_API_KEY',
  'ANTHROPIC_OAUTH_TOKEN',
  'OPENAI_API_KEY',
  'GEMINI_API_KEY',
  'AZURE_OPENAI_API_KEY',
  'AWS_BEARER_TOKEN_BEDROCK',
  'DEEPSEEK_API_KEY',
  'GROQ_API_KEY',
  'CEREBRAS_API_KEY',
  'XAI_API_KEY',
  'FIREWORKS_API_KEY',
  'TOGETHER_API_KEY',
  'OPENROUTER_API_KEY',
  'AI_GATEWAY_API_KEY',
  'ZAI_API_KEY',
  'MISTRAL_API_KEY',
  'MINIMAX_API_KEY',
  'MOONSHOT_API_KEY',
  'OPENCODE_API_KEY',
  'KIMI_API_KEY',
];

/** The file of a conversation that was held in this folder; null: it must begin anew. Elsewhere it would work elsewhere. */
export function piSessionFile(id: string, cwd: string, env: Environment): string | null {
  if (!/^[0-9a-f-]{36}$/i.test(id)) return null;
  const fixed = env['PI_CODING_AGENT_SESSION_DIR'];
  const sessions = fixed ?? join(piFolder(env), 'sessions');
  const folders = fixed === undefined ? namesIn(sessions).map(name => join(sessions, name)) : [sessions];
  for (const folder of folders) {
    const name = namesIn(folder).find(file => file.endsWith(`_${id}.jsonl`));
    if (name !== undefined && [cwd, realPath(cwd)].includes(heldIn(join(folder, name)) ?? ''))
      return join(folder, name);
  }
  return null;
}

export function piLogin(env: Environment): Promise<Login> {
  return Promise.resolve(loginOf(env));
}

function loginOf(env: Environment): Login {
  const auth = join(piFolder(env), 'auth.json');
  const known = Object.keys(readJsonFile(auth) ?? {});
  if (known.length > 0) return {login: 'yes', loginDetail: `by ${auth} (${known.join(', ')})`};
  const keys = PI_KEYS.filter(key => (env[key] ?? '') !== '');
  if (keys.length > 0) return {login: 'yes', loginDetail: `by ${keys.join(', ')}`};
  const models = join(piFolder(env), 'models.json');
  const providers = field(readJsonFile(models) ?? {}, 'providers') ?? {};
  const own = Object.keys(providers).filter(name => textField(providers, name, 'apiKey') !== null);
  if (own.length > 0) return {login: 'yes', loginDetail: `by ${models} (${own.join(', ')})`};
  return {login: 'no', loginDetail: 'set the key of a provider, for example ANTHROPIC_API_KEY, or run `pi` and /login'};
}

function piFolder(env: Environment): string {
  const own = env['PI_CODING_AGENT_DIR'];
  const home = env['HOME'] ?? '/';
  if (own === undefined) return join(home, '.pi', 'agent');
  return own === '~' || own.startsWith('~/') ? home + own.slice(1) : own;
}

/** The folder that the first line of a session names. */
function heldIn(sessionFile: string): string | null {
  if (!existsSync(sessionFile)) return null;
  const [header = ''] = readFileSync(sessionFile, 'utf8').split('\n', 1);
  return textField(objectOf(header) ?? {}, 'cwd');
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    // It has never held a conversation.
    return [];
  }
}
