import {createHash} from 'node:crypto';
import type {JsonValue} from '../base/json.ts';
import {type Result, fail, ok} from '../base/result.ts';
import type {Failure} from '../model/failure.ts';
import type {TaskSpec} from '../model/task.ts';
import {canonicalJson, fieldOf, isList, notJson} from './json-value.ts';
import {renderTemplate} from './render.ts';
import {MAX_ITEMS} from './schema.ts';

/** One instance of a `foreach`: its item, and the key that names it however the items are ordered. */
export interface Instance {
  readonly key: string;
  readonly item: JsonValue;
}

const MAX_KEY_CHARS = 120;
const UNPRINTABLE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/gu;

/**
 * The instances of a task for the output of the task it fans out over (ignored where the list stands in the plan). Keys
 * are unique and depend on the items only, not on their order.
 */
export function instancesOf(spec: TaskSpec, output: JsonValue): Result<readonly Instance[], Failure> {
  const items = itemsOf(spec, output);
  if (!items.ok) return items;
  if (items.value.length > MAX_ITEMS) {
    return invalid(`${items.value.length} items are more than the ${MAX_ITEMS} that one \`foreach\` may have`);
  }
  const wrong = notJson(items.value);
  if (wrong) return invalid(`item ${Number(wrong.path[0] ?? 0) + 1} ${wrong.what}`);
  return spec.key
    ? explicitKeys(spec.key, items.value)
    : ok(defaultKeys(items.value, spec.foreach?.from === 'list' && spec.foreach.matrix ? fieldsLook : lookOf));
}

function itemsOf(spec: TaskSpec, output: JsonValue): Result<readonly JsonValue[], Failure> {
  const source = spec.foreach;
  if (!source) throw new Error(`Internal error: task ${spec.id} has no foreach`);
  if (source.from === 'list') return ok(source.items);
  let value = output;
  let place = `the output of \`${source.task}\``;
  for (const name of source.path) {
    const next = fieldOf(value, name);
    if (next === undefined) return invalid(`${place} has no \`${name}\`: it is ${described(value)}`);
    value = next;
    place += ` at \`${name}\``;
  }
  return isList(value) ? ok(value) : invalid(`${place} is not a list: it is ${described(value)}`);
}

function explicitKeys(
  template: NonNullable<TaskSpec['key']>,
  items: readonly JsonValue[],
): Result<readonly Instance[], Failure> {
  const positions = new Map<string, number>();
  const instances: Instance[] = [];
  for (const [index, item] of items.entries()) {
    const text = renderTemplate(template, item);
    if (text === '') return invalid(`the key of item ${index + 1} is empty: ${described(item)}`);
    const key = legible(text);
    const earlier = positions.get(key);
    if (earlier !== undefined) {
      return invalid(
        `items ${earlier + 1} and ${index + 1} have the same key "${key}"; keys must differ, so add to \`key\` what tells them apart`,
      );
    }
    positions.set(key, index);
    instances.push({key, item});
  }
  return ok(instances);
}

/** Equal items are told apart by `#2`, `#3`…; different items that look alike (1 and "1") by a hash. */
function defaultKeys(items: readonly JsonValue[], look: (item: JsonValue) => string): readonly Instance[] {
  const named = items.map(item => ({item, value: canonicalJson(item), look: look(item)}));
  const valueOfLook = new Map<string, string>();
  const ambiguous = new Set<string>();
  for (const {look, value} of named) {
    const other = valueOfLook.get(look);
    if (other === undefined) valueOfLook.set(look, value);
    else if (other !== value) ambiguous.add(look);
  }
  const taken = new Set(valueOfLook.keys());
  const last = new Map<string, number>();
  return named.map(({item, value, look}) => {
    const base = ambiguous.has(look) ? `${look}~${hash(value)}` : look;
    let count = (last.get(base) ?? 0) + 1;
    if (count > 1) while (taken.has(`${base}#${count}`)) count += 1;
    last.set(base, count);
    return {item, key: count === 1 ? base : `${base}#${count}`};
  });
}

function lookOf(item: JsonValue): string {
  if (typeof item === 'object' && item !== null) return hash(canonicalJson(item));
  return item === '' ? '(empty)' : legible(String(item));
}

/** `node=18,os=linux`, in the order of the axes. */
function fieldsLook(item: JsonValue): string {
  if (typeof item !== 'object' || item === null || isList(item)) return lookOf(item);
  const fields = Object.entries(item).map(([name, value]) => {
    return `${name}=${typeof value === 'string' ? value : canonicalJson(value)}`;
  });
  return legible(fields.join(','));
}

/** Short and printable; a text that had to be changed keeps a hash of what it was. */
function legible(text: string): string {
  const printable = text.replaceAll(UNPRINTABLE, '\u{fffd}');
  if (printable === text && text.length <= MAX_KEY_CHARS) return text;
  return `${printable.slice(0, MAX_KEY_CHARS).replace(/\p{Cs}$/u, '')}~${hash(text)}`;
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}

function described(value: JsonValue): string {
  if (value === null) return 'null';
  if (isList(value)) return `a list of ${value.length}`;
  if (typeof value !== 'object') {
    const text = JSON.stringify(value);
    return text.length > 80 ? `${text.slice(0, 80)}…` : text;
  }
  const fields = Object.keys(value);
  const more = fields.length > 10 ? ` and ${fields.length - 10} more` : '';
  return fields.length === 0 ? 'an empty object' : `an object with ${fields.slice(0, 10).join(', ')}${more}`;
}

function invalid(detail: string): {readonly ok: false; readonly failure: Failure} {
  return fail({reason: 'foreach-invalid', detail});
}
