import {seededRandom} from '../../base/random.ts';

/** The kernel reads so many bits of a vector at a time. */
const LANES = 128;
const ROUNDS = 4;

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
export interface Rotation {
  /** Floats that one round takes: a power of two. */
  readonly block: number;
  /** The first float of each round. */
  readonly starts: readonly number[];
  /** For each round `block` factors, which keep the length of what they are multiplied with and transformed. */
  readonly signs: Float32Array;
}

/** The rotation of vectors of `size` dimensions, a multiple of 128. */
export function rotationFor(size: number): Rotation {
  const block = 2 ** Math.floor(Math.log2(size));
  const random = seededRandom(0x90de1);
  const scale = 1 / Math.sqrt(block);
  return {
    block,
    starts: Array.from({length: ROUNDS}, (_, round) => (round % 2 === 0 ? 0 : size - block)),
    signs: Float32Array.from({length: ROUNDS * block}, () => (random() < 0.5 ? -scale : scale)),
  };
}
