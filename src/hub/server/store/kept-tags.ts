import type {Episode} from '../../../model/episode.ts';

/** What the tags of an episode are sealed as. */
export function tagsId(episode: Episode): string {
  return `tags of ${episode.id}`;
}

/** Each tag with the last word on it, as it was kept before clocks counted. */
export function isEarlierMarks(kept: unknown): kept is readonly (readonly [string, {readonly has: boolean}])[] {
  const [first] = Array.isArray(kept) ? (kept as readonly unknown[]) : [];
  return Array.isArray(first) && first.length === 2;
}
