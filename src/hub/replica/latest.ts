import type {JsonValue} from '../../base/json.ts';
import {byCodeUnit} from './code-unit.ts';
import {readList, readText, refuse} from './foreign.ts';

/** As long as a stamp may be on the wire. Whether it is one, and of the present, is asked at the border: `checkStamp`. */
export const MAX_STAMP = 100;

/** Something written at a hybrid logical time. `tie` decides between equal stamps; after it the value itself. */
export interface Written<V extends JsonValue> {
  readonly at: string;
  readonly tie: string;
  readonly value: V;
}

/** Which of two writes is the later; the first where they are the same. A total order, so that "the latest" is a lawful merge. */
export function later<V extends JsonValue>(a: Written<V>, b: Written<V>): Written<V> {
  return compareWritten(b, a) > 0 ? b : a;
}

function compareWritten<V extends JsonValue>(a: Written<V>, b: Written<V>): number {
  const order = byCodeUnit(a.at, b.at) || byCodeUnit(a.tie, b.tie);
  if (order !== 0 || a.value === b.value) return order;
  return byCodeUnit(JSON.stringify(a.value), JSON.stringify(b.value));
}

/**
 * The latest write of each key, of at most `limit` keys: those with the latest writes. Dropping the rest is lawful: a key is dropped
 * only for `limit` others with later writes, which never get earlier, so that it would not be among the kept in any order of arrival.
 * Owned by the value around it: `put` and `mergeFrom` change it in place.
 */
export class Latest<V extends JsonValue> {
  readonly #limit: number;
  readonly #writes: Map<string, Written<V>>;

  /** Throws a RangeError on a limit below 1. */
  constructor(limit: number, writes: Iterable<readonly [string, Written<V>]> = []) {
    if (!(limit >= 1)) throw new RangeError(`The limit of keys must be 1 or more, not ${limit}`);
    this.#limit = limit;
    this.#writes = new Map(writes);
  }

  get size(): number {
    return this.#writes.size;
  }

  get(key: string): Written<V> | undefined {
    return this.#writes.get(key);
  }

  entries(): IterableIterator<[string, Written<V>]> {
    return this.#writes.entries();
  }

  put(key: string, write: Written<V>): void {
    const before = this.#writes.get(key);
    if (before !== undefined) {
      if (compareWritten(write, before) > 0) this.#writes.set(key, write);
      return;
    }
    this.#writes.set(key, write);
    if (this.#writes.size > this.#limit) this.#writes.delete(this.#earliest());
  }

  mergeFrom(other: Latest<V>): void {
    for (const [key, write] of other.#writes) this.put(key, write);
  }

  /** Key, stamp, tie and value of each, sorted by key. */
  toJSON(): readonly (readonly [string, string, string, V])[] {
    return [...this.#writes]
      .sort(([a], [b]) => byCodeUnit(a, b))
      .map(([key, {at, tie, value}]) => [key, at, tie, value] as const);
  }

  /** For readers of things that contain one; inside `reading`. */
  static read<V extends JsonValue>(
    value: unknown,
    {what, limit, readValue}: {what: string; limit: number; readValue: (value: unknown) => V},
  ): Latest<V> {
    const writes = new Map<string, Written<V>>();
    for (const item of readList(value, what, limit)) {
      const [key, ...write] = readList(item, `one of ${what}`, 4);
      const name = readText(key, `the key of one of ${what}`);
      if (writes.has(name)) return refuse(`${what} must have each key once`);
      writes.set(name, readWritten(write, readValue));
    }
    return new Latest(limit, writes);
  }

  #earliest(): string {
    let least: [string, Written<V>] | null = null;
    for (const entry of this.#writes) {
      if (least === null || compareKeyed(entry, least) < 0) least = entry;
    }
    return least?.[0] ?? '';
  }
}

function compareKeyed<V extends JsonValue>(a: readonly [string, Written<V>], b: readonly [string, Written<V>]): number {
  return byCodeUnit(a[1].at, b[1].at) || byCodeUnit(a[1].tie, b[1].tie) || byCodeUnit(a[0], b[0]);
}

/** `[at, tie, value]` as it comes from outside; inside `reading`. */
export function readWritten<V extends JsonValue>(value: unknown, readValue: (value: unknown) => V): Written<V> {
  const [at, tie, written] = readList(value, 'a write', 3);
  return {
    at: readText(at, 'a stamp', {most: MAX_STAMP}),
    tie: readText(tie, 'a tie', {least: 0}),
    value: readValue(written),
  };
}
