import type {JsonValue} from '../../base/json.ts';

/**
 * One text for one value, whatever order its keys came in: keys sorted by UTF-16 units and numbers as ECMAScript writes them, as in
 * RFC 8785. Half a surrogate pair is written as U+FFFD, which is what storing it as UTF-8 makes of it. Throws TypeError on a number
 * that JSON has no text for.
 */
export function canonicalJson(value: JsonValue): string {
  if (typeof value === 'string') return JSON.stringify(value.replaceAll(/\p{Surrogate}/gu, '\ufffd'));
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError(`${value} cannot be written as JSON`);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const parts = Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, each]) => `${canonicalJson(key)}:${canonicalJson(each)}`);
  return `{${parts.join(',')}}`;
}

/** `Array.isArray` does not narrow readonly arrays away. */
function isArray(value: object): value is readonly JsonValue[] {
  return Array.isArray(value);
}
