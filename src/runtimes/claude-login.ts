import {existsSync} from 'node:fs';
import {join} from 'node:path';
import type {Environment} from './agent-runtime.ts';
import {claudeFolder} from './claude-files.ts';
import type {Login} from './detect-program.ts';
import {textField} from './json-field.ts';
import {readJsonFile} from './read-json-file.ts';

const KEYS = ['ANTHROPIC_API_KEY', 'ANTHROPIC_AUTH_TOKEN', 'CLAUDE_CODE_OAUTH_TOKEN'];
const CLOUDS = ['CLAUDE_CODE_USE_BEDROCK', 'CLAUDE_CODE_USE_VERTEX', 'CLAUDE_CODE_USE_FOUNDRY'];

/** Where its credentials come from, found out without starting it. */
export function claudeLogin(env: Environment, platform: NodeJS.Platform = process.platform): Promise<Login> {
  return Promise.resolve(loginOf(env, platform));
}

function loginOf(env: Environment, platform: NodeJS.Platform): Login {
  const key = KEYS.find(name => isSet(env, name));
  if (key !== undefined) return {login: 'yes', loginDetail: `by ${key}`};
  const cloud = CLOUDS.find(name => isSet(env, name));
  if (cloud !== undefined) return {login: 'unknown', loginDetail: `by the cloud account of ${cloud}`};
  const folder = claudeFolder(env);
  const file = join(folder, '.credentials.json');
  if (existsSync(file)) return {login: 'yes', loginDetail: `by ${file}`};
  if (textField(readJsonFile(join(folder, 'settings.json')) ?? {}, 'apiKeyHelper') !== null) {
    return {login: 'yes', loginDetail: `by apiKeyHelper in ${join(folder, 'settings.json')}`};
  }
  if (platform === 'darwin')
    return {login: 'unknown', loginDetail: 'perhaps in the keychain; run `claude` once to log in'};
  return {login: 'no', loginDetail: 'set ANTHROPIC_API_KEY, or run `claude` and log in with /login'};
}

function isSet(env: Environment, name: string): boolean {
  const value = env[name];
  return value !== undefined && value !== '' && value !== '0';
}
