import * as Y from 'yjs';
import type {JsonValue} from '../../base/json.ts';
import {fail, ok, type Result} from '../../base/result.ts';

/**
 * malformed: no update, or one with what shared documents do not hold. gap: it builds on something that is missing here; ask for
 * what is missing by state vector. too-large: this one. full: the document. bad-edit: a place or value that cannot be.
 */
export interface DocumentFailure {
  readonly kind: 'malformed' | 'gap' | 'too-large' | 'full' | 'bad-edit';
  readonly detail: string;
}

/** Roots are named by kind, so that one name used for a text and a map is two things and no quarrel. */
export const ROOT = /^(?:text|map|list):.{1,200}$/su;

const MAX_CLOCK = 2 ** 32;
const MAX_DEPTH = 32;

type Update = ReturnType<typeof Y.decodeUpdate>;
type Struct = Update['structs'][number];

/**
 * Whether a foreign update may be given to Yjs, which trusts what it is given: it must decode to its end, hold only text and JSON in
 * known roots, and build on nothing that neither `known` (client to how many of its operations are here) nor the update itself has.
 * So Yjs never holds back anything to wait for more. What it cannot tell is whether places and clients are honest: who may write can
 * forge operations that different replicas put in different order. That is for permissions to prevent.
 */
export function checkUpdate(update: Uint8Array, known: ReadonlyMap<number, number>): Result<void, DocumentFailure> {
  let decoded: Update;
  try {
    decoded = Y.decodeUpdate(update);
  } catch {
    // Yjs throws errors of many kinds on bytes that are no update, an overflow of the stack among them; all mean the same.
    return malformed('it does not decode');
  }
  const ends = new Map(known);
  const failure =
    checkStructs(decoded.structs, ends) ?? checkOrigins(decoded.structs, ends) ?? checkDeletes(decoded, ends);
  return failure === null ? ok(undefined) : fail(failure);
}

/** Moves `ends` to where each client is after the update. */
function checkStructs(structs: readonly Struct[], ends: Map<number, number>): DocumentFailure | null {
  const begun = new Set<number>();
  let client: number | null = null;
  for (const struct of structs) {
    const {id, length} = struct;
    if (id.client !== client) {
      if (begun.has(id.client)) return refused('malformed', `client ${id.client} is there twice`);
      client = id.client;
      begun.add(client);
    }
    if (length < 1 || id.clock + length > MAX_CLOCK) return refused('malformed', 'an operation has no sensible length');
    if (struct instanceof Y.Skip) continue;
    const end = ends.get(client) ?? 0;
    if (id.clock > end) return refused('gap', `operations ${end} to ${id.clock - 1} of client ${client} are missing`);
    ends.set(client, Math.max(end, id.clock + length));
    if (!(struct instanceof Y.Item)) continue;
    const fault = contentFault(struct);
    if (fault !== null) return refused('malformed', fault);
  }
  return null;
}

function contentFault({content, parent}: Y.Item): string | null {
  // The types of Yjs say what a parent is once integrated; as decoded it is an id, the name of a root, or null.
  const place: unknown = parent;
  if (place !== null && (typeof place !== 'string' || !ROOT.test(place))) return 'it writes into no text, map or list';
  if (content instanceof Y.ContentString || content instanceof Y.ContentDeleted) return null;
  if (!(content instanceof Y.ContentAny)) return 'it holds something other than text and JSON';
  for (const value of content.arr as readonly unknown[]) {
    const copied = copyJson(value);
    if (!copied.ok) return copied.failure.detail;
  }
  return null;
}

function checkOrigins(structs: readonly Struct[], ends: ReadonlyMap<number, number>): DocumentFailure | null {
  for (const struct of structs) {
    if (!(struct instanceof Y.Item)) continue;
    for (const origin of [struct.origin, struct.rightOrigin]) {
      if (origin === null) continue;
      if (origin.client === struct.id.client && origin.clock >= struct.id.clock) {
        return refused('malformed', 'an operation builds on a later one of its own client');
      }
      if (origin.clock < (ends.get(origin.client) ?? 0)) continue;
      return refused('gap', `operation ${origin.clock} of client ${origin.client} is missing`);
    }
  }
  return null;
}

function checkDeletes({ds}: Update, ends: ReadonlyMap<number, number>): DocumentFailure | null {
  for (const [client, ranges] of ds.clients) {
    for (const {clock, len} of ranges) {
      if (len < 1) return refused('malformed', 'a deletion has no sensible length');
      if (clock + len > (ends.get(client) ?? 0)) {
        return refused('gap', `what it deletes of client ${client} is missing`);
      }
    }
  }
  return null;
}

/** A copy that nobody else holds, with well-formed text; refused where it is no JSON, too deep, or has a key `__proto__`. */
export function copyJson(value: unknown, depth = 0): Result<JsonValue, DocumentFailure> {
  try {
    return ok(copied(value, depth));
  } catch (error) {
    if (error instanceof NoJson) return fail({kind: 'bad-edit', detail: error.message});
    throw error;
  }
}

class NoJson extends Error {}

function copied(value: unknown, depth: number): JsonValue {
  if (depth > MAX_DEPTH) throw new NoJson(`values may be nested ${MAX_DEPTH} deep`);
  if (typeof value === 'string') return wellFormed(value);
  if (value === null || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value)))
    return value;
  if (Array.isArray(value)) return value.map(item => copied(item, depth + 1));
  if (typeof value !== 'object') throw new NoJson(`a value must be JSON, not ${typeof value}`);
  if (Object.getPrototypeOf(value) !== Object.prototype || Object.hasOwn(value, '__proto__')) {
    throw new NoJson('an object must be plain and have no key __proto__');
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [wellFormed(key), copied(item, depth + 1)]));
}

/** Half of a surrogate pair cannot be sent as UTF-8: here it is replaced as the receiver would replace it. */
export function wellFormed(text: string): string {
  return text.replaceAll(/\p{Surrogate}/gu, '\uFFFD');
}

export function refused(kind: DocumentFailure['kind'], detail: string): DocumentFailure {
  return {kind, detail: `The update was refused: ${detail}.`};
}

function malformed(detail: string): Result<never, DocumentFailure> {
  return fail(refused('malformed', detail));
}
