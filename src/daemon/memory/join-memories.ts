import type {Memory} from '../../model/episode.ts';

/** Softens ranks; the same as of the search itself. */
const RANK_OFFSET = 60;

/**
 * The best `k` of two lists, each best first, by reciprocal ranks. Scores are those of the joined list. Source: Cormack et al.,
 * "Reciprocal Rank Fusion Outperforms Condorcet and Individual Rank Learning Methods".
 */
export function joinMemories(one: readonly Memory[], other: readonly Memory[], k: number): readonly Memory[] {
  const joined = new Map<string, Memory>();
  for (const list of [one, other]) {
    for (const [index, memory] of list.entries()) {
      const {id} = memory.episode;
      const score = (joined.get(id)?.score ?? 0) + 1 / (RANK_OFFSET + index + 1);
      joined.set(id, {...(joined.get(id) ?? memory), score});
    }
  }
  return [...joined.values()].toSorted((a, b) => b.score - a.score).slice(0, k);
}
