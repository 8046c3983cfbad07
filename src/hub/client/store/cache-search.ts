import type {Episode, Memory} from '../../../model/episode.ts';
import {fuse} from '../../recall/fuse.ts';
import {type Speaker, speaksFor} from '../../security/delegation.ts';
import {meetsQuorum} from '../../security/reputation.ts';
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
  /** Who asks; what it speaks for is found without a quorum, too. */
  readonly by?: Speaker | undefined;
}

/** Of what is found so many times what is asked for is ranked; more, where much of it may be left out. */
const CANDIDATES = 4;
const PICKY_CANDIDATES = 20;
const MIN_CANDIDATES = 20;
const MAX_CANDIDATES = 5000;

/** Of an episode without changes, as far as it decides about its place. */
const NO_CHANGES = untouched({tags: [], critique: null});

/** The best k, best first: by words, then raised by recency, reward, success and what others made of it. `nowMs`: Unix epoch. */
export function searchCache(
  contents: CacheContents,
  {query, k, nowMs, options}: {query: string; k: number; nowMs: number; options: CacheQuery},
): readonly Memory[] {
  const {onlySuccess = false, tags = [], explain = false} = options;
  const {bodies} = contents;
  const mayFind = rowFilter(contents, options.by ?? null);
  const times = onlySuccess || tags.length > 0 || mayFind !== null ? PICKY_CANDIDATES : CANDIDATES;
  const isFit = (row: Ranking): boolean => {
    if (row.standing !== 0 || (row.expires_at_ms ?? Number.POSITIVE_INFINITY) <= nowMs) return false;
    if (onlySuccess && row.success === 0) return false;
    return (mayFind?.(row) ?? true) && (tags.length === 0 || hasTags(contents, row, tags));
  };
  const hits = new Map<number, Ranking>();
  for (let depth = Math.max(MIN_CANDIDATES, k * times), seen = 0; ; depth *= 4) {
    const rows = contents.find(query, depth);
    for (const row of rows.slice(seen)) if (isFit(row)) hits.set(row.n, row);
    seen = rows.length;
    // Who floods the tenant with what nobody is to find does not hide what others have said.
    if (mayFind === null || hits.size >= k || seen < depth || depth >= MAX_CANDIDATES) break;
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

/** Null: everything may be found. */
function rowFilter({rule, rows, bodies}: CacheContents, by: Speaker | null): ((row: Ranking) => boolean) | null {
  const {quorum, distrusted} = rule;
  if (quorum === 0 && distrusted.length === 0) return null;
  const refused = new Set(distrusted);
  return ({n}) => {
    const row = rows.byKey.get(n);
    if (row === undefined) return false;
    const episode = bodies.episode(row);
    if (by !== null && speaksFor(by, episode.agentId)) return true;
    return meetsQuorum(bodies.state(row, episode), quorum) && !refused.has(episode.agentId);
  };
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
