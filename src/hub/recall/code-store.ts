import {type Kernel, openKernel} from './kernel.ts';
import {type Rotation, rotatedDimensions, rotationFor} from './rotation.ts';

const PAGE = 65_536;
const MAX_PAGES = 65_536;
/** Vectors of one chunk: memory grows by as many. */
export const CHUNK = 1024;
/** A rest is so many parts of a step of its code. */
const PARTS = 16;
/** What is left of a similarity beyond its code is hardly ever more than so many times the scale of the code. */
const SLACK = 1.5;

/** Where things lie in memory, in bytes. */
interface Layout {
  /** A vector that is being turned, as floats, and the factors of its rotation. */
  readonly values: number;
  readonly signs: number;
  readonly query: number;
  readonly queryBits: number;
  readonly histogram: number;
  readonly scratch: number;
  readonly firstChunk: number;
  readonly chunkBytes: number;
}

/**
 * Vectors by slot, in a WebAssembly memory of their own: turned by `Rotation`, then per dimension a code of 8 bits and a rest
 * of 4, and a scale per vector; beside them the signs of the codes. 512 dimensions take 838 bytes. Slots are dense: the
 * owner fills the one that is left by moving the last into it.
 */
export class CodeStore {
  readonly dimensions: number;
  readonly kernel: Kernel;
  readonly layout: Layout;
  readonly #memory = new WebAssembly.Memory({initial: 1, maximum: MAX_PAGES});
  readonly #rotation: Rotation;
  readonly #queryLimit: number;
  #queryScale = 0;
  /** Of all that have ever been here. */
  #largestScale = 0;
  #capacity = 0;
  #bytes = new Uint8Array(0);
  #floats = new Float32Array(0);

