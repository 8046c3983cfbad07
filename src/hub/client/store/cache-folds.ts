import type {Episode, EpisodeChange, EpisodeState} from '../../../model/episode.ts';
import {EpisodeFold} from '../../replica/episode-fold.ts';

/** What an episode without any change amounts to. */
export function untouched({tags, critique}: Pick<Episode, 'tags' | 'critique'>): EpisodeState {
  const none = {up: 0, down: 0, uses: 0, confirmed: 0, refuted: 0};
  return {...none, tags: [...tags].sort(), critique, standing: 'active'};
}

/** The fold as it is kept, and what it amounts to. */
export interface Folded {
  readonly json: string;
  readonly state: EpisodeState;
}

/** Up to where everything of the log about an episode is in its fold; `alone`: there is no log. */
export type Settled = number | 'alone';

/** A change over what is kept (null: nothing yet). `position`: of the change, null: not in the log yet. */
export function foldChange(
  episode: Episode,
  {
    kept,
    change,
    position,
    settled,
  }: {kept: string | null; change: EpisodeChange; position: number | null; settled: Settled},
): Folded {
  const fold = kept === null ? EpisodeFold.of(episode) : readFold(kept);
  fold.apply(change, position);
  if (settled === 'alone') fold.absorb();
  else fold.settle(settled);
  return {json: JSON.stringify(fold.toJSON()), state: fold.state()};
}

/** Whether anybody but the episode itself has said anything of its tags. */
export function hasChangedTags(kept: string): boolean {
  return readFold(kept).hasChangedTags;
}

export function foldState(kept: string): EpisodeState {
  return readFold(kept).state();
}

function readFold(kept: string): EpisodeFold {
  const parsed = EpisodeFold.parse(JSON.parse(kept));
  if (parsed.ok) return parsed.value;
  throw new Error(`What the cache keeps of an episode's changes is damaged: ${parsed.failure.detail}`);
}
