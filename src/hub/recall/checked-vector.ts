/** The most neighbours one search gives. */
const MAX_K = 10_000;

/**
 * A copy of `vector` brought to unit length; one without any length stays as it is, and is like nothing. Throws RangeError
 * on another number of dimensions, and on a key or component that is not a number an index can hold.
 */
export function toUnitVector(key: number | 'query', vector: Float32Array, dimensions: number): Float32Array {
  if (key !== 'query' && (!Number.isSafeInteger(key) || key < 0)) {
    throw new RangeError(`A vector's key is ${key}; it must be an integer from 0 to 2^53 - 1.`);
  }
  if (vector.length !== dimensions) {
    throw new RangeError(
      `The vector of ${key} has ${vector.length} dimensions and the index ${dimensions}: it comes from another embedder.`,
    );
  }
  let squares = 0;
  for (const value of vector) squares += value * value;
  if (!Number.isFinite(squares)) throw new RangeError(`The vector of ${key} holds a number that is not finite.`);
  const scale = squares === 0 ? 0 : 1 / Math.sqrt(squares);
  const unit = new Float32Array(dimensions);
  for (let index = 0; index < dimensions; index += 1) unit[index] = (vector[index] ?? 0) * scale;
  return unit;
}

export function checkedK(k: number): number {
  if (!Number.isInteger(k) || k < 1 || k > MAX_K) {
    throw new RangeError(`${k} neighbours were asked for; it must be an integer from 1 to ${MAX_K}.`);
  }
  return k;
}
