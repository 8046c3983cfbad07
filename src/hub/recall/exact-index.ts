import {Best, type Found} from './best.ts';
import {checkedK, toUnitVector} from './checked-vector.ts';
import type {Contents} from './snapshot.ts';
import type {VectorIndex} from './vector-index.ts';

/** Every vector as it is, every one compared: the reference for the others, and the fastest there is for a few hundred. */
export class ExactIndex implements VectorIndex {
  readonly dimensions: number;
  readonly #slots = new Map<number, number>();
  readonly #keys: number[] = [];
  readonly #vectors: Float32Array[] = [];

  constructor(dimensions: number) {
    this.dimensions = dimensions;
  }

  /** What `contents` gave. */
  static from({dimensions, keys, vectors}: Contents & {kind: 'exact'}): ExactIndex {
    const index = new ExactIndex(dimensions);
    for (const [slot, key] of keys.entries()) {
      index.#put(key, vectors.slice(slot * dimensions, (slot + 1) * dimensions));
    }
    return index;
  }

  get size(): number {
    return this.#keys.length;
  }

  get memoryBytes(): number {
    return this.#keys.length * this.dimensions * 4;
  }

  keys(): IterableIterator<number> {
    return this.#slots.keys();
  }

  has(key: number): boolean {
    return this.#slots.has(key);
  }

  add(key: number, vector: Float32Array): void {
    this.#put(key, toUnitVector(key, vector, this.dimensions));
  }

  remove(key: number): boolean {
    const slot = this.#slots.get(key);
    if (slot === undefined) return false;
    const lastKey = this.#keys.pop();
    const lastVector = this.#vectors.pop();
    this.#slots.delete(key);
    if (lastKey !== undefined && lastVector && lastKey !== key) {
      this.#keys[slot] = lastKey;
      this.#vectors[slot] = lastVector;
      this.#slots.set(lastKey, slot);
    }
    return true;
  }

  search(vector: Float32Array, k: number, among?: Iterable<number>): readonly Found[] {
    const unit = toUnitVector('query', vector, this.dimensions);
    const best = new Best(checkedK(k));
    for (const key of among ?? this.#keys) {
      const own = this.#vectors[this.#slots.get(key) ?? -1];
      if (own === undefined) continue;
      const similarity = inner(own, unit);
      if (similarity >= best.floor) best.offer({key, similarity});
    }
    return best.sorted();
  }

  contents(): Contents & {kind: 'exact'} {
    const vectors = new Float32Array(this.size * this.dimensions);
    for (const [slot, vector] of this.#vectors.entries()) vectors.set(vector, slot * this.dimensions);
    return {kind: 'exact', dimensions: this.dimensions, keys: Float64Array.from(this.#keys), vectors};
  }

  /** Keys with their unit vectors, in no order; they are read, never written. */
  *entries(): Generator<readonly [key: number, vector: Float32Array]> {
    for (const [slot, vector] of this.#vectors.entries()) {
      const key = this.#keys[slot];
      if (key !== undefined) yield [key, vector];
    }
  }

  #put(key: number, unit: Float32Array): void {
    const slot = this.#slots.get(key) ?? this.#keys.length;
    this.#slots.set(key, slot);
    this.#keys[slot] = key;
    this.#vectors[slot] = unit;
  }
}

function inner(a: Float32Array, b: Float32Array): number {
  let [first, second] = [0, 0];
  const even = a.length & ~1;
  // Two sums, so that one addition need not wait for the other.
  for (let index = 0; index < even; index += 2) {
    first += (a[index] ?? 0) * (b[index] ?? 0);
    second += (a[index + 1] ?? 0) * (b[index + 1] ?? 0);
  }
  if (even < a.length) first += (a[even] ?? 0) * (b[even] ?? 0);
  return first + second;
}
