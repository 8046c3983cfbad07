import type {JsonValue} from '../base/json.ts';

/** How deep lists and objects may lie in each other; deeper ones would overflow the stack of whoever prints them. */
export const MAX_DEPTH = 100;
/** Characters of text in one document or output, all aliases written out. */
const MAX_TEXT = 100_000_000;
const MAX_VALUES = 10_000_000;
const NO_JSON = 'is neither text, number, list nor mapping';

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
  const rootWrong = notScalar(root);
  if (rootWrong !== null) return {path: [], what: rootWrong};
  const stack = isContainer(root) ? [{value: root, place: null as Place | null, depth: 1}] : [];
  let text = 0;
  let values = 0;
  for (let next = stack.pop(); next; next = stack.pop()) {
    const {value, place, depth} = next;
    if (depth > MAX_DEPTH) return {path: pathOf(place), what: `is nested deeper than ${MAX_DEPTH} levels`};
    const keys = Object.keys(value);
    values += keys.length;
    for (const key of keys) {
      // Assigning such a key somewhere would change an object's prototype instead.
      if (key === '__proto__') return {path: pathOf(place), what: 'has a key `__proto__`, which is not allowed'};
      const inner = value[key];
      text += key.length + (typeof inner === 'string' ? inner.length : 0);
      const wrong = notScalar(inner);
      const below = {key: Array.isArray(value) ? Number(key) : key, up: place};
      if (wrong !== null) return {path: pathOf(below), what: wrong};
      if (isContainer(inner)) stack.push({value: inner, place: below, depth: depth + 1});
    }
    if (values > MAX_VALUES || text > MAX_TEXT)
      return {path: [], what: 'is too large once its aliases are written out'};
  }
  return null;
}

type Container = Readonly<Record<string, unknown>>;

function isContainer(value: unknown): value is Container {
  return typeof value === 'object' && value !== null;
}

function notScalar(value: unknown): string | null {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return null;
  if (typeof value === 'number') return Number.isFinite(value) ? null : 'is not a finite number';
  return typeof value === 'object' && (Array.isArray(value) || isPlain(value)) ? null : NO_JSON;
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

interface Place {
  readonly key: string | number;
  readonly up: Place | null;
}

function pathOf(place: Place | null): readonly (string | number)[] {
  const path: (string | number)[] = [];
  for (let step = place; step; step = step.up) path.push(step.key);
  return path.reverse();
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