  constructor(dimensions: number) {
    this.dimensions = rotatedDimensions(dimensions);
    this.#rotation = rotationFor(this.dimensions);
    // So that the sum of all products still fits 32 bits.
    this.#queryLimit = Math.min(32_767, Math.floor((2 ** 31 - 1) / (128 * this.dimensions)));
    this.layout = layoutFor(this.dimensions, this.#rotation);
    this.#grow(this.layout.firstChunk);
    this.#floats.set(this.#rotation.signs, this.layout.signs / 4);
    this.kernel = openKernel(this.#memory);
  }

  /** Of the memory that holds it all, in bytes. */
  get memoryBytes(): number {
    return this.#bytes.length;
  }

  /** Stores a unit vector. Throws RangeError when 4 GiB are full. */
  write(slot: number, unit: Float32Array): void {
    if (slot >= this.#capacity) this.#makeRoom(slot + 1);
    const largest = this.#turn(unit);
    const codes = this.codesAt(slot);
    const factor = largest === 0 ? 0 : 127 / largest;
    this.kernel.encode(this.layout.values, factor, codes, this.restsAt(slot), this.dimensions);
    this.kernel.signs(codes, this.bitsAt(slot), this.dimensions);
    this.#floats[this.scaleAt(slot) / 4] = largest / 127;
    this.#largestScale = Math.max(this.#largestScale, largest / 127);
  }

  move(from: number, to: number): void {
    const {dimensions} = this;
    this.#bytes.copyWithin(this.codesAt(to), this.codesAt(from), this.codesAt(from) + dimensions);
    this.#bytes.copyWithin(this.restsAt(to), this.restsAt(from), this.restsAt(from) + dimensions / 2);
    this.#bytes.copyWithin(this.bitsAt(to), this.bitsAt(from), this.bitsAt(from) + dimensions / 8);
    this.#floats[this.scaleAt(to) / 4] = this.#floats[this.scaleAt(from) / 4] ?? 0;
  }

  /** Copies of what the first `size` slots hold; the signs follow from the codes. */
  copy(size: number): {scales: Float32Array; codes: Uint8Array; rests: Uint8Array} {
    const {dimensions} = this;
    const scales = new Float32Array(size);
    const codes = new Uint8Array(size * dimensions);
    const rests = new Uint8Array((size * dimensions) / 2);
    for (let first = 0; first < size; first += CHUNK) {
      const count = Math.min(CHUNK, size - first);
      scales.set(this.#floats.subarray(this.scaleAt(first) / 4, this.scaleAt(first) / 4 + count), first);
      codes.set(
        this.#bytes.subarray(this.codesAt(first), this.codesAt(first) + count * dimensions),
        first * dimensions,
      );
      const half = dimensions / 2;
      rests.set(this.#bytes.subarray(this.restsAt(first), this.restsAt(first) + count * half), first * half);
    }
    return {scales, codes, rests};
  }

  /** Puts what `copy` gave into an empty store. */
  restore({scales, codes, rests}: {scales: Float32Array; codes: Uint8Array; rests: Uint8Array}): void {
    const {dimensions} = this;
    const size = scales.length;
    this.#largestScale = scales.reduce((most, scale) => Math.max(most, scale), this.#largestScale);
    this.#makeRoom(size);
    for (let first = 0; first < size; first += CHUNK) {
      const end = Math.min(first + CHUNK, size);
      this.#floats.set(scales.subarray(first, end), this.scaleAt(first) / 4);
      this.#bytes.set(codes.subarray(first * dimensions, end * dimensions), this.codesAt(first));
      this.#bytes.set(rests.subarray((first * dimensions) / 2, (end * dimensions) / 2), this.restsAt(first));
      // The signs of a chunk lie as close together as its codes.
      this.kernel.signs(this.codesAt(first), this.bitsAt(first), (end - first) * dimensions);
    }
  }

  /** Makes this unit vector the one that the others are compared with. */
  ask(unit: Float32Array): void {
    const {values, query, queryBits} = this.layout;
    const scale = this.#turn(unit) / this.#queryLimit;
    const turned = this.#floats.subarray(values / 4, values / 4 + this.dimensions);
    const integers = new Int16Array(this.#bytes.buffer, query, this.dimensions);
    this.#bytes.fill(0, queryBits, queryBits + this.dimensions / 8);
    for (let index = 0; index < this.dimensions; index += 1) {
      const value = scale === 0 ? 0 : Math.round((turned[index] ?? 0) / scale);
      integers[index] = value;
      if (value >= 0) continue;
      const byte = queryBits + (index >> 3);
      this.#bytes[byte] = (this.#bytes[byte] ?? 0) | (1 << (index & 7));
    }
    this.#queryScale = scale;
  }

  /** The similarity of what was asked, by codes alone, when that is clearly below `floor`; else by codes and rests. */
  similarity(slot: number, floor: number): number {
    const scale = (this.#floats[this.scaleAt(slot) / 4] ?? 0) * this.#queryScale;
    const {query} = this.layout;
    const coarse = this.kernel.dot(this.codesAt(slot), query, this.dimensions);
    if (coarse * scale < floor - this.slack) return coarse * scale;
    return (coarse + this.kernel.dotOfRests(this.restsAt(slot), query, this.dimensions) / PARTS) * scale;
  }

  /** How far a similarity by codes may be from that by codes and rests. */
  get slack(): number {
    return SLACK * this.#largestScale;
  }

  /** The similarities by codes alone of the `count` slots of a chunk; overwritten by the next call. */
  coarseOfChunk(chunk: number, count: number): {similarities: Float32Array; scale: number} {
    const first = chunk * CHUNK;
    const {query, scratch} = this.layout;
    this.kernel.similarities(this.codesAt(first), this.scaleAt(first), query, scratch, count, this.dimensions);
    return {similarities: this.#floats.subarray(scratch / 4, scratch / 4 + count), scale: this.#queryScale};
  }

  /** How many of the first `size` slots differ from what was asked in so many signs, by number of signs. */
  measure(size: number): Uint32Array {
    const {queryBits, histogram} = this.layout;
    this.#bytes.fill(0, histogram, histogram + 4 * (this.dimensions + 1));
    for (let first = 0; first < size; first += CHUNK) {
      this.kernel.distances(
        this.bitsAt(first),
        queryBits,
        this.distancesAt(first),
        histogram,
        Math.min(CHUNK, size - first),
        this.dimensions / 8,
      );
    }
    return new Uint32Array(this.#bytes.buffer, histogram, this.dimensions + 1);
  }

  /** Slots of a chunk that `measure` found to differ in `low` up to `high` - 1 signs, counted from its first; overwritten by the next call. */
  within(chunk: number, count: number, low: number, high: number): Uint32Array {
    const {scratch} = this.layout;
    const found = this.kernel.within(this.distancesAt(chunk * CHUNK), count, low, high, scratch);
    return new Uint32Array(this.#bytes.buffer, scratch, found);
  }

  codesAt(slot: number): number {
    return this.#chunkAt(slot) + (slot % CHUNK) * this.dimensions;
  }

  restsAt(slot: number): number {
    return this.#chunkAt(slot) + CHUNK * this.dimensions + (slot % CHUNK) * (this.dimensions / 2);
  }

  bitsAt(slot: number): number {
    return this.#chunkAt(slot) + CHUNK * this.dimensions * 1.5 + (slot % CHUNK) * (this.dimensions / 8);
  }

  scaleAt(slot: number): number {
    return this.#chunkAt(slot) + CHUNK * this.dimensions * 1.625 + (slot % CHUNK) * 4;
  }

  distancesAt(slot: number): number {
    return this.#chunkAt(slot) + CHUNK * (this.dimensions * 1.625 + 4) + (slot % CHUNK) * 2;
  }

  #chunkAt(slot: number): number {
    return this.layout.firstChunk + Math.floor(slot / CHUNK) * this.layout.chunkBytes;
  }

  /** Leaves the turned vector at `values`; returns the largest absolute value in it. */
  #turn(unit: Float32Array): number {
    const {values, signs} = this.layout;
    const {block, starts} = this.#rotation;
    this.#floats.fill(0, values / 4 + unit.length, values / 4 + this.dimensions);
    this.#floats.set(unit, values / 4);
    for (const [round, start] of starts.entries()) {
      this.kernel.transform(values + 4 * start, signs + 4 * round * block, block);
    }
    return this.kernel.largest(values, this.dimensions);
  }

  #makeRoom(size: number): void {
    const chunks = Math.ceil(size / CHUNK);
    this.#grow(this.layout.firstChunk + chunks * this.layout.chunkBytes);
    this.#capacity = chunks * CHUNK;
  }

  #grow(bytes: number): void {
    const pages = Math.ceil(bytes / PAGE);
    const has = this.#memory.buffer.byteLength / PAGE;
    if (pages > MAX_PAGES) throw new RangeError(`A vector index of ${this.#capacity} vectors is full: it holds 4 GiB.`);
    if (pages > has) this.#memory.grow(pages - has);
    this.#bytes = new Uint8Array(this.#memory.buffer);
    this.#floats = new Float32Array(this.#memory.buffer);
  }
}

function layoutFor(dimensions: number, rotation: Rotation): Layout {
  const values = 0;
  const signs = values + 4 * dimensions;
  const query = signs + rotation.signs.byteLength;
  const queryBits = query + 2 * dimensions;
  const histogram = queryBits + dimensions / 8;
  const scratch = aligned(histogram + 4 * (dimensions + 1));
  return {
    values,
    signs,
    query,
    queryBits,
    histogram,
    scratch,
    // One past the end of the scratch is written to and not kept.
    firstChunk: aligned(scratch + 4 * (CHUNK + 1)),
    chunkBytes: CHUNK * (dimensions * 1.625 + 6),
  };
}

function aligned(address: number): number {
  return Math.ceil(address / 64) * 64;
}
