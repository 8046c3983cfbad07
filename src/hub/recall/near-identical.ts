import {wordsOf} from './hashed-embedder.ts';
import {type Lesson, teachingOf} from './lesson.ts';
import {openIndex} from './open-index.ts';
import {opinion} from './fuse.ts';

export interface NearIdenticalOptions {
  /** Of the vectors, from 0 to 1. Default 0.95. */
  readonly minSimilarity?: number;
  /** Share of words in common, from 0 to 1. Default 0.8. */
  readonly minShared?: number;
}

/** Several lessons that are one. */
export interface MergedLesson {
  /** The one that stays: the best judged, then the best rewarded, then the latest. */
  readonly keep: number;
  /** The others, in the order of their keys. */
  readonly merged: readonly number[];
  /** How often it was learnt, how often with success, and the mean reward. */
  readonly count: number;
  readonly successes: number;
  readonly meanReward: number;
  /** Uses of those that are merged: they belong to the one that stays now. */
  readonly uses: number;
  /** Agents other than that of the one that stays, each once, in order: what they found confirms it. */
  readonly confirmedBy: readonly string[];
  readonly tags: readonly string[];
}

/** Near neighbours that are looked at for each lesson. */
const NEIGHBOURS = 16;
/** Two lessons that differ in one of these, or in a number, may say the opposite. */
const NEGATIONS = new Set(['not', 'no', 'never', 'none', 'without', 'cannot', 't', 'avoid', 'dont', 'don']);

/**
 * Lessons that say the same: with the same end (success or failure) and either the same words in the same order, or vectors
 * and words nearly the same and no number or negation that only one has. Each is compared with the oldest of a group, so
 * that no chain of small differences joins what is far apart. Groups of one are not listed.
 */
export function mergeNearIdentical(
  lessons: readonly Lesson[],
  options: NearIdenticalOptions = {},
): readonly MergedLesson[] {
  const groups = new Map<number, Lesson[]>();
  const byKey = new Map(lessons.map(lesson => [lesson.key, lesson]));
  const firstOf = leaders(options, key => byKey.get(key) ?? null);
  for (const lesson of lessons.toSorted((a, b) => a.key - b.key)) {
    const first = firstOf(lesson);
    const group = groups.get(first);
    if (group) group.push(lesson);
    else groups.set(first, [lesson]);
  }
  return [...groups.values()].filter(group => group.length > 1).map(mergeGroup);
}

/** Whether these two say the same; see `mergeNearIdentical`. Without vectors only the same words do. */
export function areNearIdentical(a: Lesson, b: Lesson, options: NearIdenticalOptions = {}): boolean {
  const {minSimilarity = 0.95, minShared = 0.8} = options;
  if (a.episode.success !== b.episode.success) return false;
  const [one, other] = [wordsOfLesson(a), wordsOfLesson(b)];
  if (one.join(' ') === other.join(' ')) return true;
  if (!a.vector || !b.vector || a.vector.length !== b.vector.length) return false;
  if (similarityOf(a.vector, b.vector) < minSimilarity) return false;
  return sameMarks(one, other) && sharedWords(new Set(one), new Set(other)) >= minShared;
}

/** The share of words that both have among those that either has, from 0 to 1; 1 when neither has any. */
export function sharedWords(one: ReadonlySet<string>, other: ReadonlySet<string>): number {
  if (one.size === 0 && other.size === 0) return 1;
  let both = 0;
  for (const word of one) if (other.has(word)) both += 1;
  return both / (one.size + other.size - both);
}

/** Which lesson came first among those like this one: itself, when there is none before it. */
function leaders(options: NearIdenticalOptions, find: (key: number) => Lesson | null): (lesson: Lesson) => number {
  const byWords = new Map<string, number>();
  let index: ReturnType<typeof openIndex> | null = null;
  return lesson => {
    const words = `${lesson.episode.success}:${wordsOfLesson(lesson).join(' ')}`;
    const known = byWords.get(words);
    if (known !== undefined) return known;
    const {vector} = lesson;
    index ??= vector && openIndex({id: 'lessons', dimensions: vector.length});
    const near = vector && index?.dimensions === vector.length ? index.search(vector, NEIGHBOURS) : [];
    for (const {key} of near) {
      const first = find(key);
      if (!first || !areNearIdentical(first, lesson, options)) continue;
      byWords.set(words, key);
      return key;
    }
    byWords.set(words, lesson.key);
    if (vector && index?.dimensions === vector.length) index.add(lesson.key, vector);
    return lesson.key;
  };
}

function mergeGroup(group: readonly Lesson[]): MergedLesson {
  const [keep, ...others] = group.toSorted(
    (a, b) =>
      standing(b) - standing(a) ||
      opinion(b.state) - opinion(a.state) ||
      b.episode.reward - a.episode.reward ||
      b.key - a.key,
  );
  if (!keep) throw new Error('Internal error: a group of lessons is empty.');
  const agents = new Set(others.map(({episode}) => episode.agentId));
  agents.delete(keep.episode.agentId);
  return {
    keep: keep.key,
    merged: others.map(({key}) => key).sort((a, b) => a - b),
    count: group.length,
    successes: group.filter(({episode}) => episode.success).length,
    meanReward: group.reduce((sum, {episode}) => sum + episode.reward, 0) / group.length,
    uses: others.reduce((sum, {state}) => sum + state.uses, 0),
    confirmedBy: [...agents].sort(),
    tags: [...new Set(group.flatMap(({episode, state}) => [...episode.tags, ...state.tags]))].sort(),
  };
}

/** A lesson that is recalled stays before one that is not. */
function standing({state}: Lesson): number {
  return state.standing === 'active' ? 1 : 0;
}

function wordsOfLesson(lesson: Lesson): readonly string[] {
  return [...wordsOf(lesson.episode.task), '·', ...wordsOf(teachingOf(lesson))];
}

function sameMarks(a: readonly string[], b: readonly string[]): boolean {
  const marks = (words: readonly string[]) =>
    words
      .filter(word => NEGATIONS.has(word) || /\d/.test(word))
      .sort()
      .join(' ');
  return marks(a) === marks(b);
}

function similarityOf(a: Float32Array, b: Float32Array): number {
  let [product, one, other] = [0, 0, 0];
  for (const [index, value] of a.entries()) {
    const opposite = b[index] ?? 0;
    product += value * opposite;
    one += value * value;
    other += opposite * opposite;
  }
  return one === 0 || other === 0 ? 0 : product / Math.sqrt(one * other);
}
