import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {hashedEmbedder, hashedVector, wordsOf} from '../../../src/hub/recall/hashed-embedder.ts';
import {hitsOf} from './hits.ts';
import {OTHER_WORDS, SAME_WORDS} from './sanity-pairs.ts';
import {cosine} from './vectors.ts';

describe('hashed n-grams', () => {
  test('any text has a vector of unit length, always the same', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({unit: 'binary'}), fc.constantFrom('', ' ', '!?', '日本語', 'the of and')),
        text => {
          const vector = hashedVector(text);
          expect(vector).toHaveLength(512);
          expect(cosine(vector, vector)).toBeCloseTo(1);
          expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
          expect(hashedVector(text)).toEqual(vector);
        },
      ),
    );
  });

  test('the vector of a text stays what it was: kept vectors depend on it', () => {
    const vector = hashedVector('Fix the flaky loginTest of web_shop');
    const largest = [...vector.entries()].sort((a, b) => Math.abs(b[1]) - Math.abs(a[1])).slice(0, 3);
    expect(largest.map(([bucket, value]) => [bucket, Number(value.toFixed(4))])).toMatchInlineSnapshot(`
      [
        [
          132,
          -0.2679,
        ],
        [
          193,
          -0.2679,
        ],
        [
          263,
          -0.2679,
        ],
      ]
    `);
  });

  test('wording that is alike is nearer than wording that is not', () => {
    const near = (a: string, b: string) => cosine(hashedVector(a), hashedVector(b));
    expect(near('parse the csv file', 'parsing CSV files')).toBeGreaterThan(
      near('parse the csv file', 'deploy the web app'),
    );
    expect(near('fix parseCsvFile', 'fix parse_csv_file')).toBeCloseTo(1);
    expect(near('Ａ full-width text', 'a full-width text')).toBeCloseTo(1);
  });

  test('only the first 16,384 characters count', () => {
    const text = 'word '.repeat(4000);
    expect(hashedVector(text)).toEqual(hashedVector(text.slice(0, 16_384)));
    expect(wordsOf(text).length).toBe(3277);
  });

  test('brings together tasks that share words; for other words it takes a model', async () => {
    const embedder = hashedEmbedder();
    expect(await hitsOf(embedder, SAME_WORDS)).toBe(12);
    expect(await hitsOf(embedder, OTHER_WORDS)).toBeLessThan(8);
    await embedder.close();
  });
});
