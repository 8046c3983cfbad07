import type {Episode, EpisodeState} from '../../model/episode.ts';

/** An episode as forgetting sees it. */
export interface Lesson {
  /** Its position in the log of its tenant: unique, and later ones are larger. */
  readonly key: number;
  readonly episode: Episode;
  readonly state: EpisodeState;
  /** When it was made: Unix epoch, milliseconds. */
  readonly atMs: number;
}
