import type {Random} from '../../../src/base/random.ts';

/** One draw of a standard normal. */
export function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Vectors around so many centres, each component off by `spread` times a normal draw. */
export function clustered(
  random: Random,
  {count, dimensions, centres, spread}: {count: number; dimensions: number; centres: number; spread: number},
): Float32Array[] {
  const middles = Array.from({length: centres}, () => Float32Array.from({length: dimensions}, () => normal(random)));
  return Array.from({length: count}, () => {
    const middle = middles[Math.floor(random() * centres)]!;
    return middle.map(value => value + spread * normal(random));
  });
}

/** Cosine similarity, as it is defined. */
export function cosine(a: Float32Array, b: Float32Array): number {
  let [product, squareA, squareB] = [0, 0, 0];
  for (let index = 0; index < a.length; index += 1) {
    product += a[index]! * b[index]!;
    squareA += a[index]! ** 2;
    squareB += b[index]! ** 2;
  }
  return squareA === 0 || squareB === 0 ? 0 : product / Math.sqrt(squareA * squareB);
}
