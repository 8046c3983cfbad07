import {closeSync, fstatSync, openSync, readSync, readdirSync} from 'node:fs';
import {join} from 'node:path';
import type {JsonValue} from '../base/json.ts';
import {countField, field} from './json-field.ts';
import {objectOf} from './json-lines.ts';

/** The last count stands close to the end, but the output of a command may stand behind it. */
const TAIL_BYTES = 256 * 1024;
const DAY_MS = 24 * 3600 * 1000;
const UUID_V7 = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Tokens of a whole session; the cached ones are part of `input`, and all reasoning is part of `output`. */
export interface CodexTokens {
  readonly input: number;
  readonly cached: number;
  readonly cacheWritten: number;
  readonly output: number;
}

/** The file in which Codex records a session. It counts tokens there as it goes, which its output does only at the end. */
export interface CodexRollout {
  /** What the session has used so far; null: nothing that can be found. */
  used(): CodexTokens | null;
}

/** The record of a session; null when there is none, and the session cannot be taken up again. */
export function codexRollout(codexFolder: string, session: string): CodexRollout | null {
  const file = daysOf(session)
    .map(day => join(codexFolder, 'sessions', day))
    .map(day => fileIn(day, session))
    .find(found => found !== null);
  return file === undefined ? null : {used: () => lastCount(tailOf(file))};
}

/** Reads the members of a token count, in whichever of its places Codex reports one. */
export function codexTokens(usage: JsonValue | undefined): CodexTokens | null {
  const input = countField(usage, 'input_tokens');
  const output = countField(usage, 'output_tokens');
  // Zero stands there before the first answer.
  if (input === null || output === null || input + output === 0) return null;
  const cached = countField(usage, 'cached_input_tokens') ?? 0;
  return {input, cached, cacheWritten: countField(usage, 'cache_write_input_tokens') ?? 0, output};
}

/** Its folder is named by the day it began, in local time; the id says when that was. */
function daysOf(session: string): readonly string[] {
  const [, high, low] = UUID_V7.exec(session) ?? [];
  if (high === undefined || low === undefined) return [];
  const began = Number.parseInt(high + low, 16);
  return [began, began - DAY_MS, began + DAY_MS].map(ms => {
    const day = new Date(ms);
    return join(String(day.getFullYear()), two(day.getMonth() + 1), two(day.getDate()));
  });
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

function fileIn(day: string, session: string): string | null {
  try {
    const name = readdirSync(day).find(entry => entry.endsWith(`-${session}.jsonl`));
    return name === undefined ? null : join(day, name);
  } catch {
    // Nothing was recorded on that day.
    return null;
  }
}

function tailOf(file: string): string {
  let handle: number | null = null;
  try {
    handle = openSync(file, 'r');
    const size = fstatSync(handle).size;
    const tail = Buffer.alloc(Math.min(size, TAIL_BYTES));
    const read = readSync(handle, tail, 0, tail.length, size - tail.length);
    return tail.subarray(0, read).toString('utf8');
  } catch {
    // Gone in between: then nothing is known.
    return '';
  } finally {
    if (handle !== null) closeSync(handle);
  }
}

function lastCount(tail: string): CodexTokens | null {
  const lines = tail.split('\n').filter(line => line.includes('"token_count"'));
  for (const line of lines.reverse()) {
    const tokens = codexTokens(field(objectOf(line) ?? {}, 'payload', 'info', 'total_token_usage'));
    if (tokens !== null) return tokens;
  }
  return null;
}
