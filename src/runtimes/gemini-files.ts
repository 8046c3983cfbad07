import {existsSync, readdirSync} from 'node:fs';
import {homedir} from 'node:os';
import {join} from 'node:path';
import type {Environment} from './agent-runtime.ts';
import type {Login} from './detect-program.ts';
import {textField} from './json-field.ts';
import {readJsonFile} from './read-json-file.ts';

/** Whether it has a session that was held in this folder; asked for one that it does not have, it would not start. */
export function hasGeminiSession(session: string, cwd: string, env: Environment): boolean {
  const folder = geminiFolder(env);
  const project = textField(readJsonFile(join(folder, 'projects.json')) ?? {}, 'projects', cwd);
  if (project === null) return false;
  try {
    const end = `-${session.slice(0, 8)}.json`;
    return readdirSync(join(folder, 'tmp', project, 'chats')).some(
      name => name.endsWith(end) || name.endsWith(`${end}l`),
    );
  } catch {
    // No sessions were held here.
    return false;
  }
}

/** Where its credentials come from, found out without starting it. */
export function geminiLogin(env: Environment): Promise<Login> {
  return Promise.resolve(loginOf(env));
}

function loginOf(env: Environment): Login {
  const folder = geminiFolder(env);
  if (isSet(env, 'GEMINI_API_KEY')) return {login: 'yes', loginDetail: 'by GEMINI_API_KEY'};
  if (isSet(env, 'GOOGLE_GENAI_USE_VERTEXAI')) return {login: 'unknown', loginDetail: 'by the account of Vertex AI'};
  const file = join(folder, 'oauth_creds.json');
  if (existsSync(file)) return {login: 'yes', loginDetail: `by ${file}`};
  const settings = readJsonFile(join(folder, 'settings.json')) ?? {};
  const chosen = textField(settings, 'security', 'auth', 'selectedType');
  if (chosen !== null) return {login: 'unknown', loginDetail: `by ${chosen}, as its settings say`};
  return {login: 'no', loginDetail: 'set GEMINI_API_KEY, or run `gemini` and log in'};
}

function geminiFolder(env: Environment): string {
  const own = env['GEMINI_CLI_HOME'] ?? '';
  return join(own === '' ? (env['HOME'] ?? homedir()) : own, '.gemini');
}

function isSet(env: Environment, name: string): boolean {
  const value = env[name];
  return value !== undefined && value !== '' && value !== 'false';
}
