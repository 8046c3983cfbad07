import {expect, test} from 'vitest';
import {seededRandom} from '../../../src/base/random.ts';
import {CodeStore} from '../../../src/hub/recall/code-store.ts';
import {toUnitVector} from '../../../src/hub/recall/checked-vector.ts';
import {clustered, cosine} from './vectors.ts';

const SIZE = 2500;

test.each([1, 100, 128, 512, 700, 1536])(
  'what is stored of %i dimensions says how similar it is, also in another store',
  dimensions => {
    const vectors = clustered(seededRandom(dimensions), {count: SIZE + 1, dimensions, centres: 50, spread: 0.5});
    const store = new CodeStore(dimensions);
    for (const [slot, vector] of vectors.slice(0, SIZE).entries())
      store.write(slot, toUnitVector(slot, vector, dimensions));
    const other = new CodeStore(dimensions);
    other.restore(store.copy(SIZE));
    const query = toUnitVector('query', vectors[SIZE]!, dimensions);
    for (const each of [store, other]) each.ask(query);
    for (const slot of [0, 1, 1023, 1024, 2047, 2048, SIZE - 1]) {
      const exact = cosine(vectors[slot]!, query);
      expect(Math.abs(store.similarity(slot, -1) - exact)).toBeLessThan(2e-4);
      expect(other.similarity(slot, -1)).toBe(store.similarity(slot, -1));
      // By codes alone it is close enough for what is clearly less.
      expect(Math.abs(store.similarity(slot, 2) - exact)).toBeLessThan(store.slack);
    }
    // By their signs the vectors lie as their angles say, here as there.
    const histogram = [...store.measure(SIZE)];
    expect([...other.measure(SIZE)]).toEqual(histogram);
    expect(histogram.reduce((sum, count) => sum + count, 0)).toBe(SIZE);
    const mean = histogram.reduce((sum, count, distance) => sum + count * distance, 0) / SIZE / store.dimensions;
    const angle =
      vectors.slice(0, SIZE).reduce((sum, vector) => sum + Math.acos(cosine(vector, query)) / Math.PI, 0) / SIZE;
    if (dimensions >= 100) expect(Math.abs(mean - angle)).toBeLessThan(0.02);
  },
);

test('the slots within a span of distances are those, whatever the span and the rest of a group of eight', () => {
  const store = new CodeStore(128);
  const vectors = clustered(seededRandom(2), {count: 1031, dimensions: 128, centres: 1000, spread: 0});
  for (const [slot, vector] of vectors.entries()) store.write(slot, toUnitVector(slot, vector, 128));
  store.ask(toUnitVector('query', vectors[0]!, 128));
  const histogram = [...store.measure(1031)];
  for (const [low, high] of [
    [0, 1],
    [0, 129],
    [60, 64],
    [64, 65],
    [5, 5],
    [128, 129],
  ] as const) {
    const slots = [...store.within(0, 1024, low, high)].concat(
      [...store.within(1, 7, low, high)].map(slot => slot + 1024),
    );
    expect(new Set(slots).size).toBe(slots.length);
    expect(slots.length).toBe(histogram.slice(low, high).reduce((sum, count) => sum + count, 0));
  }
});
