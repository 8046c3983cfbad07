import {opinion} from './fuse.ts';
import type {Lesson} from './lesson.ts';

export interface ForgetPolicy {
  /** Episodes that may stay, ≥ 0; null: as many as there are. */
  readonly capacity: number | null;
  /** Milliseconds after which an episode that says nothing itself is forgotten; null: never. */
  readonly lifetimeMs: number | null;
  /** After so many milliseconds an episode is worth half; > 0. */
  readonly halfLifeMs: number;
}

/** What is to be forgotten, and why in a sentence: the caller records it before it acts on it. */
export interface ForgetDecision {
  readonly key: number;
  readonly episode: string;
  readonly reason: 'expired' | 'lifetime' | 'capacity';
  /** What it was worth when this was decided. */
  readonly value: number;
  readonly detail: string;
}

/** What a failure without any reward is still worth: it says what not to do. */
const LEAST = 0.1;
/** Those that are not recalled take room from those that are. */
const QUARANTINED = 0.1;

/**
 * Chooses what to forget: what has expired, what has lived for as long as the policy says, and of the rest what is worth
 * least, until no more than the capacity are left. Forgotten ones are not looked at. In the order of their keys.
 */
export function chooseForgotten(
  lessons: readonly Lesson[],
  policy: ForgetPolicy,
  nowMs: number,
): readonly ForgetDecision[] {
  const decisions: ForgetDecision[] = [];
  const staying: {readonly lesson: Lesson; readonly value: number}[] = [];
  for (const lesson of lessons) {
    if (lesson.state.standing === 'forgotten') continue;
    const value = worth(lesson, policy.halfLifeMs, nowMs);
    const ended = endOf(lesson, policy, nowMs);
    if (ended) decisions.push({key: lesson.key, episode: lesson.episode.id, value, ...ended});
    else staying.push({lesson, value});
  }
  const {capacity} = policy;
  const tooMany = capacity === null ? 0 : Math.max(0, staying.length - capacity);
  if (tooMany === 0) return inOrder(decisions);
  staying.sort((a, b) => a.value - b.value || a.lesson.key - b.lesson.key);
  for (const {lesson, value} of staying.slice(0, tooMany)) {
    const {episode, state} = lesson;
    const days = Math.max(0, (nowMs - lesson.atMs) / 86_400_000);
    const detail = `There is room for ${capacity} episodes and there are ${staying.length}: this one is ${days.toFixed(1)} days old, was used ${state.uses} times, had reward ${episode.reward} and is worth ${value.toPrecision(3)}.`;
    decisions.push({key: lesson.key, episode: episode.id, reason: 'capacity', value, detail});
  }
  return inOrder(decisions);
}

/**
 * What an episode is worth, > 0: how recent it is, times how much it is used, times how well it ended and was judged.
 */
export function worth({atMs, episode, state}: Lesson, halfLifeMs: number, nowMs: number): number {
  const recency = 2 ** (-Math.max(0, nowMs - atMs) / halfLifeMs);
  const use = 1 + Math.log2(1 + state.uses);
  const outcome = LEAST + episode.reward + (1 + opinion(state)) / 2;
  return Math.max(Number.MIN_VALUE, recency * use * outcome * (state.standing === 'active' ? 1 : QUARANTINED));
}

function endOf(
  {atMs, episode}: Lesson,
  {lifetimeMs}: ForgetPolicy,
  nowMs: number,
): Pick<ForgetDecision, 'reason' | 'detail'> | null {
  const {expiresAtMs} = episode;
  if (expiresAtMs !== null) {
    if (nowMs < expiresAtMs) return null;
    return {reason: 'expired', detail: `It was to be kept until ${new Date(expiresAtMs).toISOString()}.`};
  }
  if (lifetimeMs === null || nowMs - atMs < lifetimeMs) return null;
  return {reason: 'lifetime', detail: `It is older than ${(lifetimeMs / 86_400_000).toFixed(1)} days.`};
}

function inOrder(decisions: ForgetDecision[]): readonly ForgetDecision[] {
  return decisions.sort((a, b) => a.key - b.key);
}
