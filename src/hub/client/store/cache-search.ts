import type {Episode, Memory} from '../../../model/episode.ts';
import {distinct, type Ranked} from '../../recall/distinct.ts';
import {fuse, type Fused, type RecallFacts} from '../../recall/fuse.ts';
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
  const mayFind = rowFilter(contents, options.by ?? null);
  const times = onlySuccess || tags.length > 0 || mayFind !== null ? PICKY_CANDIDATES : CANDIDATES;
  const isFit = (row: Ranking): boolean => {
    if (row.standing !== 0 || (row.expires_at_ms ?? Number.POSITIVE_INFINITY) <= nowMs) return false;
    if (onlySuccess && row.success === 0) return false;
    return (mayFind?.(row) ?? true) && (tags.length === 0 || hasTags(contents, row, tags));
  };
  const ranked = (hits: ReadonlyMap<number, Ranking>): readonly Fused[] =>
    fuse({
      text: [...hits.keys()].map(key => ({key, terms: []})),
      vector: [],
      facts: key => factsOf(contents, hits.get(key)),
      nowMs,
      limit: hits.size,
    });
  const hits = new Map<number, Ranking>();
  let found: readonly Ranked<Fused>[] = [];
  for (let depth = Math.max(MIN_CANDIDATES, k * times), seen = 0; ; depth *= 4) {
    const rows = contents.find(query, depth);
    for (const row of rows.slice(seen)) if (isFit(row)) hits.set(row.n, row);
    seen = rows.length;
    // Who floods the tenant with what nobody is to find, or with the same again and again, does not hide what others have said.
    const isAll = seen < depth || depth >= MAX_CANDIDATES;
    if (hits.size < k && !isAll) continue;
    found = distinct(read(contents, ranked(hits)), k, 'shown');
    if (found.length >= k || isAll) break;
  }
  const words = explain ? queryWords(query) : [];
  return found.map(({episode, state, hit: {score, why}}) => {
    const told = explain && {why: {...why, terms: termsIn(textOf(episode), words)}};
    return {episode, state, score, ...told};
  });
}

function factsOf({bodies}: CacheContents, row: Ranking | undefined): RecallFacts | null {
  if (row === undefined) return null;
  const state = row.fold === null ? NO_CHANGES : bodies.state(row, NO_CHANGES);
  return {atMs: row.at_ms, reward: row.reward, success: row.success === 1, state};
}

/** One after the other, as far as they are asked for. */
function* read({rows, bodies}: CacheContents, fused: readonly Fused[]): Generator<Ranked<Fused>> {
  for (const hit of fused) {
    const row = rows.byKey.get(hit.key);
    if (row === undefined) continue;
    const episode = bodies.episode(row);
    yield {key: hit.key, episode, state: bodies.state(row, episode), hit};
  }
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
