import {existsSync, readFileSync, readdirSync} from 'node:fs';
import {join} from 'node:path';
import type {Environment} from './agent-runtime.ts';
import {field} from './json-field.ts';
import {readJsonFile} from './read-json-file.ts';
import {realPath} from './real-path.ts';

const GUIDES = ['CLAUDE.md', '.claude/CLAUDE.md', 'AGENTS.md'];
/** One argument may have 128 KiB; a guide beyond this is only pointed at. */
const MAX_GUIDE_BYTES = 32 * 1024;

/** Where it keeps credentials and sessions. */
export function claudeFolder(env: Environment): string {
  return env['CLAUDE_CONFIG_DIR'] ?? join(env['HOME'] ?? '/', '.claude');
}

/** Whether a conversation can be gone on with in this folder: it finds them by the folder they were held in. */
export function hasClaudeSession(id: string, cwd: string, env: Environment): boolean {
  if (!/^[0-9a-f-]{36}$/i.test(id)) return false;
  const projects = join(claudeFolder(env), 'projects');
  return foldersIn(projects)
    .map(name => join(projects, name, `${id}.jsonl`))
    .some(file => existsSync(file) && heldIn(file, cwd));
}

function heldIn(sessionFile: string, cwd: string): boolean {
  const text = readFileSync(sessionFile, 'utf8');
  return [cwd, realPath(cwd)].some(folder => text.includes(`"cwd":${JSON.stringify(folder)}`));
}

/** The guide of a repository for agents, which it does not read by itself without the repository's settings. */
export function projectGuide(cwd: string): string | null {
  const name = GUIDES.find(guide => existsSync(join(cwd, guide)));
  if (name === undefined) return null;
  try {
    const text = readFileSync(join(cwd, name), 'utf8');
    if (Buffer.byteLength(text) > MAX_GUIDE_BYTES) return `Read ${name} first: it says how to work in this repository.`;
    return `What ${name} of this repository says:\n\n${text.replaceAll('\0', '')}`;
  } catch {
    // A folder of that name, or not ours to read: then there is no guide.
    return null;
  }
}

/** The tool servers of the user and of the repository. */
export function mcpServers(cwd: string, env: Environment): {names: readonly string[]; projectFile: readonly string[]} {
  const own = join(env['CLAUDE_CONFIG_DIR'] ?? env['HOME'] ?? '/', '.claude.json');
  const project = join(cwd, '.mcp.json');
  const names = [own, project].flatMap(file => Object.keys(field(readJsonFile(file) ?? {}, 'mcpServers') ?? {}));
  return {names: [...new Set(names)], projectFile: existsSync(project) ? [project] : []};
}

function foldersIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    // It has never held a conversation here.
    return [];
  }
}
