import type {Episode, EpisodeState} from '../../model/episode.ts';
import {wordsOf} from './hashed-embedder.ts';

/** What is compared of an episode; its critique is the last one. */
export interface Said extends Pick<Episode, 'task' | 'input' | 'output' | 'success'> {
  readonly critique: string | null;
}

/** The share of the words of a longer part that the other one has, and of the characters of all, which is cheap to tell. */
const MIN_SHARED = 0.9;
const MIN_LENGTH = 0.7;
/** Two that differ in one of these, or in a number, may say the opposite. */
const NEGATIONS = new Set(['not', 'no', 'never', 'none', 'without', 'cannot', 't', 'avoid', 'dont', 'don']);
/** In commands they make a difference. */
const SIGNS = /[^\p{L}\p{N}\s.,;:!?'"()-]/gu;
/** Of each part; the same as embedders look at. */
const MAX_CHARS = 16_384;

/** An episode as it is held against others; what is asked of it is made once, and only when it is asked. */
export class Saying {
  readonly success: boolean;
  readonly #parts: readonly string[];
  #text: string | undefined;
  #words: readonly (readonly string[])[] | undefined;
  #marks: string | undefined;

  constructor({task, input, output, critique, success}: Said) {
    this.#parts = [task, input, output, critique ?? ''];
    this.success = success;
  }

  /** In characters. */
  get length(): number {
    return this.#parts.reduce((sum, part) => sum + part.length, 0);
  }

  /** More than what words and signs are looked for in. */
  get isLong(): boolean {
    return this.#parts.some(part => part.length > MAX_CHARS);
  }

  /** The same for those that say exactly the same, whatever their blanks. */
  get text(): string {
    const parts = () => this.#parts.map(part => part.normalize('NFC').trim().replaceAll(/\s+/gu, ' '));
    return (this.#text ??= `${this.success} ${JSON.stringify(parts())}`);
  }

  /** Of each part. */
  get words(): readonly (readonly string[])[] {
    return (this.#words ??= this.#parts.map(wordsOf));
  }

  /** Numbers, negations, and signs that are no punctuation. */
  get marks(): string {
    if (this.#marks !== undefined) return this.#marks;
    const signs = this.#parts.map(part => part.slice(0, MAX_CHARS).match(SIGNS)?.join('') ?? '');
    const counted = this.words.flat().filter(word => NEGATIONS.has(word) || /\p{N}/u.test(word));
    return (this.#marks = `${counted.toSorted().join(' ')} ${signs.join(' ')}`);
  }
}

/** Of a kept memory, with the critique that counts. */
export function sayingOfMemory({episode, state}: {episode: Episode; state: Pick<EpisodeState, 'critique'>}): Saying {
  return new Saying({...episode, critique: state.critique});
}

/** To the letter, but for blanks. */
export function areIdentical(a: Saying, b: Saying): boolean {
  return a.text === b.text;
}

/**
 * Whether two say the same: with the same end (success or failure), the same numbers, negations and signs, and the same words in the same
 * order, but for a few in each part that only one of them has. A word in the place of another makes two lessons of them: it may be a name.
 */
export function areNearIdentical(a: Saying, b: Saying): boolean {
  if (a.success !== b.success || Math.min(a.length, b.length) < Math.max(a.length, b.length) * MIN_LENGTH) return false;
  if (a.text === b.text) return true;
  // Of those only the beginning is compared below.
  if (a.isLong || b.isLong) return false;
  const parts = a.words.map((words, index) => [words, b.words[index] ?? []] as const);
  return parts.every(([one, other]) => areNearly(one, other)) && a.marks === b.marks;
}

/** Whether the words of the one are in the other in the same order, and hardly any more. */
function areNearly(one: readonly string[], other: readonly string[]): boolean {
  const [small, large] = one.length <= other.length ? [one, other] : [other, one];
  if (small.length < large.length * MIN_SHARED) return false;
  let next = 0;
  for (const word of large) if (word === small[next]) next += 1;
  return next === small.length;
}

/** The share of words that both have among those that either has, from 0 to 1; 1 when neither has any. */
export function sharedWords(one: ReadonlySet<string>, other: ReadonlySet<string>): number {
  if (one.size === 0 && other.size === 0) return 1;
  let both = 0;
  for (const word of one) if (other.has(word)) both += 1;
  return both / (one.size + other.size - both);
}
