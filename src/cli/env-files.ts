import {closeSync, fstatSync, openSync, readSync} from 'node:fs';
import path from 'node:path';
import {parseEnv} from 'node:util';
import {GodelError} from '../model/failure.ts';

const MAX_BYTES = 1024 * 1024;
const MAX_VALUE_BYTES = 100 * 1024;
const LINE = /^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*(.*)$/;

/** The variables of the plan's env files; a later file wins. Paths are relative to the folder of the plan. */
export function readEnvFiles(files: readonly string[], folder: string): Readonly<Record<string, string>> {
  const env: Record<string, string> = {};
  for (const file of files) Object.assign(env, variablesOf(file, readText(file, path.resolve(folder, file))));
  return env;
}

function variablesOf(file: string, text: string): Readonly<Record<string, string>> {
  const lines = checkLines(file, text);
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(parseEnv(text))) {
    if (value === undefined) continue;
    if (Buffer.byteLength(value) > MAX_VALUE_BYTES) {
      throw wrong(`${file}:${lines.get(name) ?? 1}`, `the value of ${name} has more than 100 KiB`);
    }
    variables[name] = value;
  }
  return variables;
}

/** Where each variable stands. Node's own parser takes any line for something, so what is no assignment is refused first. */
function checkLines(file: string, text: string): ReadonlyMap<string, number> {
  const lineOf = new Map<string, number>();
  const lines = text.split('\n');
  for (let index = 0; index < lines.length; index++) {
    const line = (lines[index] ?? '').replace(/\r$/, '');
    if (/^\s*(#|$)/.test(line)) continue;
    const place = `${file}:${index + 1}`;
    const [, name, value = ''] = LINE.exec(line) ?? [];
    if (name === undefined) throw wrong(place, 'this is not NAME=value', 'A comment begins with #.');
    if (name.startsWith('GODEL_')) throw wrong(place, `${name}: names that begin with GODEL_ are reserved`);
    lineOf.set(name, index + 1);
    const [quote = ''] = /^["'`]/.exec(value) ?? [];
    if (quote === '') {
      if (/[^\s]#/.test(value)) {
        throw wrong(place, `the value of ${name} has a # and no quotes, so it would end there`, 'Put it in quotes.');
      }
      continue;
    }
    index = endOfQuote(lines, {from: index, quote, value});
    if (index === -1) throw wrong(place, `the quote ${quote} of ${name} is not closed`);
  }
  return lineOf;
}

/** The line in which a quoted value ends; -1 when it does not. */
function endOfQuote(
  lines: readonly string[],
  {from, quote, value}: {from: number; quote: string; value: string},
): number {
  if (value.includes(quote, 1)) return from;
  return lines.findIndex((line, index) => index > from && line.includes(quote));
}

function readText(file: string, resolved: string): string {
  let descriptor: number;
  try {
    descriptor = openSync(resolved, 'r');
  } catch (error) {
    throw unreadable(file, error);
  }
  try {
    if (fstatSync(descriptor).isDirectory()) throw wrong(file, 'the env file is a folder');
    // One byte more than fits, so that too much is noticed also where no size is known.
    const bytes = Buffer.alloc(MAX_BYTES + 1);
    let size = 0;
    for (let length = -1; length !== 0 && size < bytes.length; size += length) {
      length = readSync(descriptor, bytes, size, bytes.length - size, null);
    }
    if (size > MAX_BYTES) throw wrong(file, 'the env file is larger than 1 MiB');
    const text = bytes.toString('utf8', 0, size).replace(/^\uFEFF/, '');
    if (text.includes('\0')) throw wrong(file, 'the env file is not text: it has a NUL byte');
    return text;
  } finally {
    closeSync(descriptor);
  }
}

function unreadable(file: string, error: unknown): GodelError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ENOENT') {
    return wrong(file, 'the env file of the plan does not exist', 'Make it, or remove `env-file` from the plan.');
  }
  return wrong(file, `the env file cannot be read: ${error instanceof Error ? error.message : String(error)}`);
}

function wrong(place: string, what: string, hint?: string): GodelError {
  return new GodelError({reason: 'usage', message: `${place}: ${what}`, ...(hint === undefined ? {} : {hint})});
}
