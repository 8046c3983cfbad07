import type {Episode, LogEntry, Memory} from '../../../model/episode.ts';
import {distinct, type Ranked} from '../../recall/distinct.ts';
import {fuse, type Fused, type FuseInput, type RecallFacts} from '../../recall/fuse.ts';
import {termsIn} from '../../recall/terms.ts';
import type {Embedder} from '../../recall/vector-index.ts';
import {parseStamp} from '../../replica/hybrid-clock.ts';
import {speaksFor} from '../../security/delegation.ts';
import {isSealedEpisode} from '../../security/tenant-seal.ts';
import {LEAST_RECALLED, meetsQuorum, trustOf} from '../../security/reputation.ts';
import type {HubEvent, HubRecall, RecallQuery} from '../hub-parts.ts';
import type {Found} from '../store/episode-log.ts';
import type {SqliteHubStore} from '../store/sqlite-hub-store.ts';
import type {TenantIndexes} from './tenant-indexes.ts';
import {embeddedText, type VectorFollower} from './vector-follower.ts';

/** Hits of each kind that are looked at first, and at most when too few of them are wanted. */
const FIRST_DEPTH = 50;
const MAX_DEPTH = 3200;
/** Milliseconds for which text is made searchable before others have their turn. */
const TEXT_SLICE_MS = 3;
/** One answer fits a frame. */
const MAX_ANSWER_CHARS = 3 * 1024 * 1024;

export interface HybridRecallParts {
  readonly store: SqliteHubStore;
  readonly embedder: Embedder;
  readonly indexes: TenantIndexes;
  readonly follower: VectorFollower;
  /** Something is to be made searchable. */
  readonly onAdded: (tenant: string) => void;
  /** Agents that must have confirmed an episode before others than its own recall it. */
  readonly quorum: number;
  readonly wallMs: () => number;
  readonly onEvent: (event: HubEvent) => void;
}

/** The nearest vectors to what was asked, of all positions or only of some. */
type Nearest = (k: number, among: readonly number[] | null) => FuseInput['vector'];

type EpisodeFound = Found & {readonly episode: Episode};

/** Full text, at once, and vectors, as far as they are made, as one list with recency, reward and what others made of it. */
export class HybridRecall implements HubRecall {
  readonly #parts: HybridRecallParts;

  constructor(parts: HybridRecallParts) {
    this.#parts = parts;
  }

  async recall(tenant: string, query: RecallQuery): Promise<readonly Memory[]> {
    const {store} = this.#parts;
    // What was pushed before it was asked is found; what comes meanwhile, in a storm, would never end.
    const head = store.appended(tenant);
    const nearest = await this.#nearest(tenant, query.query);
    while (!store.followTextTo(tenant, head, TEXT_SLICE_MS)) await nextTurn();
    const {tags = []} = query;
    // Where few have the tags, the best of all would hardly ever be among them.
    const among = tags.length === 0 ? null : store.tagged(tenant, tags);
    if (among?.length === 0) return [];
    const found = new Map<number, EpisodeFound | null>();
    for (let depth = Math.max(FIRST_DEPTH, 2 * query.k); ; depth *= 4) {
      const text =
        among === null
          ? store.searchText(tenant, query.query, depth, 'searchable')
          : store.searchTagged(tenant, query.query, depth, tags);
      const vector = nearest(depth, among);
      this.#read(tenant, [...text.hits.map(({position}) => position), ...vector.map(({key}) => key)], found);
      const fused = this.#fuse(tenant, query, {text, vector}, found);
      const told = distinct(
        fused.flatMap(hit => rankedOf(hit, found.get(hit.key) ?? null)),
        query.k,
      );
      const isAll = text.hits.length < depth && vector.length < depth;
      if (told.length >= query.k || isAll || depth >= MAX_DEPTH) return answer(told, query);
    }
  }

  added(tenant: string, entries: readonly LogEntry[]): void {
    const forgotten = entries.flatMap(entry =>
      entry.kind === 'change' && entry.change.kind === 'standing' && entry.change.standing === 'forgotten'
        ? [entry.change.episode]
        : [],
    );
    this.forgotten(tenant, forgotten);
    this.#parts.follower.wake();
    this.#parts.onAdded(tenant);
  }

  /** Takes the vectors of what was forgotten out of memory too. */
  forgotten(tenant: string, episodes: readonly string[]): void {
    for (const id of episodes) {
      const found = this.#parts.store.get(tenant, id);
      if (found !== null) this.#parts.indexes.remove(tenant, found.entry.position);
    }
  }

