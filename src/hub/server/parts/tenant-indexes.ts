import {endianness} from 'node:os';
import {type KeptIndex, openIndex} from '../../recall/open-index.ts';
import type {Embedder} from '../../recall/vector-index.ts';
import type {EpisodeVectors} from '../store/episode-vectors.ts';

/** Vectors that are read from the store in one go, before others have their turn: a few milliseconds. */
const PAGE = 100;

const IS_LITTLE = endianness() === 'LE';

export interface TenantIndexesParts {
  readonly vectors: Pick<EpisodeVectors, 'after'>;
  readonly embedder: Pick<Embedder, 'id' | 'dimensions'>;
  /** What all indexes may take together; those used longest ago go first, and are read again when they are needed. */
  readonly maxBytes: number;
}

/** The vector index of each tenant that recalls, read from the store when it is first asked for. */
export class TenantIndexes {
  readonly #parts: TenantIndexesParts;
  /** Used longest ago first. */
  readonly #indexes = new Map<string, {readonly index: KeptIndex; readonly loaded: Promise<void>}>();

  constructor(parts: TenantIndexesParts) {
    this.#parts = parts;
  }

  /** Resolves when all vectors there are have been read. Rejects when they cannot be. */
  async open(tenant: string): Promise<KeptIndex> {
    const known = this.#indexes.get(tenant);
    if (known !== undefined) {
      this.#indexes.delete(tenant);
      this.#indexes.set(tenant, known);
      await known.loaded;
      return known.index;
    }
    const index = openIndex(this.#parts.embedder);
    const loaded = this.#load(tenant, index);
    this.#indexes.set(tenant, {index, loaded});
    try {
      await loaded;
    } catch (error) {
      this.#indexes.delete(tenant);
      throw error;
    }
    this.#makeRoom(tenant);
    return index;
  }

  add(tenant: string, position: number, vector: Float32Array): void {
    this.#indexes.get(tenant)?.index.add(position, vector);
  }

  remove(tenant: string, position: number): void {
    this.#indexes.get(tenant)?.index.remove(position);
  }

  async #load(tenant: string, index: KeptIndex): Promise<void> {
    const {vectors, embedder} = this.#parts;
    for (let since = 0; ; ) {
      const page = vectors.after(tenant, embedder.id, {since, limit: PAGE});
      for (const {position, bytes} of page) {
        // What has come meanwhile is newer than what was written.
        if (!index.has(position)) index.add(position, vectorOf(bytes));
      }
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) return;
      since = last.position;
      await new Promise(resolve => setImmediate(resolve));
    }
  }

  #makeRoom(but: string): void {
    let bytes = 0;
    for (const {index} of this.#indexes.values()) bytes += index.memoryBytes;
    for (const [tenant, {index}] of this.#indexes) {
      if (bytes <= this.#parts.maxBytes) return;
      if (tenant === but) continue;
      this.#indexes.delete(tenant);
      bytes -= index.memoryBytes;
    }
  }
}

/** As vectors stand in the store: 32-bit floats, little-endian. */
export function bytesOf(vector: Float32Array): Buffer {
  if (IS_LITTLE) return Buffer.from(vector.buffer.slice(vector.byteOffset, vector.byteOffset + vector.byteLength));
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * 4);
  return bytes;
}

/** From what stands in the store. */
export function vectorOf(bytes: Buffer): Float32Array {
  // A copy of its own, since the buffer may begin anywhere.
  if (IS_LITTLE) return new Float32Array(new Uint8Array(bytes).buffer);
  return Float32Array.from({length: bytes.length / 4}, (_, index) => bytes.readFloatLE(index * 4));
}
