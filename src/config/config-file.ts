import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import type * as Yaml from 'yaml';
import {fail, ok, type Result} from '../base/result.ts';
import {similarTo} from '../base/similar.ts';
import type {Failure, PlanProblem} from '../model/failure.ts';
import {type AgentSections, NO_SECTIONS, readAgentSections, SECTION_NAMES} from './agent-sections.ts';
import {ConfigNodes, type Placed} from './config-nodes.ts';
import {parseSetting, SETTING_KINDS, SETTING_NAMES, settingOfKey, type SettingValue} from './setting-kinds.ts';
import type {Settings} from './settings.ts';

/** What is set, with its place as `file:line` or the like. */
export type FlatSettings = ReadonlyMap<keyof Settings, Placed<SettingValue>>;

/** What one file says. */
export interface FileSettings {
  readonly flat: FlatSettings;
  readonly agents: AgentSections;
}

const NOTHING: FileSettings = {flat: new Map(), agents: NO_SECTIONS};

/** More than anybody writes by hand. */
const MAX_BYTES = 1024 * 1024;

/** Reads a config file; a file that is not there says nothing. All its problems are reported together. */
export function readConfigFile(file: string): Result<FileSettings, Failure> {
  const text = readText(file);
  if (!text.ok) return text;
  if (text.value === null || text.value.trim() === '') return ok(NOTHING);
  // Loaded only when there is a file to read: the YAML parser is a noticeable part of a short command's time.
  const yaml = createRequire(import.meta.url)('yaml') as typeof Yaml;
  return readDocument(file, text.value, yaml);
}

function readText(file: string): Result<string | null, Failure> {
  try {
    const bytes = readFileSync(file);
    if (bytes.length > MAX_BYTES) return fail(invalid(file, [{message: `larger than ${MAX_BYTES} bytes`}]));
    return ok(bytes.toString('utf8'));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return ok(null);
    const hint = code === 'EISDIR' ? 'It is a folder; a file is expected there.' : 'Make it readable, or remove it.';
    return fail(invalid(file, [{message: `cannot be read (${code})`, hint}]));
  }
}

function readDocument(file: string, text: string, yaml: typeof Yaml): Result<FileSettings, Failure> {
  const lines = new yaml.LineCounter();
  const document = yaml.parseDocument(text, {lineCounter: lines, prettyErrors: false, uniqueKeys: true});
  if (document.errors.length > 0) {
    const problems = document.errors.map(error => {
      const {line, col} = lines.linePos(error.pos[0]);
      return {message: error.message, line, column: col};
    });
    return fail(invalid(file, problems));
  }
  if (document.contents === null) return ok(NOTHING);
  const nodes = new ConfigNodes({file, yaml, lines});
  const entries = nodes.entries(
    document.contents,
    'a map of settings',
    'Write one setting a line, for example `max-agents: 50`.',
  );
  const flat = new Map<keyof Settings, Placed<SettingValue>>();
  for (const entry of entries) {
    if (SECTION_NAMES.some(name => name === entry.key)) continue;
    const name = settingOfKey(entry.key);
    if (name === undefined) {
      nodes.report(entry.keyNode, `unknown setting "${entry.key}"`, hintFor(entry.key));
      continue;
    }
    const value = parseSetting(SETTING_KINDS[name], nodes.valueOf(entry.value));
    if (value.ok) flat.set(name, {value: value.value, place: nodes.placeOf(entry.keyNode)});
    else nodes.report(entry.value ?? entry.keyNode, value.message, value.hint);
  }
  const agents = readAgentSections(nodes, entries);
  return nodes.problems.length > 0 ? fail(invalid(file, inOrder(nodes.problems))) : ok({flat, agents});
}

function inOrder(problems: readonly PlanProblem[]): readonly PlanProblem[] {
  return [...problems].sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
}

function invalid(file: string, problems: readonly PlanProblem[]): Failure {
  return {reason: 'config-invalid', file, problems};
}

/** What somebody may have meant by an unknown setting. */
export function hintFor(key: string): string {
  const keys = [...SETTING_NAMES.map(name => SETTING_KINDS[name].key), ...SECTION_NAMES];
  const [nearest] = similarTo(key, keys);
  return nearest === undefined ? `Known settings: ${keys.join(', ')}.` : `Did you mean "${nearest}"?`;
}
