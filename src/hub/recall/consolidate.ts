import type {KeptMemory} from '../../model/episode.ts';
import {wordsOf} from './hashed-embedder.ts';
import {sharedWords} from './near-identical.ts';

/** Many episodes of one task as one: nothing in it that not at least two agents said. */
export interface Consolidated {
  /** Counts, then what worked and what did not, each with how many agents said so. */
  readonly critique: string;
  /** Whether at least half of them succeeded. */
  readonly success: boolean;
  /** The mean of all. */
  readonly reward: number;
}

const MAX_POINTS = 5;
const MAX_POINT_CHARS = 400;
/** Characters and sentences read of one episode. */
const MAX_READ_CHARS = 16_384;
const MAX_SENTENCES = 10;
/** Points that are kept apart, of what worked and of what did not. */
const MAX_DISTINCT = 100;
/** Sentences with at least so many words in common make one point. */
const SAME_POINT = 0.6;
/** So many of them are read, the best rewarded first; the counts are of all. */
const MAX_COMPARED = 200;

/** What is the same for all episodes of one task. */
export function taskWords({episode}: Pick<KeptMemory, 'episode'>): string {
  return wordsOf(episode.task).join(' ');
}

/** null: no two agents agree on anything. The same episodes give the same text, in whatever order they come. */
export function consolidate(family: readonly KeptMemory[]): Consolidated | null {
  const lessons = family.toSorted(
    (a, b) => b.episode.reward - a.episode.reward || (a.episode.id < b.episode.id ? -1 : 1),
  );
  const good = lessons.filter(({episode}) => episode.success);
  const bad = lessons.filter(({episode}) => !episode.success);
  const points = [...listed('Worked:', good), ...listed('Did not work:', bad)];
  if (points.length === 0) return null;
  const reward = lessons.reduce((sum, {episode}) => sum + episode.reward, 0) / lessons.length;
  const counts = `${good.length} of ${lessons.length} succeeded; mean reward ${reward.toFixed(2)}.`;
  return {critique: [counts, ...points].join('\n'), success: good.length >= bad.length, reward};
}

interface Point {
  readonly sentence: string;
  readonly words: ReadonlySet<string>;
  readonly agents: Set<string>;
}

/** The sentences that most agents share, as a list with a heading; nothing when there are none. */
function listed(heading: string, lessons: readonly KeptMemory[]): readonly string[] {
  const points: Point[] = [];
  for (const {episode, state} of lessons.slice(0, MAX_COMPARED)) {
    const text = state.critique ?? episode.output;
    for (const sentence of sentencesOf(text)) notePoint(points, sentence, episode.agentId);
  }
  const chosen = points
    .filter(({agents}) => agents.size > 1)
    .toSorted((a, b) => b.agents.size - a.agents.size)
    .slice(0, MAX_POINTS)
    .map(({sentence, agents: {size}}) => `- ${sentence} (${size} agents)`);
  return chosen.length === 0 ? [] : [heading, ...chosen];
}

/** It keeps the words in which the best rewarded one has said it. */
function notePoint(points: Point[], sentence: string, agent: string): void {
  const words = new Set(wordsOf(sentence));
  const known = points.find(point => sharedWords(point.words, words) >= SAME_POINT);
  if (known) known.agents.add(agent);
  else if (points.length < MAX_DISTINCT) points.push({sentence, words, agents: new Set([agent])});
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
