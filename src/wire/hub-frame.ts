import {type Result, fail, ok} from '../base/result.ts';
import {surelyFrame} from './hub-hot-frames.ts';
import {type ClientFrame, clientFrameSchema} from './hub-protocol.ts';

/** Deeper than any frame of ours; what nests deeper is meant to exhaust the stack of whoever walks through it. */
const MAX_DEPTH = 32;
const MAX_SHOWN = 300;
const MAX_ISSUES = 3;
/** Keys that reach the prototype of whatever they are copied into. */
const POISONED: ReadonlySet<string> = new Set(['__proto__', 'constructor']);

/** A surrogate without its other half: with the u flag, pairs are one character and do not match. */
const HALF = /\p{Surrogate}/u;

/** Why a text is no frame. */
export interface BadFrame {
  /** Of the request, where one can be read. */
  readonly id: number | null;
  /** Where in the frame, such as `items[3].episode.reward`; empty: the frame as a whole. */
  readonly path: string;
  readonly message: string;
}

/**
 * One text frame of a client as what it means. Refused are, besides what the schema refuses: keys that reach prototypes, at
 * any depth, nesting deeper than 32, and strings with half a character (lone surrogates), which could not be stored as they are.
 */
export function readClientFrame(text: string): Result<ClientFrame, BadFrame> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return fail({id: null, path: '', message: 'it is not JSON'});
  }
  const type = fieldOf(value, 'type');
  const problem = type === 'message' || isSuspect(text) ? problemOf(value, '', 0) : null;
  if (problem) return fail({id: idOf(value), ...problem});
  if (surelyFrame(value)) return ok(value);
  const parsed = clientFrameSchema.safeParse(value);
  if (parsed.success) return ok(parsed.data);
  const issues = parsed.error.issues.slice(0, MAX_ISSUES);
  return fail({
    id: idOf(value),
    path: pathOf(issues[0]?.path ?? []),
    message: shorten(issues.map(issue => `${shownPath(pathOf(issue.path))}${issue.message}`).join('; ')),
  });
}

/** Only such texts can have a poisoned key, or half a character, which UTF-8 cannot carry but as an escape. */
function isSuspect(text: string): boolean {
  return text.includes('__proto__') || text.includes('constructor') || text.includes('\\u');
}

function problemOf(value: unknown, path: string, depth: number): {path: string; message: string} | null {
  if (typeof value === 'string') {
    return HALF.test(value) ? {path: shorten(path), message: 'it has a lone surrogate, which is no character'} : null;
  }
  if (typeof value !== 'object' || value === null) return null;
  if (depth >= MAX_DEPTH) return {path: shorten(path), message: `it nests deeper than ${MAX_DEPTH}`};
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      const problem = isPlain(item) ? null : problemOf(item, `${path}[${index}]`, depth + 1);
      if (problem) return problem;
    }
    return null;
  }
  for (const [key, item] of Object.entries(value)) {
    if (POISONED.has(key)) return {path: shorten(path), message: `the key ${key} is not allowed`};
    const within = path === '' ? key : `${path}.${key}`;
    if (HALF.test(key)) return {path: shorten(path), message: 'a key has a lone surrogate, which is no character'};
    const problem = isPlain(item) ? null : problemOf(item, within, depth + 1);
    if (problem) return problem;
  }
  return null;
}

function isPlain(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'boolean' || value === null;
}

function idOf(value: unknown): number | null {
  const id = fieldOf(value, 'id');
  return typeof id === 'number' && Number.isSafeInteger(id) && id >= 0 ? id : null;
}

function fieldOf(value: unknown, key: 'type' | 'id'): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  // Just checked to be an object that has it.
  return (value as Record<'type' | 'id', unknown>)[key];
}

function pathOf(path: readonly PropertyKey[]): string {
  let shown = '';
  for (const part of path) {
    if (typeof part === 'number') shown += `[${part}]`;
    else shown += shown === '' ? String(part) : `.${String(part)}`;
  }
  return shorten(shown);
}

function shownPath(path: string): string {
  return path === '' ? '' : `${path}: `;
}

function shorten(text: string): string {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN).replace(HALF, '')}…` : text;
}
