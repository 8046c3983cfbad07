import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {type Random, seededRandom} from '../../src/base/random.ts';
import {hashedVector} from '../../src/hub/recall/hashed-embedder.ts';

export const DIMENSIONS = 512;
const ROOT = join(import.meta.dirname, '..', '..');

/** As many vectors as are wanted, one after the other, so that they need not all be held. */
export interface VectorSource {
  readonly name: string;
  next(): Float32Array;
}

/** A centre for each hundred of `size` vectors, which lie around it with a cosine of about 0.8. */
export function clustered(size: number): VectorSource {
  const random = seededRandom(size);
  const draw = () => Float32Array.from({length: DIMENSIONS}, () => normal(random));
  const centres = Array.from({length: size / 100}, draw);
  return {
    name: 'clustered',
    next() {
      const centre = centres[Math.floor(random() * centres.length)] ?? draw();
      return centre.map(value => value + 0.5 * normal(random));
    },
  };
}

function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** The sentences of the manuals of godel and of the packages it uses, in no order; after them, pairs of them. */
export function sentences(size: number): VectorSource {
  const random = seededRandom(size);
  const all = [...knownSentences()];
  const pick = () => all[Math.floor(random() * all.length)] ?? '';
  const mixed = all.map(each => ({each, order: random()})).sort((a, b) => a.order - b.order);
  let place = 0;
  return {
    name: 'sentences',
    next() {
      const text = mixed[place++]?.each ?? `${pick()} ${pick()}`;
      return hashedVector(text);
    },
  };
}

function knownSentences(): ReadonlySet<string> {
  const known = new Set<string>();
  for (const folder of ['docs', 'node_modules']) {
    for (const file of readdirSync(join(ROOT, folder), {recursive: true, encoding: 'utf8'}).sort()) {
      if (file.endsWith('.md'))
        sentencesOf(readFileSync(join(ROOT, folder, file), 'utf8')).forEach(each => known.add(each));
    }
  }
  return known;
}

function sentencesOf(text: string): readonly string[] {
  return text
    .split(/(?<=[.!?])\s+|\n+/)
    .map(part => part.trim())
    .filter(part => part.length >= 25 && part.length < 400 && /[a-z]{3} [a-z]{2}/i.test(part));
}

/** The `k` with the largest inner product with a unit vector, of all that are offered. */
export class ExactNearest {
  readonly #unit: Float32Array;
  readonly #k: number;
  readonly #best: {key: number; similarity: number}[] = [];

  constructor(query: Float32Array, k: number) {
    this.#unit = toUnit(query);
    this.#k = k;
  }

  /** `at`: where the unit vector begins. */
  offer(key: number, vectors: Float32Array, at: number): void {
    const similarity = inner(vectors, at, this.#unit);
    const best = this.#best;
    if (best.length === this.#k && similarity <= (best.at(-1)?.similarity ?? 0)) return;
    best.push({key, similarity});
    best.sort((x, y) => y.similarity - x.similarity);
    best.length = Math.min(best.length, this.#k);
  }

  get keys(): ReadonlySet<number> {
    return new Set(this.#best.map(({key}) => key));
  }
}

/** In four sums that need not wait for one another. */
function inner(vectors: Float32Array, at: number, unit: Float32Array): number {
  let [a, b, c, d] = [0, 0, 0, 0];
  for (let index = 0; index < DIMENSIONS; index += 4) {
    a += (vectors[at + index] ?? 0) * (unit[index] ?? 0);
    b += (vectors[at + index + 1] ?? 0) * (unit[index + 1] ?? 0);
    c += (vectors[at + index + 2] ?? 0) * (unit[index + 2] ?? 0);
    d += (vectors[at + index + 3] ?? 0) * (unit[index + 3] ?? 0);
  }
  return a + b + c + d;
}

export function toUnit(vector: Float32Array): Float32Array {
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
  return vector.map(value => value / length);
}
