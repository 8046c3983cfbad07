import type {JsonValue} from '../base/json.ts';

/** What stands at a path of keys and indexes; undefined when there is nothing. Own properties only. */
export function field(value: JsonValue | undefined, ...path: readonly (string | number)[]): JsonValue | undefined {
  let at: JsonValue | undefined = value;
  for (const key of path) {
    if (at === null || typeof at !== 'object' || !Object.hasOwn(at, key)) return undefined;
    at = (at as Readonly<Record<string | number, JsonValue>>)[key];
  }
  return at;
}

export function textField(value: JsonValue | undefined, ...path: readonly (string | number)[]): string | null {
  const found = field(value, ...path);
  return typeof found === 'string' ? found : null;
}

/** A finite number that is not negative: counts and amounts. */
export function countField(value: JsonValue | undefined, ...path: readonly (string | number)[]): number | null {
  const found = field(value, ...path);
  return typeof found === 'number' && Number.isFinite(found) && found >= 0 ? found : null;
}

/** Empty when there is no array. */
export function listField(value: JsonValue | undefined, ...path: readonly (string | number)[]): readonly JsonValue[] {
  const found = field(value, ...path);
  // `isArray` loses what is known of the elements.
  return Array.isArray(found) ? (found as readonly JsonValue[]) : [];
}
