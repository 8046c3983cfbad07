import type {Episode, EpisodeState, Memory} from '../../../model/episode.ts';
import {fuse} from '../../recall/fuse.ts';
import type {CacheContents} from './cache-contents.ts';
import type {Row} from './cache-rows.ts';

export interface CacheQuery {
  readonly onlySuccess?: boolean | undefined;
  /** All of them. */
  readonly tags?: readonly string[] | undefined;
  readonly explain?: boolean | undefined;
}

/** Of what is found so many times what is asked for is ranked; more, where much of it may be left out. */
const CANDIDATES = 4;
const PICKY_CANDIDATES = 20;
const MIN_CANDIDATES = 20;

interface Hit {
  readonly row: Row;
  readonly episode: Episode;
  readonly state: EpisodeState;
}

/** The best k, best first: by words, then raised by recency, reward, success and what others made of it. `nowMs`: Unix epoch. */
export function searchCache(
  contents: CacheContents,
  {query, k, nowMs, options}: {query: string; k: number; nowMs: number; options: CacheQuery},
): readonly Memory[] {
  const {onlySuccess = false, tags = [], explain = false} = options;
  const times = onlySuccess || tags.length > 0 ? PICKY_CANDIDATES : CANDIDATES;
  const hits = new Map<number, Hit>();
  for (const row of contents.find(query, Math.max(MIN_CANDIDATES, k * times))) {
    if (row.standing !== 0 || (row.expires_at_ms ?? Number.POSITIVE_INFINITY) <= nowMs) continue;
    if (onlySuccess && row.success === 0) continue;
    const episode = contents.bodies.episode(row);
    const state = contents.bodies.state(row, episode);
    if (tags.every(tag => state.tags.includes(tag))) hits.set(row.n, {row, episode, state});
  }
  const fused = fuse({
    text: [...hits.keys()].map(key => ({key, terms: []})),
    vector: [],
    facts: key => factsOf(hits.get(key)),
    nowMs,
    limit: k,
  });
  return fused.flatMap(({key, score, why}) => {
    const hit = hits.get(key);
    return hit === undefined ? [] : [{episode: hit.episode, state: hit.state, score, ...(explain && {why})}];
  });
}

function factsOf(hit: Hit | undefined) {
  if (hit === undefined) return null;
  const {row, state} = hit;
  return {atMs: row.at_ms, reward: row.reward, success: row.success === 1, state};
}
