import {wordsOf} from './hashed-embedder.ts';
import {type Lesson, teachingOf} from './lesson.ts';
import {sharedWords} from './near-identical.ts';
import {openIndex} from './open-index.ts';

/** Many episodes of one family of tasks as one: nothing in it that none of them said. */
export interface Consolidated {
  /** The task that is most like all the others, as it was said. */
  readonly task: string;
  /** Counts, then what worked and what did not, each with how many episodes said so. */
  readonly critique: string;
  /** Of the best of the successful ones, else of the best. */
  readonly output: string;
  readonly count: number;
  readonly successes: number;
  readonly successRate: number;
  readonly meanReward: number;
  readonly tags: readonly string[];
  /** Keys of all, in order. */
  readonly from: readonly number[];
}

const FAMILY_SIMILARITY = 0.6;
const MAX_POINTS = 5;
const MAX_POINT_CHARS = 400;
const MAX_OUTPUT_CHARS = 4000;
/** Characters and sentences read of one lesson. */
const MAX_READ_CHARS = 16_384;
const MAX_SENTENCES = 10;
/** Points that are kept apart, of what worked and of what did not. */
const MAX_DISTINCT = 100;
/** Sentences with at least so many words in common make one point. */
const SAME_POINT = 0.6;
/** Tasks and texts are compared with each other in so many of the best rewarded lessons of a family; the counts are of all. */
const MAX_COMPARED = 200;

/**
 * Lessons whose vectors are alike, by the oldest of each family; those without a vector, and families smaller than
 * `atLeast`, are left out.
 */
export function familiesOf(
  lessons: readonly Lesson[],
  {minSimilarity = FAMILY_SIMILARITY, atLeast = 3}: {minSimilarity?: number; atLeast?: number} = {},
): readonly (readonly Lesson[])[] {
  const families = new Map<number, Lesson[]>();
  let heads: ReturnType<typeof openIndex> | null = null;
  for (const lesson of lessons.toSorted((a, b) => a.key - b.key)) {
    const {vector, key} = lesson;
    heads ??= vector && openIndex({id: 'families', dimensions: vector.length});
    if (!vector || heads?.dimensions !== vector.length) continue;
    const [near] = heads.search(vector, 1);
    const family = near && near.similarity >= minSimilarity ? families.get(near.key) : undefined;
    if (family) {
      family.push(lesson);
      continue;
    }
    heads.add(key, vector);
    families.set(key, [lesson]);
  }
  return [...families.values()].filter(family => family.length >= atLeast);
}

/** Throws on no lessons at all. The same lessons give the same text, in whatever order they come. */
export function consolidate(family: readonly Lesson[]): Consolidated {
  const lessons = family.toSorted((a, b) => a.key - b.key);
  const [best] = lessons.toSorted(
    (a, b) =>
      Number(b.episode.success) - Number(a.episode.success) || b.episode.reward - a.episode.reward || b.key - a.key,
  );
  if (!best) throw new Error('There are no episodes to consolidate.');
  const good = lessons.filter(({episode}) => episode.success);
  const bad = lessons.filter(({episode}) => !episode.success);
  const meanReward = lessons.reduce((sum, {episode}) => sum + episode.reward, 0) / lessons.length;
  const counts = `${good.length} of ${lessons.length} succeeded; mean reward ${meanReward.toFixed(2)}.`;
  return {
    task: middleTask(lessons),
    critique: [counts, ...listed('Worked:', good), ...listed('Did not work:', bad)].join('\n'),
    output: best.episode.output.slice(0, MAX_OUTPUT_CHARS),
    count: lessons.length,
    successes: good.length,
    successRate: good.length / lessons.length,
    meanReward,
    tags: [...new Set(lessons.flatMap(({episode, state}) => [...episode.tags, ...state.tags]))].sort(),
    from: lessons.map(({key}) => key),
  };
}

/** The task with the most words in common with the others; the earliest of equals. */
function middleTask(lessons: readonly Lesson[]): string {
  const tasks = bestOf(lessons).map(({episode}) => ({task: episode.task, words: new Set(wordsOf(episode.task))}));
  let middle = {task: '', shared: -1};
  for (const {task, words} of tasks) {
    const shared = tasks.reduce((sum, other) => sum + sharedWords(words, other.words), 0);
    if (shared > middle.shared) middle = {task, shared};
  }
  return middle.task;
}

function bestOf(lessons: readonly Lesson[]): readonly Lesson[] {
  if (lessons.length <= MAX_COMPARED) return lessons;
  return lessons.toSorted((a, b) => b.episode.reward - a.episode.reward || b.key - a.key).slice(0, MAX_COMPARED);
}

interface Point {
  readonly sentence: string;
  readonly words: ReadonlySet<string>;
  readonly lessons: Set<number>;
  reward: number;
}

/** The sentences that most lessons share, as a list with a heading; nothing when there are none. */
function listed(heading: string, lessons: readonly Lesson[]): readonly string[] {
  const points: Point[] = [];
  for (const lesson of bestOf(lessons)) {
    for (const sentence of sentencesOf(teachingOf(lesson))) notePoint(points, sentence, lesson);
  }
  const chosen = points
    .toSorted((a, b) => b.lessons.size - a.lessons.size || b.reward - a.reward)
    .slice(0, MAX_POINTS)
    .map(({sentence, lessons: {size}}) => `- ${sentence}${size > 1 ? ` (${size} times)` : ''}`);
  return chosen.length === 0 ? [] : [heading, ...chosen];
}

/** Said by one with a better reward, a point is put in that one's words. */
function notePoint(points: Point[], sentence: string, {key, episode}: Lesson): void {
  const words = new Set(wordsOf(sentence));
  const place = points.findIndex(point => sharedWords(point.words, words) >= SAME_POINT);
  const known = points[place];
  if (!known) {
    if (points.length < MAX_DISTINCT) points.push({sentence, words, lessons: new Set([key]), reward: episode.reward});
    return;
  }
  known.lessons.add(key);
  if (episode.reward > known.reward) points[place] = {...known, sentence, words, reward: episode.reward};
}

function sentencesOf(text: string): readonly string[] {
  return text
    .slice(0, MAX_READ_CHARS)
    .split(/(?<=[.!?])\s+|\n+/)
    .map(part => part.replace(/^[-*\s]+/, '').trim())
    .filter(part => /[\p{L}\p{N}]/u.test(part))
    .slice(0, MAX_SENTENCES)
    .map(part => (part.length > MAX_POINT_CHARS ? `${part.slice(0, MAX_POINT_CHARS - 1)}…` : part));
}
