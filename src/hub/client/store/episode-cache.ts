import type {Database} from 'better-sqlite3';
import type {Episode, EpisodeChange, EpisodeState, LogEntry, LogItem, Memory} from '../../../model/episode.ts';
import type {PushResult} from '../../../wire/hub-protocol.ts';
import {fuse} from '../../recall/fuse.ts';
import {HybridClock, parseStamp} from '../../replica/hybrid-clock.ts';
import {Coalescing} from '../coalescing.ts';
import {HubError} from '../hub-error.ts';
import {uuidV7} from '../uuid-v7.ts';
import {foldChange, foldState, untouched} from './cache-folds.ts';
import type {CacheLimits} from './cache-limits.ts';
import {CacheRows, type Doomed, type NewRow, type Row} from './cache-rows.ts';
import type {BodyCode} from './cache-seal.ts';
import {CacheText} from './cache-text.ts';

export interface CacheOptions {
  readonly limits: CacheLimits;
  readonly code: BodyCode;
  /** Where the words are kept: in memory, where bodies are sealed. */
  readonly text: 'main' | 'temp';
  /** Unix epoch, milliseconds. */
  readonly wallMs: () => number;
}

export interface CacheCounts {
  readonly episodes: number;
  readonly bytes: number;
  /** Episodes and changes that the hub has not acknowledged. */
  readonly pending: number;
  /** Episodes that the hub does not take, and why is kept with them. */
  readonly refused: number;
  /** The last position of the hub's log up to which everything was seen. */
  readonly position: number;
}

export interface CacheQuery {
  readonly onlySuccess?: boolean | undefined;
  /** All of them. */
  readonly tags?: readonly string[] | undefined;
  readonly explain?: boolean | undefined;
}

/** Who uses a cache: what it stores is pushed by it. */
export type CacheUser = number & {readonly __user: unique symbol};

const ORPHANED = 0;
/** Episodes that are not searchable yet, before a write makes them so. */
const MAX_UNINDEXED = 256;
const INDEX_AT_ONCE = 2000;
/** How much is forgotten beyond the limit, so that it is not done for each episode. */
const SLACK = 0.05;
/** Of what is found so many times what is asked for is ranked. */
const CANDIDATES = 4;
const MIN_CANDIDATES = 20;
/** Log positions seen ahead of a gap. */
const MAX_AHEAD = 10_000;
/** What a refused push may become by itself: it stays pending. */
const KEPT_PENDING: ReadonlySet<string> = new Set(['storage-full', 'disk-full', 'unavailable', 'too-fast', 'internal']);

/**
 * What an agent has stored and what it was told, in one SQLite database. Synchronous; every call is one transaction. A process that is
 * killed loses nothing that was stored; with the machine the last moments may go (`synchronous = NORMAL`), but not what was acknowledged,
 * which the hub has.
 */
export class EpisodeCache {
  /** One pull at a time for all who use it. */
  readonly pulls = new Coalescing<number>();
  readonly #db: Database;
  readonly #rows: CacheRows;
  readonly #text: CacheText;
  readonly #limits: CacheLimits;
  readonly #code: BodyCode;
  readonly #wallMs: () => number;
  readonly #clock: HybridClock;
  readonly #users = new Set<number>();
  /** Positions of the log that were seen beyond the first gap. */
  readonly #ahead = new Set<number>();
  #lastUser = 0;
  #position: number;
  #indexed: number;
  #last: number;
  #totals: {episodes: number; bytes: number; pending: number; pendingBytes: number; refused: number};
  #isOpen = true;

  constructor(db: Database, {limits, code, text, wallMs}: CacheOptions) {
    this.#db = db;
    this.#rows = new CacheRows(db);
    this.#text = new CacheText(db, text);
    this.#limits = limits;
    this.#code = code;
    this.#wallMs = wallMs;
    this.#clock = new HybridClock({node: uuidV7().replaceAll('-', ''), wallMs});
    this.#rows.orphanAll.run();
    this.#position = Number(this.#rows.fact.get('position') ?? 0);
    this.#totals = {...(this.#rows.totals.get() ?? {episodes: 0, bytes: 0, pending: 0, pendingBytes: 0, refused: 0})};
    this.#indexed = this.#text.last();
    this.#last = this.#rows.last.get() ?? 0;
    this.#write(() => this.#index(Number.POSITIVE_INFINITY));
  }

