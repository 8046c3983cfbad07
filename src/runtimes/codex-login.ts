import {existsSync} from 'node:fs';
import {join} from 'node:path';
import type {Environment} from './agent-runtime.ts';
import {codexFolder} from './codex-files.ts';
import type {Login} from './detect-program.ts';

/** Whether somebody has logged in with `codex login`. */
export function isLoggedIn(env: Environment): boolean {
  return existsSync(join(codexFolder(env), 'auth.json'));
}

/** Where its credentials come from, found out without starting it. */
export function codexLogin(env: Environment): Promise<Login> {
  return Promise.resolve(loginOf(env));
}

function loginOf(env: Environment): Login {
  if (isLoggedIn(env)) return {login: 'yes', loginDetail: `by ${join(codexFolder(env), 'auth.json')}`};
  const key = ['CODEX_API_KEY', 'OPENAI_API_KEY'].find(name => (env[name] ?? '') !== '');
  if (key !== undefined) return {login: 'yes', loginDetail: `by ${key}`};
  if (existsSync(join(codexFolder(env), 'config.toml'))) {
    return {login: 'unknown', loginDetail: 'perhaps by its config.toml or a keychain; otherwise run `codex login`'};
  }
  return {login: 'no', loginDetail: 'run `codex login`, or set OPENAI_API_KEY'};
}
