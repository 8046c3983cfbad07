import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {seededRandom} from '../../../src/base/random.ts';
import {ExactIndex} from '../../../src/hub/recall/exact-index.ts';
import {loadIndex, openIndex} from '../../../src/hub/recall/open-index.ts';
import {QuantisedIndex} from '../../../src/hub/recall/quantised-index.ts';
import type {VectorIndex} from '../../../src/hub/recall/vector-index.ts';
import {clustered, cosine} from './vectors.ts';

/** How far a similarity by 12 bits per dimension may be from the true one. */
const CLOSE = 5e-4;

const INDEXES: readonly (readonly [name: string, open: (dimensions: number) => VectorIndex])[] = [
  ['exact', dimensions => new ExactIndex(dimensions)],
  ['quantised', dimensions => new QuantisedIndex(dimensions)],
  ['growing', dimensions => openIndex({id: 'test', dimensions})],
];

describe.each(INDEXES)('%s index', (_name, open) => {
  test('holds what a map would hold after any sequence of adding, replacing and removing', () => {
    const key = fc.oneof(fc.integer({min: 0, max: 30}), fc.constant(Number.MAX_SAFE_INTEGER));
    const step = fc.oneof({weight: 3, arbitrary: fc.tuple(key, fc.integer())}, {weight: 1, arbitrary: fc.tuple(key)});
    fc.assert(
      fc.property(fc.array(step, {maxLength: 80}), fc.integer({min: 1, max: 200}), (steps, dimensions) => {
        const index = open(dimensions);
        const model = new Map<number, Float32Array>();
        for (const [at, seed] of steps) {
          if (seed === undefined) {
            expect(index.remove(at)).toBe(model.delete(at));
            continue;
          }
          const [vector] = clustered(seededRandom(seed), {count: 1, dimensions, centres: 1, spread: 0});
          index.add(at, vector!);
          model.set(at, vector!);
        }
        expect(index.size).toBe(model.size);
        const [query] = clustered(seededRandom(1), {count: 1, dimensions, centres: 1, spread: 0});
        const found = index.search(query!, 100);
        expect(found.map(hit => hit.key).toSorted((a, b) => a - b)).toEqual([...model.keys()].sort((a, b) => a - b));
        for (const hit of found)
          expect(Math.abs(hit.similarity - cosine(query!, model.get(hit.key)!))).toBeLessThan(CLOSE);
        expect(found.map(hit => hit.similarity)).toEqual(found.map(hit => hit.similarity).toSorted((a, b) => b - a));
      }),
    );
  });

  test('finds nothing when it is empty, and fewer than asked when it has fewer', () => {
    const index = open(3);
    expect(index.search(Float32Array.of(1, 0, 0), 5)).toEqual([]);
    index.add(7, Float32Array.of(0, 2, 0));
    expect(index.search(Float32Array.of(0, 1, 0), 5)).toEqual([{key: 7, similarity: expect.closeTo(1, 4)}]);
  });

  test('gives the same order for equal vectors: the smaller key first', () => {
    const index = open(4);
    for (const key of [9, 3, 7, 1]) index.add(key, Float32Array.of(1, 2, 3, 4));
    expect(index.search(Float32Array.of(1, 1, 1, 1), 3).map(hit => hit.key)).toEqual([1, 3, 7]);
  });

  test('a vector without any length is like nothing', () => {
    const index = open(4);
    index.add(1, new Float32Array(4));
    expect(index.search(Float32Array.of(1, 0, 0, 0), 1)).toEqual([{key: 1, similarity: 0}]);
    expect(index.search(new Float32Array(4), 1)[0]?.similarity).toBeCloseTo(0);
  });

  test('refuses what it cannot hold, and says why', () => {
    const index = open(2);
    expect(() => index.add(1, Float32Array.of(1, 2, 3))).toThrow(/3 dimensions and the index 2/);
    expect(() => index.add(1, Float32Array.of(1, Number.NaN))).toThrow(/not finite/);
    expect(() => index.add(1, Float32Array.of(1, Number.POSITIVE_INFINITY))).toThrow(/not finite/);
    expect(() => index.add(0.5, Float32Array.of(1, 2))).toThrow(/integer from 0/);
    expect(() => index.add(-1, Float32Array.of(1, 2))).toThrow(/integer from 0/);
    expect(() => index.search(Float32Array.of(1), 1)).toThrow(/vector of query has 1 dimensions/);
    expect(() => index.search(Float32Array.of(1, 2), 0)).toThrow(/from 1 to 10000/);
    expect(index.size).toBe(0);
  });
});