  get counts(): CacheCounts {
    const {episodes, bytes, pending, refused} = this.#totals;
    return {episodes, bytes, pending, refused, position: this.#position};
  }

  get position(): number {
    return this.#position;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get limits(): CacheLimits {
    return this.#limits;
  }

  /** A stamp greater than all that this cache has made or seen. */
  stamp(): string {
    return this.#clock.now();
  }

  /** Somebody begins to use it, and takes over what those who are gone have left to be pushed. */
  join(): CacheUser {
    this.#lastUser += 1;
    this.#users.add(this.#lastUser);
    this.#rows.adopt.run({from: ORPHANED, to: this.#lastUser});
    // Branded here and nowhere else.
    return this.#lastUser as CacheUser;
  }

  /** What it has not pushed falls to the next one to join, or to one who is there. */
  leave(user: CacheUser): void {
    if (!this.#users.delete(user) || !this.#isOpen) return;
    const [heir = ORPHANED] = this.#users;
    this.#rows.adopt.run({from: user, to: heir});
  }

  /** Keeps what its user is to push. Throws a HubError `cache-full` when too much waits already. */
  add(user: CacheUser, item: LogItem): void {
    const json = JSON.stringify(item.kind === 'episode' ? item.episode : item.change);
    const {pendingItems, pendingBytes} = this.#limits;
    if (this.#totals.pending >= pendingItems || this.#totals.pendingBytes + json.length > pendingBytes) {
      const message = `${this.#totals.pending} items wait for the hub, as many as are kept: let it sync, or raise limits.pendingItems and limits.pendingBytes`;
      throw new HubError('cache-full', message);
    }
    this.#write(() => {
      this.#put(item, json, {owner: user, position: null});
      if (item.kind === 'change') this.#fold(item.change, null, 0);
      if (this.#last - this.#indexed >= MAX_UNINDEXED) this.#index(INDEX_AT_ONCE);
      this.#forget();
    });
  }

  /** What a user is to push, oldest first; at least one, if there is any, and then up to so many bytes. */
  pending(user: CacheUser, limit: number, maxBytes: number): readonly LogItem[] {
    const items: LogItem[] = [];
    let bytes = 0;
    for (const row of this.#rows.pending.iterate(user, limit)) {
      bytes += row.bytes;
      if (items.length > 0 && bytes > maxBytes) break;
      items.push(this.#itemOf(row));
    }
    return items;
  }

  pendingOf(user: CacheUser): number {
    return this.#rows.pendingCount.get(user) ?? 0;
  }

  /** Of whoever stored it before: from now on it is of this agent, whose token the hub takes it by. */
  resign(item: LogItem, agentId: string): LogItem {
    const [id, own]: [string, LogItem] =
      item.kind === 'episode'
        ? [item.episode.id, {kind: 'episode', episode: {...item.episode, agentId, signature: null}}]
        : [item.change.id, {kind: 'change', change: {...item.change, by: agentId}}];
    const row = this.#rows.byId.get(id);
    if (row === undefined) return own;
    const json = JSON.stringify(own.kind === 'episode' ? own.episode : own.change);
    this.#rows.rewrite.run({n: row.n, body: this.#code.encode(id, json), bytes: row.bytes});
    return own;
  }

  /** What the hub made of what was pushed. Answers how many it has, and those it never takes. */
  settle(results: readonly PushResult[]): {taken: number; refused: readonly Extract<PushResult, {code: string}>[]} {
    const refused: Extract<PushResult, {code: string}>[] = [];
    let taken = 0;
    this.#write(() => {
      for (const result of results) {
        const row = this.#rows.byId.get(result.id);
        if (row === undefined) continue;
        if ('position' in result) {
          taken += 1;
          this.#taken(row, result.position);
        } else if (!KEPT_PENDING.has(result.code)) {
          refused.push(result);
          this.#refuse(row, result.code);
        }
      }
      this.#advance();
      this.#forget();
    });
    return {taken, refused};
  }

