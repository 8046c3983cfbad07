import type * as Y from 'yjs';
import type {JsonValue} from '../../base/json.ts';
import {fail, ok, type Result} from '../../base/result.ts';
import {copyJson, type DocumentFailure, wellFormed} from './document-update.ts';

/** What became of an edit; a refused one has changed nothing. */
export type Edit = Result<void, DocumentFailure>;

/** Places are counted in UTF-16 units from 0. Characters, not graphemes: half of a pair may be deleted by somebody. */
export interface SharedText {
  readonly length: number;
  toString(): string;
  insert(index: number, text: string): Edit;
  delete(index: number, count: number): Edit;
}

/** Of one key the last writer wins, by Yjs's own order. */
export interface SharedMap {
  get(key: string): JsonValue | undefined;
  entries(): ReadonlyMap<string, JsonValue>;
  set(key: string, value: JsonValue): Edit;
  delete(key: string): Edit;
}

export interface SharedList {
  readonly length: number;
  values(): readonly JsonValue[];
  insert(index: number, values: readonly JsonValue[]): Edit;
  delete(index: number, count: number): Edit;
}

/** Carries a change out as one edit if there is room for so many bytes of contents. */
export type Write = (bytes: number, change: () => void) => Edit;

export function sharedText(text: Y.Text, write: Write): SharedText {
  return {
    get length() {
      return text.length;
    },
    toString: () => text.toJSON(),
    insert: (index, added) => {
      const clean = wellFormed(added);
      const outside = placeFault({index, count: 0, length: text.length});
      if (outside !== null) return fail(outside);
      if (clean.length === 0) return ok(undefined);
      return write(Buffer.byteLength(clean), () => text.insert(index, clean));
    },
    delete: (index, count) => {
      const outside = placeFault({index, count, length: text.length});
      if (outside !== null) return fail(outside);
      return count === 0 ? ok(undefined) : write(0, () => text.delete(index, count));
    },
  };
}

export function sharedMap(map: Y.Map<JsonValue>, write: Write): SharedMap {
  return {
    get: key => fresh(map.get(key)),
    entries: () => {
      const entries = new Map<string, JsonValue>();
      for (const [key, value] of map.entries()) entries.set(key, fresh(value) ?? null);
      return entries;
    },
    set: (key, value) => {
      const copy = copyJson(value);
      if (!copy.ok) return copy;
      const clean = wellFormed(key);
      return write(Buffer.byteLength(clean) + jsonBytes(copy.value), () => map.set(clean, copy.value));
    },
    delete: key => (map.has(key) ? write(0, () => map.delete(key)) : ok(undefined)),
  };
}

export function sharedList(list: Y.Array<JsonValue>, write: Write): SharedList {
  return {
    get length() {
      return list.length;
    },
    values: () => list.toArray().map(value => fresh(value) ?? null),
    insert: (index, values) => {
      const outside = placeFault({index, count: 0, length: list.length});
      if (outside !== null) return fail(outside);
      const copies: JsonValue[] = [];
      for (const value of values) {
        const copy = copyJson(value);
        if (!copy.ok) return copy;
        copies.push(copy.value);
      }
      return copies.length === 0 ? ok(undefined) : write(jsonBytes(copies), () => list.insert(index, copies));
    },
    delete: (index, count) => {
      const outside = placeFault({index, count, length: list.length});
      if (outside !== null) return fail(outside);
      return count === 0 ? ok(undefined) : write(0, () => list.delete(index, count));
    },
  };
}

/** A copy, for what Yjs hands out is its own. */
function fresh(value: JsonValue | undefined): JsonValue | undefined {
  if (value === undefined) return undefined;
  const copy = copyJson(value);
  return copy.ok ? copy.value : undefined;
}

function jsonBytes(value: JsonValue): number {
  return Buffer.byteLength(JSON.stringify(value));
}

function placeFault({index, count, length}: {index: number; count: number; length: number}): DocumentFailure | null {
  const fits = Number.isSafeInteger(index) && Number.isSafeInteger(count) && index >= 0 && count >= 0;
  if (fits && index + count <= length) return null;
  return {kind: 'bad-edit', detail: `There is no place ${index} to ${index + count} in what is ${length} long.`};
}