describe('many vectors', () => {
  const dimensions = 256;
  const count = 6000;
  const vectors = clustered(seededRandom(3), {count: count + 40, dimensions, centres: 60, spread: 0.6});
  const queries = vectors.slice(count);
  const exact = new ExactIndex(dimensions);
  const index = openIndex({id: 'test', dimensions});
  for (const [key, vector] of vectors.slice(0, count).entries()) {
    exact.add(key, vector);
    index.add(key, vector);
  }

  function recallAt10(among?: readonly number[]): number {
    let found = 0;
    for (const query of queries) {
      const right = new Set(exact.search(query, 10, among).map(hit => hit.key));
      found += index.search(query, 10, among).filter(hit => right.has(hit.key)).length;
    }
    return found / (10 * queries.length);
  }

  test('finds at least 99 of 100 of the true ten nearest', () => {
    expect(recallAt10()).toBeGreaterThanOrEqual(0.99);
  });

  test.each([2, 50, 500])('and of those it may show, one in %i', share => {
    expect(recallAt10(Array.from({length: count / share}, (_, index) => index * share))).toBeGreaterThanOrEqual(0.99);
  });

  test('finds all that it may show when they are fewer than asked for', () => {
    const few = [5, 600, 5999];
    const shown = index.search(queries[0]!, 10, [...few, 6000, -1]).map(hit => hit.key);
    expect(shown.toSorted((a, b) => a - b)).toEqual(few);
  });

  test('also after many have been removed and replaced, and from a snapshot', () => {
    const changed = openIndex({id: 'test', dimensions});
    const model = new ExactIndex(dimensions);
    const random = seededRandom(6);
    for (const [place, vector] of vectors.slice(0, count).entries()) {
      // Keys in no order, so that what is removed lies anywhere.
      const key = (place * 7919) % count;
      changed.add(key, vectors[(place + 1) % count]!);
      changed.add(key, vector);
      model.add(key, vector);
      if (random() > 0.4) continue;
      const gone = ((place - Math.floor(random() * 300)) * 7919) % count;
      expect(changed.remove(gone)).toBe(model.remove(gone));
    }
    expect(changed.size).toBe(model.size);
    expect(changed.size).toBeGreaterThan(3000);
    const loaded = loadIndex(changed.snapshot(), {id: 'test', dimensions});
    let found = 0;
    for (const query of queries) {
      const right = new Set(model.search(query, 10).map(hit => hit.key));
      const hits = changed.search(query, 10);
      found += hits.filter(hit => right.has(hit.key)).length;
      expect(loaded.ok && loaded.value.search(query, 10)).toEqual(hits);
    }
    expect(found / (10 * queries.length)).toBeGreaterThanOrEqual(0.99);
  });

  test('nothing is more like itself than wholly', () => {
    for (let key = 0; key < 100; key += 1) {
      const [first] = index.search(vectors[key]!, 1);
      expect(first?.key).toBe(key);
      expect(first?.similarity).toBeCloseTo(1, 3);
      expect(first?.similarity).toBeLessThanOrEqual(1);
    }
  });

  test('finds vectors that do not stand out, by comparing them all', () => {
    const scattered = clustered(seededRandom(4), {count: 5000, dimensions, centres: 5000, spread: 0});
    const [all, some] = [new ExactIndex(dimensions), openIndex({id: 'test', dimensions})];
    for (const [key, vector] of scattered.entries()) {
      all.add(key, vector);
      some.add(key, vector);
    }
    let found = 0;
    for (const query of queries.slice(0, 10)) {
      const right = new Set(all.search(query, 10).map(hit => hit.key));
      found += some.search(query, 10).filter(hit => right.has(hit.key)).length;
    }
    expect(found).toBeGreaterThanOrEqual(98);
  });

  test('takes at most 1 KB each at 512 dimensions', () => {
    const large = openIndex({id: 'test', dimensions: 512});
    const vector = new Float32Array(512).fill(1);
    for (let key = 0; key < 10_000; key += 1) large.add(key, vector);
    expect(large.memoryBytes / large.size).toBeLessThan(950);
  });
});
