import {fail, ok, type Result} from '../../base/result.ts';
import type {EpisodeChange, KeptMemory, LogItem} from '../../model/episode.ts';
import {checkStamp, parseStamp} from '../replica/hybrid-clock.ts';

export interface Importer {
  readonly by: string;
  /** A new one for each change. */
  readonly stamp: () => string;
  /** Of the change of this kind: the same whenever the same memory is taken in again. */
  readonly idOf: (kind: EpisodeChange['kind']) => string;
  /** Unix epoch, milliseconds. */
  readonly wallMs: number;
}

/** What is wrong with a memory of elsewhere beside its form; null: nothing. */
export function importFault({episode}: KeptMemory, wallMs: number): string | null {
  const stamp = checkStamp(episode.at, {wallMs});
  return stamp.ok ? null : stamp.failure.detail;
}

/**
 * A memory of another project as it is added here: the episode as it was, unsigned, since a signature binds its project, and what its
 * tags, critique, uses and standing have become as changes of whoever takes it in. Votes and confirmations stay behind: they are the
 * word of those who gave it.
 */
export function importedItems(
  kept: KeptMemory,
  {by, stamp, idOf, wallMs}: Importer,
): Result<readonly LogItem[], string> {
  const fault = importFault(kept, wallMs);
  if (fault !== null) return fail(fault);
  const {episode, state} = kept;
  const change = (kind: EpisodeChange['kind']) => ({id: idOf(kind), episode: episode.id, by, at: stamp()});
  const add = state.tags.filter(tag => !episode.tags.includes(tag)).slice(0, MAX_TAGS);
  const remove = episode.tags.filter(tag => !state.tags.includes(tag));
  const items: LogItem[] = [{kind: 'episode', episode: {...episode, signature: null}}];
  if (add.length > 0 || remove.length > 0) {
    items.push({kind: 'change', change: {...change('tag'), kind: 'tag', add, remove}});
  }
  if (state.critique !== null && state.critique !== episode.critique) {
    items.push({kind: 'change', change: {...change('critique'), kind: 'critique', text: state.critique}});
  }
  if (state.uses > 0) {
    items.push({kind: 'change', change: {...change('use'), kind: 'use', count: Math.min(state.uses, MAX_USES)}});
  }
  // What says the same is merged by the hub that takes it, into what that one has.
  if (state.standing !== 'active' && state.standing !== 'merged') {
    items.push({kind: 'change', change: {...change('standing'), kind: 'standing', standing: state.standing}});
  }
  return ok(items);
}

/** When something was stamped: Unix epoch, milliseconds; null: the stamp is none. */
export function stampMs(at: string): number | null {
  return parseStamp(at)?.ms ?? null;
}

/** As many of each as one change takes. */
const MAX_TAGS = 50;
const MAX_USES = 1_000_000;
