import type {JsonValue} from '../../base/json.ts';
import type {Result} from '../../base/result.ts';
import {type Malformed, readCount, readList, readText, reading, refuse} from './foreign.ts';
import {byCodeUnit, MAX_COUNT, MAX_NODES, type Order, VersionVector} from './version-vector.ts';

/** More values than may stand side by side, unresolved, in one place. */
export const MAX_SIBLINGS = 1000;

/** Events 1 to `count` of a node are in; the newest of them still stand with their values, newest first. */
interface Column<T> {
  readonly count: number;
  readonly values: readonly T[];
}

/**
 * A dotted version vector set (Almeida, Baquero, Gonçalves, Preguiça and Fonte: "Scalable and Accurate Causality Tracking for
 * Eventually Consistent Stores", 2014): the values of one place that no other has replaced, each tied to the event that wrote it, and
 * all that has been seen, in one structure. Who writes hands back the history of what was read (`history`); exactly
 * those values are replaced. A value: nothing changes it.
 */
export class VersionVectorSet<T extends JsonValue> {
  readonly #columns: ReadonlyMap<string, Column<T>>;

  private constructor(columns: ReadonlyMap<string, Column<T>>) {
    this.#columns = columns;
  }

  static empty<T extends JsonValue>(): VersionVectorSet<T> {
    return new VersionVectorSet<T>(new Map());
  }

  /** The values that stand: none before the first write, more than one after concurrent writes. Sorted by node, newest first. */
  values(): readonly T[] {
    return [...this.#sorted()].flatMap(([, {values}]) => values);
  }

  /** Of everything seen here; to be handed back with the next write of whoever has read the values. */
  history(): VersionVector {
    return VersionVector.of([...this.#columns].map(([node, {count}]) => [node, count]));
  }

  /** Replaces what was in `seen`; what came meanwhile stays beside it. `node` is where it is written, one writer at a time. */
  put({node, seen, value}: {node: string; seen: VersionVector; value: T}): VersionVectorSet<T> {
    const read = new Map([...seen.entries()].map(([name, count]): [string, Column<T>] => [name, {count, values: []}]));
    const columns = new Map(this.merge(new VersionVectorSet(read)).#columns);
    const {count, values} = columns.get(node) ?? {count: 0, values: []};
    columns.set(node, {count: count + 1, values: [value, ...values]});
    return new VersionVectorSet(columns);
  }

  merge(other: VersionVectorSet<T>): VersionVectorSet<T> {
    const columns = new Map(this.#columns);
    for (const [node, theirs] of other.#columns) {
      const mine = columns.get(node);
      columns.set(node, mine === undefined ? theirs : mergeColumns(mine, theirs));
    }
    return new VersionVectorSet(columns);
  }

  compare(other: VersionVectorSet<T>): Order {
    return this.history().compare(other.history());
  }

  /** Node, count and values of each column, sorted by node. */
  toJSON(): readonly (readonly [string, number, readonly T[]])[] {
    return this.#sorted().map(([node, {count, values}]) => [node, count, values] as const);
  }

  /** `readValue` checks one value and throws by `refuse`. */
  static parse<T extends JsonValue>(
    value: unknown,
    readValue: (value: unknown) => T,
  ): Result<VersionVectorSet<T>, Malformed> {
    return reading('version vector set', () => {
      const columns = new Map<string, Column<T>>();
      let siblings = 0;
      for (const item of readList(value, 'a version vector set', MAX_NODES)) {
        const [name, count, values] = readList(item, 'a column', 3);
        const node = readText(name, 'a node');
        if (columns.has(node)) return refuse(`the node ${node} is there twice`);
        const upTo = readCount(count, 'a count', {least: 1, most: MAX_COUNT});
        const read = readList(values, 'values', Math.min(upTo, MAX_SIBLINGS)).map(readValue);
        siblings += read.length;
        columns.set(node, {count: upTo, values: read});
      }
      if (siblings > MAX_SIBLINGS) return refuse(`${siblings} values stand; at most ${MAX_SIBLINGS} are taken`);
      return new VersionVectorSet(columns);
    });
  }

  #sorted(): [string, Column<T>][] {
    return [...this.#columns].sort(([a], [b]) => byCodeUnit(a, b));
  }
}

/** A value stands if both have it, or if one has it whose event the other has not seen. */
function mergeColumns<T>(a: Column<T>, b: Column<T>): Column<T> {
  if (a.count < b.count) return mergeColumns(b, a);
  const replacedUpTo = Math.max(a.count - a.values.length, b.count - b.values.length);
  return {count: a.count, values: a.values.slice(0, a.count - replacedUpTo)};
}
