import {closeSync, fstatSync, openSync, readSync} from 'node:fs';
import path from 'node:path';
import {parseEnv} from 'node:util';
import {GodelError} from '../model/failure.ts';

const MAX_BYTES = 1024 * 1024;
const MAX_VALUE_BYTES = 100 * 1024;
const MAX_VARIABLES = 500;
const LINE = /^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*(.*)$/;

/** The variables of the plan's env files; a later file wins. Paths are relative to the folder of the plan. */
export function readEnvFiles(files: readonly string[], folder: string): Readonly<Record<string, string>> {
  const env: Record<string, string> = {};
  for (const file of files) {
    Object.assign(env, variablesOf(file, readText(file, path.resolve(folder, file))));
    const count = Object.keys(env).length;
    if (count > MAX_VARIABLES)
      throw wrong(file, `with this env file there are ${count} variables; at most ${MAX_VARIABLES} fit`);
  }
  return env;
}

/**
 * Node's own parser takes any line for something, and what it does not understand for a part of the next name; so it only
 * gets what is one assignment.
 */
function variablesOf(file: string, text: string): Readonly<Record<string, string>> {
  const variables: Record<string, string> = {};
  const lines = text.split(/\r?\n/);
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? '';
    if (/^\s*(#|$)/.test(line)) continue;
    const place = `${file}:${index + 1}`;
    const {name, written} = assignment(line, place);
    const from = index;
    index = lastLine(lines, {from, written});
    if (index === -1) throw wrong(place, `the quote ${written.charAt(0)} of ${name} is not closed`);
    const value = parseEnv([`${name}=${written}`, ...lines.slice(from + 1, index + 1)].join('\n'))[name] ?? '';
    if (Buffer.byteLength(value) > MAX_VALUE_BYTES) {
      throw wrong(place, `the value of ${name} has more than 100 KiB`);
    }
    variables[name] = value;
  }
  return variables;
}

/** The name in a line and what stands behind its `=`. */
function assignment(line: string, place: string): {readonly name: string; readonly written: string} {
  const [, name, written = ''] = LINE.exec(line) ?? [];
  if (name === undefined) throw wrong(place, 'this is not NAME=value', 'A comment begins with #.');
  if (name.startsWith('GODEL_')) throw wrong(place, `${name}: names that begin with GODEL_ are reserved`);
  if (!/^["'`]/.test(written) && /\S#/.test(written)) {
    throw wrong(place, `the value of ${name} has a # and no quotes, so it would end there`, 'Put it in quotes.');
  }
  return {name, written};
}

/** The line in which a value ends, which in quotes may be a later one; -1 when the quote is not closed. */
function lastLine(lines: readonly string[], {from, written}: {from: number; written: string}): number {
  const quote = written.charAt(0);
  if (!['"', "'", '`'].includes(quote) || written.includes(quote, 1)) return from;
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
