import type {Episode} from '../../../model/episode.ts';

/** When something was said, and by which change: the greater one counts. */
export interface Stamp {
  readonly at: string;
  readonly id: string;
}

/** Voters, and confirming agents, of one episode: those with the latest word are counted. */
export const MAX_VOICES = 10_000;

/** When an episode says something of itself: before every change of the same time. */
export function firstStamp({at}: Episode): Stamp {
  return {at, id: ''};
}

/** By time, then by id. Stamps of the hybrid clock sort as strings. */
export function isLater(one: Stamp, other: Stamp): boolean {
  return one.at === other.at ? one.id > other.id : one.at > other.at;
}
