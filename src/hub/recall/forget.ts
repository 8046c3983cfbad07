import {opinion} from './fuse.ts';
import type {Lesson} from './lesson.ts';

/** What is to be forgotten, and why in a sentence: the caller records it when it acts on it. */
export interface ForgetDecision {
  readonly episode: string;
  readonly detail: string;
}

/** After so many milliseconds an episode is worth half. */
const HALF_LIFE_MS = 30 * 86_400_000;
/** What a failure without any reward is still worth: it says what not to do. */
const LEAST = 0.1;
/** Those that are not recalled, quarantined or merged, take room from those that are. */
const NOT_RECALLED = 0.1;

/** Those worth least, so many of them and the older of equals; in the order of their keys. */
export function leastWorth(lessons: readonly Lesson[], count: number, nowMs: number): readonly ForgetDecision[] {
  return lessons
    .map(lesson => ({lesson, value: worth(lesson, nowMs)}))
    .toSorted((a, b) => a.value - b.value || a.lesson.key - b.lesson.key)
    .slice(0, count)
    .toSorted((a, b) => a.lesson.key - b.lesson.key)
    .map(({lesson, value}) => ({episode: lesson.episode.id, detail: sentence(lesson, value, nowMs)}));
}

/**
 * What an episode is worth, > 0: how recent it is, times how much it is used, times how well it ended and was judged.
 */
export function worth({atMs, episode, state}: Lesson, nowMs: number): number {
  const recency = 2 ** (-Math.max(0, nowMs - atMs) / HALF_LIFE_MS);
  const use = 1 + Math.log2(1 + state.uses);
  const outcome = LEAST + episode.reward + (1 + opinion(state)) / 2;
  return Math.max(Number.MIN_VALUE, recency * use * outcome * (state.standing === 'active' ? 1 : NOT_RECALLED));
}

function sentence({atMs, episode, state}: Lesson, value: number, nowMs: number): string {
  const days = Math.max(0, (nowMs - atMs) / 86_400_000).toFixed(1);
  return `${state.standing}, ${days} days old, used ${state.uses} times, reward ${episode.reward}: worth ${value.toPrecision(3)}`;
}