  unembedded(tenant: string | null): number {
    const {store, embedder} = this.#parts;
    if (tenant === null) return store.vectors.unembeddedCount(embedder.id);
    return store.vectors.unembeddedOf(tenant, embedder.id);
  }

  unsearchable(): number {
    return this.#parts.store.unsearchable(null);
  }

  /** Where vectors cannot be had, recall goes on with words alone. */
  async #nearest(tenant: string, query: string): Promise<Nearest> {
    try {
      const index = await this.#parts.indexes.open(tenant);
      if (index.size === 0) return () => [];
      const [vector] = await this.#parts.embedder.embed([query]);
      return vector === undefined ? () => [] : (k, among) => index.search(vector, k, among ?? undefined);
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      this.#parts.onEvent({kind: 'upkeep-failed', what: 'vectors', detail});
      return () => [];
    }
  }

  #read(tenant: string, positions: readonly number[], found: Map<number, EpisodeFound | null>): void {
    const unknown = [...new Set(positions)].filter(position => !found.has(position));
    for (const position of unknown) found.set(position, null);
    for (const each of this.#parts.store.at(tenant, unknown)) {
      const {entry} = each;
      // What was sealed end to end says nothing to who asks.
      if (entry.kind === 'episode' && !isSealedEpisode(entry.episode))
        found.set(entry.position, {...each, episode: entry.episode});
    }
  }

  #fuse(
    tenant: string,
    {tags = [], onlySuccess = false, explain = false, by}: RecallQuery,
    {text, vector}: {text: ReturnType<SqliteHubStore['searchText']>; vector: FuseInput['vector']},
    found: ReadonlyMap<number, EpisodeFound | null>,
  ): readonly Fused[] {
    const words = explain ? text.words : [];
    const nowMs = this.#parts.wallMs();
    const {store, quorum} = this.#parts;
    const trusts = new Map<string, number>();
    const trustIn = (agent: string): number => {
      const known = trusts.get(agent) ?? trustOf(store.reputation(tenant, agent, nowMs), nowMs);
      trusts.set(agent, known);
      return known;
    };
    const mayFind = (each: EpisodeFound | null): boolean => {
      if (each === null) return false;
      const {agentId, expiresAtMs} = each.episode;
      // It is forgotten within the minute.
      if (expiresAtMs !== null && expiresAtMs <= nowMs) return false;
      if (by !== null && speaksFor(by, agentId)) return true;
      return meetsQuorum(each.state, quorum) && trustIn(agentId) >= LEAST_RECALLED;
    };
    return fuse({
      text: text.hits.map(({position}) => ({key: position, terms: wordsIn(found.get(position) ?? null, words)})),
      vector,
      facts: key => factsOf(found.get(key) ?? null, trustIn),
      accepts: (key, {state, success}) =>
        (!onlySuccess || success) && tags.every(tag => state.tags.includes(tag)) && mayFind(found.get(key) ?? null),
      nowMs,
      limit: 2 * MAX_DEPTH,
    });
  }
}

function nextTurn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}

function factsOf(found: EpisodeFound | null, trustIn: (agent: string) => number): RecallFacts | null {
  if (found === null) return null;
  const {episode, state} = found;
  const {reward, success, agentId} = episode;
  return {atMs: parseStamp(episode.at)?.ms ?? 0, reward, success, state, trust: trustIn(agentId)};
}

function rankedOf(hit: Fused, found: EpisodeFound | null): readonly Ranked<Fused>[] {
  return found === null ? [] : [{key: hit.key, episode: found.episode, state: found.state, hit}];
}

/** As many of the best as fit one frame, one at least. */
function answer(told: readonly Ranked<Fused>[], {explain = false}: RecallQuery): readonly Memory[] {
  const memories: Memory[] = [];
  let chars = 0;
  for (const {episode, state, hit} of told) {
    const {score, why} = hit;
    const memory = {episode, state, score, ...(explain && {why})};
    chars += JSON.stringify(memory).length;
    if (memories.length > 0 && chars > MAX_ANSWER_CHARS) break;
    memories.push(memory);
  }
  return memories;
}

function wordsIn(found: EpisodeFound | null, words: readonly string[]): readonly string[] {
  return found === null || words.length === 0 ? [] : termsIn(embeddedText(found.episode), words);
}
