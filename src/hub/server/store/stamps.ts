import type {Episode, EpisodeChange} from '../../../model/episode.ts';

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

/** Those with the latest stamps; between equal ones, the greater key. */
function latest<V extends Stamp>(marks: ReadonlyMap<string, V>, count: number): [string, V][] {
  const inOrder = [...marks].toSorted(([aKey, a], [bKey, b]) => {
    if (isLater(a, b)) return 1;
    return isLater(b, a) || aKey < bKey ? -1 : 1;
  });
  return inOrder.slice(-count);
}
