import type {JsonValue} from '../base/json.ts';

/** How deep lists and objects may lie in each other; deeper ones would overflow the stack of whoever prints them. */
export const MAX_DEPTH = 100;
/** Characters of text in one document or output, all aliases written out. */
const MAX_TEXT = 100_000_000;
const MAX_VALUES = 30_000_000;

export interface NotJson {
  readonly path: readonly (string | number)[];
  /** `is nested deeper than 100 levels`. */
  readonly what: string;
}

/**
 * Says why a value is not plain JSON of a bearable size, or null when it is. Meant for values that come from a parser
 * with aliases or over the wire; it survives depth, cycles and expansion bombs.
 */
export function notJson(root: unknown): NotJson | null {
  const stack: {value: unknown; path: Trail | null; depth: number}[] = [{value: root, path: null, depth: 0}];
  let text = 0;
  let values = 0;
  for (let next = stack.pop(); next; next = stack.pop()) {
    const {value, path, depth} = next;
    const refuse = (what: string) => ({path: pathOf(path), what});
    if (++values > MAX_VALUES || text > MAX_TEXT)
      return {path: [], what: 'is too large once its aliases are written out'};
    if (typeof value === 'string') text += value.length;
    else if (typeof value === 'number' && !Number.isFinite(value)) return refuse('is not a finite number');
    else if (typeof value === 'object' && value !== null) {
      if (depth >= MAX_DEPTH) return refuse(`is nested deeper than ${MAX_DEPTH} levels`);
      if (!Array.isArray(value) && !isPlain(value)) return refuse('is neither text, number, list nor mapping');
      for (const [key, inner] of Object.entries(value)) {
        // Assigning such a key somewhere would change an object's prototype instead.
        if (key === '__proto__') return refuse('has a key `__proto__`, which is not allowed');
        text += key.length;
        stack.push({value: inner, path: {key: Array.isArray(value) ? Number(key) : key, up: path}, depth: depth + 1});
      }
    } else if (value !== null && typeof value !== 'number' && typeof value !== 'boolean') {
      return refuse('is neither text, number, list nor mapping');
    }
  }
  return null;
}

/** The value at a path; null where there is none, as in GitHub's expressions. */
export function valueAt(value: JsonValue, path: readonly string[]): JsonValue {
  let current = value;
  for (const name of path) {
    const next = fieldOf(current, name);
    if (next === undefined) return null;
    current = next;
  }
  return current;
}

/** A field of an object or an element of a list; undefined when there is none. */
export function fieldOf(value: JsonValue, name: string): JsonValue | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (isList(value)) return /^\d+$/.test(name) ? value[Number(name)] : undefined;
  return Object.hasOwn(value, name) ? value[name] : undefined;
}

export function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** A JSON value as text: strings as they are, null as nothing, objects and lists as JSON. */
export function textOf(value: JsonValue): string {
  if (value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** JSON in which equal values look equal: the keys of objects are sorted. */
export function canonicalJson(value: JsonValue): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (isList(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const fields = Object.keys(value)
    .sort()
    .map(key => `${JSON.stringify(key)}:${canonicalJson(value[key] ?? null)}`);
  return `{${fields.join(',')}}`;
}

interface Trail {
  readonly key: string | number;
  readonly up: Trail | null;
}

function pathOf(trail: Trail | null): readonly (string | number)[] {
  const path: (string | number)[] = [];
  for (let step = trail; step; step = step.up) path.push(step.key);
  return path.reverse();
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
