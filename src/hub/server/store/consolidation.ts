import {createHash} from 'node:crypto';
import type {Episode} from '../../../model/episode.ts';
import {consolidate, taskWords} from '../../recall/consolidate.ts';
import {isKept, type MergeCandidate} from './keeper.ts';

/** Who has written what many have said. */
export const CONSOLIDATOR = 'hub';

const MOST_OF_ONE_TASK = 1000;
const MOST_TAGS = 50;

/**
 * Those that one episode may speak for: of the same task, and neither signed, for the hub cannot sign, nor with an end of their own, nor
 * made of others.
 */
export function familyOf(candidate: MergeCandidate, others: readonly MergeCandidate[]): readonly MergeCandidate[] {
  const words = taskWords(candidate);
  return [candidate, ...others].filter(each => {
    const {signature, expiresAtMs, agentId} = each.episode;
    return signature === null && expiresAtMs === null && agentId !== CONSOLIDATOR && taskWords(each) === words;
  });
}

/**
 * One episode of all; null: no two agents agree on anything, or one that was made before for this task did not hold, and so none is made of
 * it again. `find`: by id; forgotten: there was one.
 */
export function consolidated(
  family: readonly MergeCandidate[],
  {find, at, nowMs}: {find: (id: string) => MergeCandidate | 'forgotten' | null; at: () => string; nowMs: number},
): Episode | null {
  const [first] = family;
  const text = first && consolidate(family);
  if (!first || !text) return null;
  for (let made = 0; made < MOST_OF_ONE_TASK; made += 1) {
    const hash = createHash('sha256')
      .update(`${made} ${taskWords(first)}`)
      .digest('hex')
      .slice(0, 32);
    const id = `consolidated-${hash}`;
    const known = find(id);
    if (known === 'forgotten' || (known !== null && !isKept(known, nowMs))) return null;
    if (known !== null) continue;
    const tags = [...new Set(family.flatMap(({state}) => state.tags))].toSorted().slice(0, MOST_TAGS);
    const of = {sessionId: null, task: first.episode.task, input: '', output: '', expiresAtMs: null, signature: null};
    return {id, agentId: CONSOLIDATOR, ...of, ...text, tags, at: at()};
  }
  return null;
}
