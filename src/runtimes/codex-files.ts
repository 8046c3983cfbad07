import {readFileSync} from 'node:fs';
import {homedir} from 'node:os';
import {join} from 'node:path';
import type {Environment} from './agent-runtime.ts';

const MAX_SETTINGS = 1024 * 1024;
const SERVER_TABLE = /^\s*\[\s*mcp_servers\s*\.\s*([A-Za-z0-9_-]+)/gm;

/** Where Codex keeps its settings, credentials and sessions. */
export function codexFolder(env: Environment): string {
  const own = env['CODEX_HOME'] ?? '';
  return own === '' ? join(env['HOME'] ?? homedir(), '.codex') : own;
}

/** The tool servers that the user's settings and those of the project name. */
export function mcpServerNames(cwd: string, env: Environment): readonly string[] {
  const files = [join(codexFolder(env), 'config.toml'), join(cwd, '.codex', 'config.toml')];
  const names = files.flatMap(file => [...settingsIn(file).matchAll(SERVER_TABLE)].flatMap(([, name]) => name ?? []));
  return [...new Set(names)];
}

function settingsIn(file: string): string {
  try {
    return readFileSync(file, 'utf8').slice(0, MAX_SETTINGS);
  } catch {
    // No such file: it names no servers.
    return '';
  }
}
