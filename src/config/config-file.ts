import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import type * as Yaml from 'yaml';
import {fail, ok, type Result} from '../base/result.ts';
import {similarTo} from '../base/similar.ts';
import type {Failure, PlanProblem} from '../model/failure.ts';
import {parseSetting, SETTING_KINDS, SETTING_NAMES, settingOfKey} from './setting-kinds.ts';
import type {Settings} from './settings.ts';

/** What one file says, with the place of each value as `file:line`. */
export type FileSettings = ReadonlyMap<keyof Settings, {readonly value: number | null; readonly place: string}>;

/** More than anybody writes by hand. */
const MAX_BYTES = 1024 * 1024;

/** Reads a config file; a file that is not there says nothing. All its problems are reported together. */
export function readConfigFile(file: string): Result<FileSettings, Failure> {
  const text = readText(file);
  if (!text.ok) return text;
  if (text.value === null || text.value.trim() === '') return ok(new Map());
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
  const placeOf = (offset: number) => {
    const {line, col} = lines.linePos(offset);
    return {line, column: col};
  };
  if (document.errors.length > 0) {
    return fail(
      invalid(
        file,
        document.errors.map(error => ({message: error.message, ...placeOf(error.pos[0])})),
      ),
    );
  }
  if (document.contents === null) return ok(new Map());
  if (!yaml.isMap(document.contents)) {
    const hint = 'Write one setting a line, for example `max-agents: 50`.';
    return fail(invalid(file, [{message: 'a map of settings is expected', hint, line: 1, column: 1}]));
  }
  const problems: PlanProblem[] = [];
  const settings = new Map<keyof Settings, {value: number | null; place: string}>();
  for (const pair of document.contents.items) {
    const keyAt = placeOf(offsetOf(pair.key));
    const key = yaml.isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
    const name = settingOfKey(key);
    if (name === undefined) {
      problems.push({message: `unknown setting "${key}"`, hint: hintFor(key), ...keyAt});
      continue;
    }
    const value = parseSetting(SETTING_KINDS[name], yaml.isScalar(pair.value) ? pair.value.value : pair.value);
    if (value.ok) settings.set(name, {value: value.value, place: `${file}:${keyAt.line}`});
    else problems.push({message: value.message, hint: value.hint, ...placeOf(offsetOf(pair.value ?? pair.key))});
  }
  return problems.length > 0 ? fail(invalid(file, problems)) : ok(settings);
}

function offsetOf(node: unknown): number {
  const range = (node as {range?: readonly number[] | null} | null)?.range;
  return range?.[0] ?? 0;
}

function invalid(file: string, problems: readonly PlanProblem[]): Failure {
  return {reason: 'config-invalid', file, problems};
}

/** What somebody may have meant by an unknown setting. */
export function hintFor(key: string): string {
  const keys = SETTING_NAMES.map(name => SETTING_KINDS[name].key);
  const [nearest] = similarTo(key, keys);
  return nearest === undefined ? `Known settings: ${keys.join(', ')}.` : `Did you mean "${nearest}"?`;
}
