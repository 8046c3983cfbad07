import {type Malformed, readCount, readList, readText, reading, refuse} from './foreign.ts';
import type {Result} from '../../base/result.ts';

/** One event: the `counter`-th of a node, from 1. */
export interface Dot {
  readonly node: string;
  readonly counter: number;
}

/** How two histories, or two writes, stand to each other. */
export type Order = 'before' | 'after' | 'equal' | 'concurrent';

/** More nodes than any vector from outside may name. */
export const MAX_NODES = 10_000;

/** No count from outside may be greater, so that there is room to count on. */
export const MAX_COUNT = 2 ** 52;

/**
 * A version vector (Parker et al. 1983): of each node, how many of its events are in, from the first on without a gap. A value:
 * nothing changes it. Two sorted arrays side by side; vectors made from one another share the array of nodes, so that comparing and
 * merging vectors of the same nodes is one pass over numbers, and merging what is already in copies nothing.
 */
export class VersionVector {
  static readonly EMPTY = new VersionVector([], []);

  readonly #nodes: readonly string[];
  readonly #counts: readonly number[];

  private constructor(nodes: readonly string[], counts: readonly number[]) {
    this.#nodes = nodes;
    this.#counts = counts;
  }

  /** Of the greatest count of each node; counts of 0 are left out. Throws a RangeError on what is no count. */
  static of(entries: Iterable<readonly [node: string, count: number]>): VersionVector {
    const greatest = new Map<string, number>();
    for (const [node, count] of entries) {
      if (!Number.isSafeInteger(count) || count < 0) throw new RangeError(`${count} is no count of ${node}`);
      if (count > (greatest.get(node) ?? 0)) greatest.set(node, count);
    }
    const nodes = [...greatest.keys()].sort(byCodeUnit);
    return new VersionVector(
      nodes,
      nodes.map(node => greatest.get(node) ?? 0),
    );
  }

  get size(): number {
    return this.#nodes.length;
  }

  /** 0: nothing of this node. */
  get(node: string): number {
    const index = this.#indexOf(node);
    return this.#nodes[index] === node ? (this.#counts[index] ?? 0) : 0;
  }

  has({node, counter}: Dot): boolean {
    return counter <= this.get(node);
  }

  /** The event that would be the next of this node. */
  next(node: string): Dot {
    return {node, counter: this.get(node) + 1};
  }

  /** With at least so many events of a node; itself when they are in already. */
  with(node: string, count: number): VersionVector {
    const index = this.#indexOf(node);
    if (this.#nodes[index] !== node) {
      if (count <= 0) return this;
      return new VersionVector(this.#nodes.toSpliced(index, 0, node), this.#counts.toSpliced(index, 0, count));
    }
    if (count <= (this.#counts[index] ?? 0)) return this;
    return new VersionVector(this.#nodes, this.#counts.with(index, count));
  }

  without(node: string): VersionVector {
    const index = this.#indexOf(node);
    if (this.#nodes[index] !== node) return this;
    return new VersionVector(this.#nodes.toSpliced(index, 1), this.#counts.toSpliced(index, 1));
  }

  /** The least history that has both: one of the two itself where it has the other already. */
  merge(other: VersionVector): VersionVector {
    switch (this.compare(other)) {
      case 'equal':
      case 'after':
        return this;
      case 'before':
        return other;
      case 'concurrent':
        return sameNodes(this.#nodes, other.#nodes) ? this.#mergeCounts(other) : this.#mergeNodes(other);
    }
  }

  compare(other: VersionVector): Order {
    if (this === other) return 'equal';
    return sameNodes(this.#nodes, other.#nodes) ? this.#compareCounts(other) : this.#compareNodes(other);
  }

  *entries(): Generator<readonly [node: string, count: number]> {
    for (let index = 0; index < this.#nodes.length; index += 1) {
      yield [this.#nodes[index] ?? '', this.#counts[index] ?? 0];
    }
  }

  /** Of all counts, for counters. */
  sum(): number {
    let sum = 0;
    for (const count of this.#counts) sum += count;
    return sum;
  }

  /** Node and count by turns, sorted by node. */
  toJSON(): readonly (string | number)[] {
    return [...this.entries()].flat();
  }

  static parse(value: unknown): Result<VersionVector, Malformed> {
    return reading('version vector', () => VersionVector.read(value));
  }

  /** For readers of things that contain one; inside `reading`. */
  static read(value: unknown, {most = MAX_NODES, mostCount = MAX_COUNT} = {}): VersionVector {
    const flat = readList(value, 'a version vector', 2 * most);
    if (flat.length % 2 === 1) return refuse('a version vector must hold nodes and counts by turns');
    const nodes: string[] = [];
    const counts: number[] = [];
    for (let index = 0; index < flat.length; index += 2) {
      const node = readText(flat[index], 'a node');
      const before = nodes.at(-1);
      if (before !== undefined && before >= node) return refuse('nodes must be sorted, each of them once');
      nodes.push(node);
      counts.push(readCount(flat[index + 1], 'a count', {least: 1, most: mostCount}));
    }
    return new VersionVector(nodes, counts);
  }

  #mergeCounts(other: VersionVector): VersionVector {
    const theirs = other.#counts;
    return new VersionVector(
      this.#nodes,
      this.#counts.map((count, index) => Math.max(count, theirs[index] ?? 0)),
    );
  }

  #mergeNodes(other: VersionVector): VersionVector {
    const nodes: string[] = [];
    const counts: number[] = [];
    this.#walk(other, (node, mine, theirs) => {
      nodes.push(node);
      counts.push(Math.max(mine, theirs));
      return 'on';
    });
    return new VersionVector(nodes, counts);
  }

  #compareCounts(other: VersionVector): Order {
    let less = false;
    let more = false;
    for (let index = 0; index < this.#counts.length; index += 1) {
      const mine = this.#counts[index] ?? 0;
      const theirs = other.#counts[index] ?? 0;
      if (mine < theirs) less = true;
      else if (mine > theirs) more = true;
    }
    return orderOf({less, more});
  }

  #compareNodes(other: VersionVector): Order {
    let less = false;
    let more = false;
    this.#walk(other, (_, mine, theirs) => {
      if (mine < theirs) less = true;
      else if (mine > theirs) more = true;
      return less && more ? 'enough' : 'on';
    });
    return orderOf({less, more});
  }

  /** Both side by side, each node once, in order. Equality first: most nodes are in both, and it is far cheaper than order. */
  #walk(other: VersionVector, visit: (node: string, mine: number, theirs: number) => 'on' | 'enough'): void {
    const [a, b] = [this.#nodes, other.#nodes];
    let [i, j] = [0, 0];
    while (i < a.length || j < b.length) {
      const left = a[i];
      const right = b[j];
      let next: 'on' | 'enough';
      if (left !== undefined && left === right) {
        next = visit(left, this.#counts[i++] ?? 0, other.#counts[j++] ?? 0);
      } else if (left !== undefined && (right === undefined || left < right)) {
        next = visit(left, this.#counts[i++] ?? 0, 0);
      } else {
        next = visit(right ?? '', 0, other.#counts[j++] ?? 0);
      }
      if (next === 'enough') return;
    }
  }

  /** Where the node is, or would be. */
  #indexOf(node: string): number {
    let low = 0;
    let high = this.#nodes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#nodes[middle] ?? '') < node) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

export function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function orderOf({less, more}: {less: boolean; more: boolean}): Order {
  if (less) return more ? 'concurrent' : 'before';
  return more ? 'after' : 'equal';
}

function sameNodes(a: readonly string[], b: readonly string[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index += 1) if (a[index] !== b[index]) return false;
  return true;
}
