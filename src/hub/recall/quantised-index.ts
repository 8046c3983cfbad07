import {Best, type Found} from './best.ts';
import {checkedK, toUnitVector} from './checked-vector.ts';
import {CHUNK, CodeStore} from './code-store.ts';
import type {Contents} from './snapshot.ts';
import type {VectorIndex} from './vector-index.ts';

/** Up to so many vectors every code is compared; beyond that the signs say which. */
const SCAN_LIMIT = 2 * CHUNK;
/** How many of those with the nearest signs are compared first, per neighbour asked for. */
const FIRST_LOOK = 8;
/** When more than one in so many vectors would be compared one by one, all are compared in a row. */
const SCAN_SHARE = 4;
/** Standard deviations of the number of differing signs within which a neighbour is looked for. */
const SURE = 2.5;

/**
 * Finds neighbours by the signs of their dimensions, then ranks those by 12 bits per dimension. The share of the signs in
 * which two vectors differ is the angle between them, give or take what chance does to so many coins, so the similarity of
 * the k-th best found says how many signs a better one may differ in, and all up to that are compared: few when the
 * neighbours stand out, many and in the end all when they do not. Source: Charikar, "Similarity Estimation Techniques from Rounding
 * Algorithms", 2002.
 */
export class QuantisedIndex implements VectorIndex {
  readonly dimensions: number;
  readonly #codes: CodeStore;
  readonly #slots = new Map<number, number>();
  readonly #keys: number[] = [];

  constructor(dimensions: number) {
    this.dimensions = dimensions;
    this.#codes = new CodeStore(dimensions);
  }

  /** What `contents` gave. */
  static from(contents: Contents & {kind: 'quantised'}): QuantisedIndex {
    const index = new QuantisedIndex(contents.dimensions);
    index.#codes.restore(contents);
    for (const [slot, key] of contents.keys.entries()) {
      index.#slots.set(key, slot);
      index.#keys[slot] = key;
    }
    return index;
  }

  get size(): number {
    return this.#slots.size;
  }

  keys(): IterableIterator<number> {
    return this.#slots.keys();
  }

  get memoryBytes(): number {
    return this.#codes.memoryBytes;
  }

  has(key: number): boolean {
    return this.#slots.has(key);
  }

  add(key: number, vector: Float32Array): void {
    const unit = toUnitVector(key, vector, this.dimensions);
    const slot = this.#slots.get(key) ?? this.#keys.length;
    this.#codes.write(slot, unit);
    this.#slots.set(key, slot);
    this.#keys[slot] = key;
  }

  remove(key: number): boolean {
    const slot = this.#slots.get(key);
    if (slot === undefined) return false;
    this.#slots.delete(key);
    const last = this.#keys.pop();
    if (last === undefined || last === key) return true;
    this.#codes.move(this.#keys.length, slot);
    this.#keys[slot] = last;
    this.#slots.set(last, slot);
    return true;
  }

  search(vector: Float32Array, k: number, among?: Iterable<number>): readonly Found[] {
    checkedK(k);
    this.#codes.ask(toUnitVector('query', vector, this.dimensions));
    const found = (among === undefined ? this.#nearest(k) : this.#nearestAmong(k, among)).sorted();
    // Twelve bits can say a little more than 1.
    return found.map(({key, similarity}) => ({key, similarity: Math.max(-1, Math.min(1, similarity))}));
  }

  contents(): Contents & {kind: 'quantised'} {
    const {scales, codes, rests} = this.#codes.copy(this.size);
    return {kind: 'quantised', dimensions: this.dimensions, keys: Float64Array.from(this.#keys), scales, codes, rests};
  }

  #nearest(k: number): Best {
    return (this.size <= SCAN_LIMIT ? null : this.#bySigns(k)) ?? this.#scan(k);
  }

  #nearestAmong(k: number, keys: Iterable<number>): Best {
    const best = new Best(k);
    for (const key of keys) {
      const slot = this.#slots.get(key);
      if (slot !== undefined) this.#consider(slot, best);
    }
    return best;
  }

  /** Compares all by their codes, and by their rests those that may be among the best. */
  #scan(k: number): Best {
    const best = new Best(k);
    let least = Number.NEGATIVE_INFINITY;
    for (let first = 0; first < this.size; first += CHUNK) {
      const {similarities, scale} = this.#codes.coarseOfChunk(first / CHUNK, Math.min(CHUNK, this.size - first));
      // Counted, not iterated: this is where the time goes.
      for (let index = 0; index < similarities.length; index += 1) {
        if ((similarities[index] ?? 0) * scale < least) continue;
        this.#consider(first + index, best);
        least = best.floor - this.#codes.slack;
      }
    }
    return best;
  }

  /** null: the signs leave so many that comparing all is faster. */
  #bySigns(k: number): Best | null {
    const best = new Best(k);
    const histogram = this.#codes.measure(this.size);
    const total = this.#codes.dimensions;
    const many = this.size / SCAN_SHARE;
    let looked = 0;
    let low = 0;
    for (let wanted = k * FIRST_LOOK; !best.isFull && low <= total; wanted *= 4) {
      let high = low;
      while (high <= total && looked < wanted) looked += histogram[high++] ?? 0;
      if (looked > many) return null;
      this.#considerBetween(low, high, best);
      low = high;
    }
    const reach = this.#reach(best.floor);
    for (let high = low; high < reach; high += 1) looked += histogram[high] ?? 0;
    if (looked > many) return null;
    if (reach > low) this.#considerBetween(low, reach, best);
    return best;
  }

  /** One more than the signs in which a vector at least so similar differs, but for bad luck. */
  #reach(similarity: number): number {
    const total = this.#codes.dimensions;
    const share = Math.acos(Math.max(-1, Math.min(1, similarity))) / Math.PI;
    return Math.min(total, Math.ceil(total * share + SURE * Math.sqrt(total * share * (1 - share)))) + 1;
  }

  #considerBetween(low: number, high: number, best: Best): void {
    for (let first = 0; first < this.size; first += CHUNK) {
      const found = this.#codes.within(first / CHUNK, Math.min(CHUNK, this.size - first), low, high);
      for (const index of found) this.#consider(first + index, best);
    }
  }

  #consider(slot: number, best: Best): void {
    const key = this.#keys[slot];
    const similarity = this.#codes.similarity(slot, best.floor);
    if (key === undefined || similarity < best.floor) return;
    best.offer({key, similarity});
  }
}
