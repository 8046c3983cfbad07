import {crc32} from 'node:zlib';
import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {seededRandom} from '../../../src/base/random.ts';
import {type KeptIndex, loadIndex, openIndex} from '../../../src/hub/recall/open-index.ts';
import {clustered} from './vectors.ts';

const EMBEDDER = {id: 'test', dimensions: 130};

function filled(count: number): KeptIndex {
  const index = openIndex(EMBEDDER);
  const vectors = clustered(seededRandom(count), {count, dimensions: EMBEDDER.dimensions, centres: 5, spread: 0.5});
  for (const [place, vector] of vectors.entries()) index.add(place * 3, vector);
  return index;
}

const [QUERY = new Float32Array()] = clustered(seededRandom(8), {count: 1, dimensions: 130, centres: 1, spread: 0});

describe('a snapshot of an index', () => {
  test.each([0, 1, 256, 257, 1024, 3000])('of %i vectors gives the same index', count => {
    const index = filled(count);
    index.remove(3);
    const loaded = loadIndex(index.snapshot(), EMBEDDER);
    if (!loaded.ok) throw new Error(loaded.failure.detail);
    const copy = loaded.value;
    expect(copy.size).toBe(index.size);
    expect([...copy.keys()].sort()).toEqual([...index.keys()].sort());
    expect(copy.search(QUERY, 20)).toEqual(index.search(QUERY, 20));
    expect(copy.snapshot().equals(index.snapshot())).toBe(true);
    for (const each of [index, copy]) {
      each.add(1, QUERY);
      each.remove(0);
    }
    expect(copy.search(QUERY, 20)).toEqual(index.search(QUERY, 20));
  });

  test.each([5, 300])('of %i vectors is refused when any byte of it is another', count => {
    const bytes = filled(count).snapshot();
    fc.assert(
      fc.property(fc.nat({max: bytes.length - 1}), fc.integer({min: 1, max: 255}), (at, change) => {
        const damaged = Buffer.from(bytes);
        damaged[at] = (damaged[at] ?? 0) ^ change;
        expect(loadIndex(damaged, EMBEDDER).ok).toBe(false);
      }),
      {numRuns: 300},
    );
  });

  test('is refused when it breaks off or goes on', () => {
    const bytes = filled(20).snapshot();
    for (let length = 0; length < bytes.length; length += 97) {
      const cut = loadIndex(bytes.subarray(0, length), EMBEDDER);
      expect(cut.ok ? null : cut.failure.kind).toBe(length < 8 ? 'foreign' : 'truncated');
    }
    expect(loadIndex(Buffer.concat([bytes, Buffer.of(0)]), EMBEDDER)).toMatchObject({failure: {kind: 'truncated'}});
  });

  test('is refused with the reason', () => {
    const bytes = filled(300).snapshot();
    expect(loadIndex(Buffer.from('something else'), EMBEDDER)).toMatchObject({failure: {kind: 'foreign'}});
    const other = loadIndex(bytes, {...EMBEDDER, id: 'another'});
    expect(other).toMatchObject({
      failure: {
        kind: 'other-embedder',
        detail: 'The snapshot of the vector index is of test (130 dimensions), not of another (130).',
      },
    });
    bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
    expect(loadIndex(bytes, EMBEDDER)).toMatchObject({failure: {kind: 'corrupt'}});
  });

  test('of another version is refused before anything in it is believed', () => {
    const bytes = filled(3).snapshot();
    bytes.writeUInt32LE(2, 8);
    bytes.writeUInt32LE(crc32(bytes.subarray(0, 36)), 36);
    const detail = 'The snapshot of the vector index has version 2; this program reads 1.';
    expect(loadIndex(bytes, EMBEDDER)).toEqual({ok: false, failure: {kind: 'foreign', detail}});
  });

  test('is read from wherever its bytes lie', () => {
    const bytes = filled(300).snapshot();
    const shifted = Buffer.concat([Buffer.of(0), bytes]).subarray(1);
    expect(loadIndex(shifted, EMBEDDER).ok).toBe(true);
  });
});
