import type {Episode, Memory} from '../../../model/episode.ts';
import {fuse} from '../../recall/fuse.ts';
import {termsIn} from '../../recall/terms.ts';
import type {CacheContents} from './cache-contents.ts';
import {untouched} from './cache-folds.ts';
import type {Ranking} from './cache-rows.ts';
import {queryWords} from './query-words.ts';

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

/** Of an episode without changes, as far as it decides about its place. */
const NO_CHANGES = untouched({tags: [], critique: null});

/** The best k, best first: by words, then raised by recency, reward, success and what others made of it. `nowMs`: Unix epoch. */
export function searchCache(
  contents: CacheContents,
  {query, k, nowMs, options}: {query: string; k: number; nowMs: number; options: CacheQuery},
): readonly Memory[] {
  const {onlySuccess = false, tags = [], explain = false} = options;
  const {bodies} = contents;
  const times = onlySuccess || tags.length > 0 ? PICKY_CANDIDATES : CANDIDATES;
  const hits = new Map<number, Ranking>();
  for (const row of contents.find(query, Math.max(MIN_CANDIDATES, k * times))) {
    if (row.standing !== 0 || (row.expires_at_ms ?? Number.POSITIVE_INFINITY) <= nowMs) continue;
    if (onlySuccess && row.success === 0) continue;
    if (tags.length === 0 || hasTags(contents, row, tags)) hits.set(row.n, row);
  }
  const fused = fuse({
    text: [...hits.keys()].map(key => ({key, terms: []})),
    vector: [],
    facts: key => {
      const row = hits.get(key);
      if (row === undefined) return null;
      const state = row.fold === null ? NO_CHANGES : bodies.state(row, NO_CHANGES);
      return {atMs: row.at_ms, reward: row.reward, success: row.success === 1, state};
    },
    nowMs,
    limit: k,
  });
  const words = explain ? queryWords(query) : [];
  return fused.flatMap(({key, score, why}) => {
    const row = contents.rows.byKey.get(key);
    if (row === undefined) return [];
    const episode = bodies.episode(row);
    const told = explain && {why: {...why, terms: termsIn(textOf(episode), words)}};
    return [{episode, state: bodies.state(row, episode), score, ...told}];
  });
}

function hasTags(contents: CacheContents, {n}: Ranking, tags: readonly string[]): boolean {
  const row = contents.rows.byKey.get(n);
  if (row === undefined) return false;
  const state = contents.bodies.state(row, contents.bodies.episode(row));
  return tags.every(tag => state.tags.includes(tag));
}

function textOf({task, input, output, critique, tags}: Episode): string {
  return [task, input, output, critique ?? '', ...tags].join('\n');
}
