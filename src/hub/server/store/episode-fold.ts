import {never} from '../../../base/never.ts';
import type {Episode, EpisodeChange, EpisodeState, EpisodeStanding} from '../../../model/episode.ts';

/** When something was said, and by which change: the greater one counts. */
export interface Stamp {
  readonly at: string;
  readonly id: string;
}

/** Voters, and confirming agents, of one episode: those with the latest word are counted. */
export const MAX_VOICES = 10_000;
/** Tags that were ever given or taken away: those with the latest mention are remembered. */
export const MAX_TAGS = 500;

/** When an episode says something of itself: before every change of the same time. */
export function firstStamp({at}: Episode): Stamp {
  return {at, id: ''};
}

/** By time, then by id. Stamps of the hybrid clock sort as strings. */
export function isLater(one: Stamp, other: Stamp): boolean {
  return one.at === other.at ? one.id > other.id : one.at > other.at;
}

/** A tag that was ever given: by whom last, and whether given or taken away. */
export type TagMarks = ReadonlyMap<string, Stamp & {readonly has: boolean}>;

/** Each tag follows the latest change that names it; one that both gives and takes it gives it. */
export function markTags(marks: TagMarks, {at, id}: Stamp, tags: Pick<TagChange, 'add' | 'remove'>): TagMarks {
  const next = new Map(marks);
  const mark = (tag: string, has: boolean): void => {
    const known = next.get(tag);
    if (known === undefined || isLater({at, id}, known)) next.set(tag, {at, id, has});
  };
  for (const tag of tags.add) mark(tag, true);
  for (const tag of tags.remove) if (!tags.add.includes(tag)) mark(tag, false);
  return next.size <= MAX_TAGS ? next : new Map(latest(next, MAX_TAGS));
}

export function tagsOf(marks: TagMarks): readonly string[] {
  return [...marks].flatMap(([tag, {has}]) => (has ? [tag] : [])).toSorted();
}

type TagChange = Extract<EpisodeChange, {kind: 'tag'}>;
type Voice = Stamp & {readonly value: number};

/**
 * What the changes of an episode amount to, in whatever order they come: the last vote of each voter, the sum of uses, tags
 * by their latest mention, the latest critique and standing, the last word of each agent but its own on whether it is true.
 * Each change is given once. Keeps all in memory: for verifying what `EpisodeStates` has kept step by step.
 */
export function foldEpisode(episode: Episode, changes: Iterable<EpisodeChange>): EpisodeState {
  const first = firstStamp(episode);
  const votes = new Map<string, Voice>();
  const words = new Map<string, Voice>();
  let uses = 0;
  let tags = markTags(new Map(), first, {add: episode.tags, remove: []});
  let critique: Stamp & {text: string | null} = {...first, text: episode.critique};
  let standing: Stamp & {standing: EpisodeStanding} = {...first, standing: 'active'};
  for (const change of changes) {
    switch (change.kind) {
      case 'vote':
        say(votes, change.by, change);
        break;
      case 'confirm':
        if (change.by !== episode.agentId) say(words, change.by, {...change, value: change.success ? 1 : -1});
        break;
      case 'use':
        uses += change.count;
        break;
      case 'tag':
        tags = markTags(tags, change, change);
        break;
      case 'critique':
        if (isLater(change, critique)) critique = change;
        break;
      case 'standing':
        if (isLater(change, standing)) standing = change;
        break;
      default:
        never(change);
    }
  }
  return {
    up: count(votes, 1),
    down: count(votes, -1),
    uses,
    tags: tagsOf(tags),
    critique: critique.text,
    confirmed: count(words, 1),
    refuted: count(words, -1),
    standing: standing.standing,
  };
}

function say(voices: Map<string, Voice>, by: string, {at, id, value}: Voice): void {
  const known = voices.get(by);
  if (known === undefined || isLater({at, id}, known)) voices.set(by, {at, id, value});
  if (voices.size <= MAX_VOICES) return;
  const kept = latest(voices, MAX_VOICES);
  voices.clear();
  for (const [agent, voice] of kept) voices.set(agent, voice);
}

/** Those with the latest stamps; between equal ones, the greater key. */
function latest<V extends Stamp>(marks: ReadonlyMap<string, V>, count: number): [string, V][] {
  const inOrder = [...marks].toSorted(([aKey, a], [bKey, b]) => {
    if (isLater(a, b)) return 1;
    return isLater(b, a) || aKey < bKey ? -1 : 1;
  });
  return inOrder.slice(-count);
}

function count(voices: ReadonlyMap<string, Voice>, value: number): number {
  return [...voices.values()].filter(voice => voice.value === value).length;
}
