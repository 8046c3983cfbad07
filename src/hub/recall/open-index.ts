import {fail, ok, type Result} from '../../base/result.ts';
import type {Found} from './best.ts';
import {ExactIndex} from './exact-index.ts';
import {QuantisedIndex} from './quantised-index.ts';
import {type Contents, packSnapshot, type SnapshotFailure, unpackSnapshot} from './snapshot.ts';
import type {VectorIndex} from './vector-index.ts';

/** Up to so many vectors, comparing each as it is costs less than 0.2 ms. */
const EXACT_LIMIT = 256;
const MAX_DIMENSIONS = 8192;

/** A vector index that can be kept in a file: see `openIndex` and `loadIndex`. */
export interface KeptIndex extends VectorIndex {
  /** Of the embedder whose vectors it holds. */
  readonly embedder: string;
  /** What its vectors take, in bytes; keys come to about 50 bytes more each. */
  readonly memoryBytes: number;
  has(key: number): boolean;
  /** All keys, in no order. */
  keys(): IterableIterator<number>;
  /** Everything it holds, for `loadIndex`: about 780 bytes per vector of 512 dimensions, with a checksum. Blocks: seconds for a million. */
  snapshot(): Buffer;
}

/**
 * An empty index of vectors of this embedder: exact up to 256 vectors; beyond that 12 bits per dimension, found by their
 * signs. Throws RangeError on dimensions that are not an integer from 1 to 8192.
 */
export function openIndex(embedder: {readonly id: string; readonly dimensions: number}): KeptIndex {
  const {id, dimensions} = embedder;
  if (!Number.isInteger(dimensions) || dimensions < 1 || dimensions > MAX_DIMENSIONS) {
    throw new RangeError(`${id} gives vectors of ${dimensions} dimensions; an index takes 1 to ${MAX_DIMENSIONS}.`);
  }
  return new GrowingIndex(id, new ExactIndex(dimensions));
}

/** The index that `snapshot` gave, or why it cannot be had from these bytes: then everything is embedded anew. */
export function loadIndex(
  bytes: Buffer,
  embedder: {readonly id: string; readonly dimensions: number},
): Result<KeptIndex, SnapshotFailure> {
  const unpacked = unpackSnapshot(bytes, embedder);
  if (!unpacked.ok) return unpacked;
  const contents = unpacked.value;
  const index = contents.kind === 'exact' ? ExactIndex.from(contents) : QuantisedIndex.from(contents);
  if (index.size !== contents.keys.length) {
    return fail({kind: 'corrupt', detail: 'The snapshot of the vector index names a key twice.'});
  }
  return ok(new GrowingIndex(embedder.id, index));
}

class GrowingIndex implements KeptIndex {
  readonly embedder: string;
  #index: ExactIndex | QuantisedIndex;

  constructor(embedder: string, index: ExactIndex | QuantisedIndex) {
    this.embedder = embedder;
    this.#index = index;
  }

  get dimensions(): number {
    return this.#index.dimensions;
  }

  get size(): number {
    return this.#index.size;
  }

  get memoryBytes(): number {
    return this.#index.memoryBytes;
  }

  has(key: number): boolean {
    return this.#index.has(key);
  }

  keys(): IterableIterator<number> {
    return this.#index.keys();
  }

  add(key: number, vector: Float32Array): void {
    this.#index.add(key, vector);
    if (this.#index instanceof ExactIndex && this.size > EXACT_LIMIT) this.#index = quantised(this.#index);
  }

  remove(key: number): boolean {
    return this.#index.remove(key);
  }

  search(vector: Float32Array, k: number, among?: Iterable<number>): readonly Found[] {
    return this.#index.search(vector, k, among);
  }

  snapshot(): Buffer {
    const contents: Contents = this.#index.contents();
    return packSnapshot(contents, this.embedder);
  }
}

function quantised(exact: ExactIndex): QuantisedIndex {
  const index = new QuantisedIndex(exact.dimensions);
  for (const [key, vector] of exact.entries()) index.add(key, vector);
  return index;
}