  /** A page of the log, from our position on, without a gap. */
  applyPage(entries: readonly LogEntry[]): void {
    this.#write(() => {
      for (const entry of entries) this.#take(entry);
      this.#advance();
      this.#index(INDEX_AT_ONCE);
      this.#forget();
    });
  }

  /** News; false: something before them is missing, and is to be pulled. */
  applyNews(entries: readonly LogEntry[], head: number): boolean {
    return this.#write(() => {
      for (const entry of entries) {
        this.#advance();
        if (entry.position > this.#position + 1) return false;
        this.#take(entry);
      }
      this.#advance();
      if (this.#last - this.#indexed >= MAX_UNINDEXED) this.#index(INDEX_AT_ONCE);
      this.#forget();
      return entries.length > 0 || this.#position >= head;
    });
  }

  /** Goes on behind `position`; nothing before it will be asked for. */
  startAfter(position: number): void {
    this.#write(() => this.#moveTo(position));
  }

  /** The hub has another log than before, such as one from a backup: it is followed from its beginning. */
  restart(): void {
    this.#write(() => {
      this.#ahead.clear();
      this.#rows.unfold.run();
      this.#moveTo(0);
      for (const user of [ORPHANED, ...this.#users]) {
        for (const row of this.#rows.pending.all(user, this.#limits.pendingItems)) {
          const item = this.#itemOf(row);
          if (item.kind === 'change') this.#fold(item.change, null, 0);
        }
      }
    });
  }

  get(id: string): {readonly episode: Episode; readonly state: EpisodeState} | null {
    const row = this.#rows.byId.get(id);
    if (row === undefined || row.kind !== 0) return null;
    const episode = this.#episodeOf(row);
    return {episode, state: this.#stateOf(row, episode)};
  }

  /** The best of what is here, best first: by words, then by recency, reward, success and what others made of it. */
  search(
    query: string,
    k: number,
    {onlySuccess = false, tags = [], explain = false}: CacheQuery = {},
  ): readonly Memory[] {
    if (this.#indexed < this.#last) this.#write(() => this.#index(Number.POSITIVE_INFINITY));
    const wanted = tags.length > 0 ? k * CANDIDATES * CANDIDATES : k * CANDIDATES;
    const hits = this.#text.search(query, Math.max(MIN_CANDIDATES, wanted), this.#totals.episodes);
    const nowMs = this.#wallMs();
    const found = new Map<number, {row: Row; episode: Episode; state: EpisodeState}>();
    for (const key of hits) {
      const row = this.#rows.byKey.get(key);
      if (row === undefined || row.standing !== 0 || (row.expires_at_ms ?? Number.POSITIVE_INFINITY) <= nowMs) continue;
      if (onlySuccess && row.success === 0) continue;
      const episode = this.#episodeOf(row);
      const state = this.#stateOf(row, episode);
      if (tags.every(tag => state.tags.includes(tag))) found.set(key, {row, episode, state});
    }
    const fused = fuse({
      text: [...found.keys()].map(key => ({key, terms: []})),
      vector: [],
      facts: key => {
        const hit = found.get(key);
        if (hit === undefined) return null;
        return {atMs: hit.row.at_ms, reward: hit.row.reward, success: hit.row.success === 1, state: hit.state};
      },
      nowMs,
      limit: k,
    });
    return fused.flatMap(({key, score, why}) => {
      const hit = found.get(key);
      return hit === undefined ? [] : [{episode: hit.episode, state: hit.state, score, ...(explain && {why})}];
    });
  }

  /** Closing twice is the same as closing once. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#db.close();
  }

  #write<T>(act: () => T): T {
    if (!this.#isOpen) throw new HubError('ended', 'The cache was closed');
    this.#db.exec('BEGIN IMMEDIATE');
    const before = {...this.#totals, position: this.#position, indexed: this.#indexed, last: this.#last};
    try {
      const answer = act();
      if (this.#position !== before.position) this.#rows.setFact.run('position', this.#position);
      this.#db.exec('COMMIT');
      return answer;
    } catch (error) {
      if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
      const {position, indexed, last, ...totals} = before;
      this.#totals = totals;
      this.#position = position;
      this.#indexed = indexed;
      this.#last = last;
      // What was seen may have been rolled back with the rest; it is pulled again.
      this.#ahead.clear();
      throw error;
    }
  }

  /** One entry of the log, at its position. */
  #take(entry: LogEntry): void {
    const {position} = entry;
    if (position <= this.#position) return;
    const item: LogItem = entry.kind === 'episode' ? {kind: 'episode', episode: entry.episode} : entry;
    if (entry.kind === 'episode') {
      this.#clock.observe(entry.episode.at);
      const row = this.#rows.byId.get(entry.episode.id);
      if (row !== undefined) this.#taken(row, position);
      else this.#put(item, JSON.stringify(entry.episode), {owner: null, position});
    } else {
      this.#clock.observe(entry.change.at);
      const row = this.#rows.byId.get(entry.change.id);
      if (row !== undefined) this.#drop(row);
      this.#fold(entry.change, position, position);
    }
    this.#moveTo(position);
  }

  /** The hub has it at this position. */
  #taken(row: Row, position: number): void {
    if (position > this.#position && this.#ahead.size < MAX_AHEAD) this.#ahead.add(position);
    if (row.kind === 1) {
      const item = this.#itemOf(row);
      if (item.kind === 'change') this.#fold(item.change, position, 0);
      this.#drop(row);
      return;
    }
    if (row.owner !== null) {
      this.#totals.pending -= 1;
      this.#totals.pendingBytes -= row.bytes;
    }
    if (row.refused !== null) this.#totals.refused -= 1;
    this.#rows.taken.run({n: row.n, position});
  }

  #refuse(row: Row, code: string): void {
    // A change that is not taken leaves nothing to keep; an episode is still worth remembering here.
    if (row.kind === 1) return this.#drop(row);
    if (row.owner !== null) {
      this.#totals.pending -= 1;
      this.#totals.pendingBytes -= row.bytes;
    }
    if (row.refused === null) this.#totals.refused += 1;
    this.#rows.refused.run({n: row.n, code});
  }

  #put(item: LogItem, json: string, {owner, position}: {owner: number | null; position: number | null}): void {
    const {id, at} = item.kind === 'episode' ? item.episode : item.change;
    const body = this.#code.encode(id, json);
    const isEpisode = item.kind === 'episode';
    const row: NewRow = {
      id,
      kind: isEpisode ? 0 : 1,
      owner,
      position,
      at_ms: parseStamp(at)?.ms ?? this.#wallMs(),
      expires_at_ms: isEpisode ? item.episode.expiresAtMs : null,
      reward: isEpisode ? item.episode.reward : 0,
      success: isEpisode && item.episode.success ? 1 : 0,
      bytes: body.length,
      body,
    };
    this.#last = Number(this.#rows.put.run(row).lastInsertRowid);
    this.#totals.bytes += row.bytes;
    if (isEpisode) this.#totals.episodes += 1;
    if (owner === null) return;
    this.#totals.pending += 1;
    this.#totals.pendingBytes += row.bytes;
  }

  /** A change of an episode that is not here says nothing to us. */
  #fold(change: EpisodeChange, position: number | null, settled: number): void {
    const row = this.#rows.byId.get(change.episode);
    if (row === undefined || row.kind !== 0) return;
    const kept = row.fold === null ? null : this.#code.decode(foldId(row.id), row.fold);
    const {json, state} = foldChange(this.#episodeOf(row), {kept, change, position, settled});
    if (state.standing === 'forgotten') return this.#drop(row);
    const fold = this.#code.encode(foldId(row.id), json);
    this.#rows.folded.run({n: row.n, fold, standing: state.standing === 'active' ? 0 : 1});
  }

  #drop(row: Row): void {
    if (row.owner !== null) {
      this.#totals.pending -= 1;
      this.#totals.pendingBytes -= row.bytes;
    }
    if (row.refused !== null) this.#totals.refused -= 1;
    if (row.kind === 0) this.#remove(row);
    else {
      this.#rows.remove.run(row.n);
      this.#totals.bytes -= row.bytes;
    }
  }

  #remove({n, bytes}: Doomed): void {
    this.#rows.remove.run(n);
    if (n <= this.#indexed) this.#text.remove(n);
    this.#totals.bytes -= bytes;
    this.#totals.episodes -= 1;
  }

  #forget(): void {
    const {episodes, bytes} = this.#limits;
    if (this.#totals.episodes <= episodes && this.#totals.bytes <= bytes) return;
    const leastEpisodes = Math.floor(episodes * (1 - SLACK));
    const leastBytes = Math.floor(bytes * (1 - SLACK));
    const doomed = [
      ...this.#rows.expired.all(this.#wallMs(), this.#totals.episodes),
      ...this.#rows.oldestSafe.all(this.#totals.episodes),
    ];
    const gone = new Set<number>();
    for (const row of doomed) {
      if (this.#totals.episodes <= leastEpisodes && this.#totals.bytes <= leastBytes) return;
      if (gone.has(row.n)) continue;
      gone.add(row.n);
      this.#remove(row);
    }
  }

  #index(most: number): void {
    for (let left = most; left > 0 && this.#indexed < this.#last; ) {
      const rows = this.#rows.episodesAfter.all(this.#indexed, Math.min(left, INDEX_AT_ONCE));
      for (const row of rows) this.#text.put(row.n, this.#episodeOf(row));
      left -= rows.length;
      this.#indexed = rows.at(-1)?.n ?? this.#last;
    }
  }

  /** Over what was seen beyond a gap that is closed now. */
  #advance(): void {
    let position = this.#position;
    while (this.#ahead.delete(position + 1)) position += 1;
    if (position > this.#position) this.#moveTo(position);
  }

  #moveTo(position: number): void {
    this.#position = position;
    this.#ahead.delete(position);
  }

  #itemOf(row: Row): LogItem {
    if (row.kind === 0) return {kind: 'episode', episode: this.#episodeOf(row)};
    // Written by `#put`.
    return {kind: 'change', change: JSON.parse(this.#code.decode(row.id, row.body)) as EpisodeChange};
  }

  #episodeOf({id, body}: Pick<Row, 'id' | 'body'>): Episode {
    // Written by `#put`.
    return JSON.parse(this.#code.decode(id, body)) as Episode;
  }

  #stateOf({id, fold}: Row, episode: Episode): EpisodeState {
    return fold === null ? untouched(episode) : foldState(this.#code.decode(foldId(id), fold));
  }
}

function foldId(id: string): string {
  return `${id} fold`;
}
