import {seededRandom} from '../../base/random.ts';

const ROUNDS = 4;
/** The kernel reads so many bits of a vector at a time. */
const LANES = 128;

/** The number of dimensions a rotated vector has: the next multiple of 128. */
export function rotatedDimensions(dimensions: number): number {
  return Math.ceil(dimensions / LANES) * LANES;
}

/**
 * Always the same random-looking rotation: random signs and a Walsh-Hadamard transform, four times over, each time of the
 * largest power of two at alternating ends. It keeps every inner product, and spreads what a vector says evenly over all of
 * its dimensions, which is what makes few bits for each of them go far. Source: Andoni et al., "Practical and Optimal LSH
 * for Angular Distance", 2015, section 4.
 */
export class Rotation {
  readonly #size: number;
  readonly #block: number;
  readonly #signs: Float32Array;

  constructor(dimensions: number) {
    this.#size = rotatedDimensions(dimensions);
    this.#block = 2 ** Math.floor(Math.log2(this.#size));
    const random = seededRandom(0x90de1);
    const scale = 1 / Math.sqrt(this.#block);
    this.#signs = Float32Array.from({length: ROUNDS * this.#block}, () => (random() < 0.5 ? -scale : scale));
  }

  /** Rotates in place; `vector` has `rotatedDimensions`, those beyond the true ones being 0. */
  turn(vector: Float32Array): void {
    for (let round = 0; round < ROUNDS; round += 1) {
      const start = round % 2 === 0 ? 0 : this.#size - this.#block;
      const part = vector.subarray(start, start + this.#block);
      const signs = this.#signs.subarray(round * this.#block, (round + 1) * this.#block);
      for (let index = 0; index < part.length; index += 1) part[index] = (part[index] ?? 0) * (signs[index] ?? 0);
      transform(part);
    }
  }
}

function transform(values: Float32Array): void {
  for (let half = 1; half < values.length; half *= 2) {
    for (let start = 0; start < values.length; start += 2 * half) {
      for (let index = start; index < start + half; index += 1) {
        const a = values[index] ?? 0;
        const b = values[index + half] ?? 0;
        values[index] = a + b;
        values[index + half] = a - b;
      }
    }
  }
}
