import {expect, test} from 'vitest';
import {clustered, DIMENSIONS, ExactNearest, toUnit} from '../../scripts/bench/vector-corpora.ts';

function cosine(a: Float32Array, b: Float32Array): number {
  const [one, other] = [toUnit(a), toUnit(b)];
  return one.reduce((sum, value, index) => sum + value * (other[index] ?? 0), 0);
}

test('the exact search that others are held against finds the most similar', () => {
  const source = clustered(300);
  const query = source.next();
  const vectors = Array.from({length: 300}, () => source.next());
  const nearest = new ExactNearest(query, 10);
  for (const [key, vector] of vectors.entries()) nearest.offer(key, toUnit(vector), 0);
  const sorted = vectors
    .map((vector, key) => ({key, similarity: cosine(vector, query)}))
    .toSorted((a, b) => b.similarity - a.similarity);
  expect([...nearest.keys]).toEqual(sorted.slice(0, 10).map(({key}) => key));
});

test('it takes vectors that lie in a row', () => {
  const source = clustered(100);
  const rows = new Float32Array(3 * DIMENSIONS);
  const query = source.next();
  rows.set(toUnit(source.next()), 0);
  rows.set(toUnit(query), DIMENSIONS);
  rows.set(toUnit(source.next()), 2 * DIMENSIONS);
  const nearest = new ExactNearest(query, 1);
  for (let key = 0; key < 3; key += 1) nearest.offer(key, rows, key * DIMENSIONS);
  expect([...nearest.keys]).toEqual([1]);
});

test('a clustered corpus has neighbours that stand out, and is the same each time', () => {
  const [one, other] = [clustered(100), clustered(100)];
  const vectors = Array.from({length: 20}, () => one.next());
  // One centre for each hundred.
  for (const vector of vectors) expect(cosine(vector, vectors[0]!)).toBeGreaterThan(0.7);
  expect(other.next()).toEqual(vectors[0]);
});
