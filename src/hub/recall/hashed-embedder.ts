import type {Embedder} from './vector-index.ts';

const DIMENSIONS = 512;
/** Characters of a text that count; what follows is not looked at. */
const MAX_CHARS = 16_384;
const SHORTEST_GRAM = 3;
const LONGEST_GRAM = 5;

/** How much a feature says by its kind; n-grams of a word together say about as much as the word. */
const WEIGHTS = {word: 1, stem: 0.7, common: 0.15, gram: 0.3} as const;

/**
 * Words and their character n-grams, hashed into 512 signed buckets: likeness of wording, not of meaning. It needs no
 * model, no network and no memory, takes microseconds, and gives the same vector for the same text everywhere.
 *
 * A text is normalised (NFKC, lower case, `camelCase` and `snake_case` taken apart), each word gives itself, a crude stem
 * and the 3- to 5-grams of `^word$`; a feature that comes n times counts 1 + ln n times its weight, with the sign its hash
 * says, so that features that share a bucket cancel out on average; the sum is brought to unit length.
 * Source: Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", 2009.
 */
export function hashedEmbedder(): Embedder {
  return {
    id: 'hashed-ngrams-1',
    dimensions: DIMENSIONS,
    embed: texts => Promise.resolve(texts.map(hashedVector)),
    close: () => Promise.resolve(),
  };
}

/** The vector of one text: 512 dimensions, unit length. */
export function hashedVector(text: string): Float32Array {
  const words = wordsOf(text);
  const features = new Features(words.reduce((most, word) => most + MOST_PER_CHARACTER * word.length + 2, 1));
  for (const word of words) noteWord(word, features);
  // A text without a letter or digit is still like itself.
  if (words.length === 0) features.note(hash(text, 0, text.length, 4), 1);
  return toUnit(features.sum());
}

/** Each character of a word begins at most so many n-grams. */
const MOST_PER_CHARACTER = LONGEST_GRAM - SHORTEST_GRAM + 1;

/** How often there is each feature, in the order in which they come: a hash table without an object per feature. */
class Features {
  /** By the hash of a feature, or the next that was free: its number from 1; 0: free. */
  readonly #slots: Int32Array;
  readonly #features: Uint32Array;
  readonly #counts: Uint32Array;
  readonly #weights: Float64Array;
  #size = 0;

  constructor(most: number) {
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(2 * most)));
    this.#features = new Uint32Array(most);
    this.#counts = new Uint32Array(most);
    this.#weights = new Float64Array(most);
  }

  note(feature: number, weight: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = feature & mask; ; slot = (slot + 1) & mask) {
      const index = (slots[slot] ?? 0) - 1;
      if (index < 0) {
        this.#features[this.#size] = feature;
        this.#counts[this.#size] = 1;
        this.#weights[this.#size] = weight;
        this.#size += 1;
        slots[slot] = this.#size;
        return;
      }
      if (this.#features[index] !== feature) continue;
      this.#counts[index] = (this.#counts[index] ?? 0) + 1;
      return;
    }
  }

  sum(): Float32Array {
    const vector = new Float32Array(DIMENSIONS);
    for (let index = 0; index < this.#size; index += 1) {
      const feature = this.#features[index] ?? 0;
      const bucket = feature % DIMENSIONS;
      const value = (this.#weights[index] ?? 0) * (1 + Math.log(this.#counts[index] ?? 1));
      vector[bucket] = (vector[bucket] ?? 0) + (feature >= 0x80000000 ? -value : value);
    }
    return vector;
  }
}

/** Lower-case words of a text, identifiers taken apart. */
export function wordsOf(text: string): readonly string[] {
  return (
    text
      .slice(0, MAX_CHARS)
      .normalize('NFKC')
      .replaceAll(/(\p{Ll}|\d)(\p{Lu})/gu, '$1 $2')
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? []
  );
}

function noteWord(word: string, features: Features): void {
  if (COMMON.has(word)) {
    features.note(hash(word, 0, word.length, 1), WEIGHTS.common);
    return;
  }
  features.note(hash(word, 0, word.length, 1), WEIGHTS.word);
  features.note(hash(word, 0, stemLength(word), 2), WEIGHTS.stem);
  const padded = `^${word}$`;
  const grams = Math.max(1, 3 * padded.length - 9);
  for (let length = SHORTEST_GRAM; length <= LONGEST_GRAM; length += 1) {
    for (let start = 0; start + length <= padded.length; start += 1) {
      features.note(hash(padded, start, start + length, 3), WEIGHTS.gram * Math.min(1, Math.sqrt(12 / grams)));
    }
  }
}

/** How much of an English word is left without its ending. */
function stemLength(word: string): number {
  const ending = /(?:ations?|ings?|ions?|ers?|ors?|ed|es|s|e|ly|ment)$/.exec(word);
  const length = ending ? ending.index : word.length;
  return length >= 3 ? length : word.length;
}

/** FNV-1a over the UTF-16 units from `start` to `end`, then mixed as MurmurHash3 does: 32 bits. */
function hash(text: string, start: number, end: number, kind: number): number {
  let value = 0x811c9dc5 ^ kind;
  for (let index = start; index < end; index += 1) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}

function toUnit(vector: Float32Array): Float32Array {
  let squares = 0;
  for (const value of vector) squares += value * value;
  // Features can cancel out to nothing; then the first bucket stands for them.
  if (squares === 0) vector[0] = 1;
  else for (let index = 0; index < vector.length; index += 1) vector[index] = (vector[index] ?? 0) / Math.sqrt(squares);
  return vector;
}

/** English words that say little of what a text is about. */
const COMMON = new Set(
  `a about after all also an and any are as at be because been before but by can could did do does each for from get had has
  have how i if in into is it its just may more most my no not now of off on one only or other our out over own same should
  so some such than that the their them then there these they this those to too under until up use very was we were what
  when where which while who why will with would you your`.split(/\s+/),
);
