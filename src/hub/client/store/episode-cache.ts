import type {Database} from 'better-sqlite3';
import type {KeptMemory, LogEntry, LogItem, Memory, WrittenClock} from '../../../model/episode.ts';
import type {RecallRule} from '../../../model/hub.ts';
import type {PushResult} from '../../../wire/hub-protocol.ts';
import {HybridClock} from '../../replica/hybrid-clock.ts';
import {NO_LOG} from '../../replica/write-clock.ts';
import {Coalescing} from '../coalescing.ts';
import {isSealedItem} from '../../security/tenant-seal.ts';
import {HubError} from '../hub-error.ts';
import {RecentIds} from '../recent-ids.ts';
import {uuidV7} from '../uuid-v7.ts';
import {CacheContents} from './cache-contents.ts';
import {CacheKeys} from './cache-keys.ts';
import type {CacheLimits} from './cache-limits.ts';
import type {Row} from './cache-rows.ts';
import type {BodyCode} from './cache-seal.ts';
import {type CacheQuery, searchCache} from './cache-search.ts';
import {CacheWrites} from './cache-writes.ts';
import {LogCursor} from './log-cursor.ts';

export interface CacheOptions {
  /** What it is kept in, for messages. */
  readonly file: string;
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
  /** Episodes that the hub does not take. */
  readonly refused: number;
  /** Episodes that were sealed with a key that is not here: kept, and not shown. */
  readonly sealed: number;
  /** The last position of the hub's log up to which everything was seen. */
  readonly position: number;
}

/** `key`: its place among those of this cache. */
export type KeyedEpisode = KeptMemory & {readonly key: number};

export type Refusal = Extract<PushResult, {readonly code: string}>;

/** What the hub made of what was pushed. What is neither `taken` nor `refused` stays pending. */
export interface Settled {
  /** How many the hub has. */
  readonly taken: number;
  /** What it never takes. */
  readonly refused: readonly Refusal[];
  /** What it takes later, whatever becomes of the others: by its place among what is here. */
  readonly held: readonly (Refusal & {readonly key: number})[];
  /** Why it takes nothing at present, such as a tenant that has no room; null: it does. */
  readonly stopped: Refusal | null;
}

/** Who uses a cache: what it stores is pushed by it. */
export type CacheUser = number & {readonly __user: unique symbol};

/** The fact which log is followed. */
const LOG = 'log';
/** Changes that nobody pushes, by id: as many of the last ones count once however often they are told. */
const MAX_KEPT_IDS = 10_000;
/** Owner of what nobody who is here has stored. */
const ORPHANED = 0;
/** Refusals that may pass by themselves: what was refused stays pending. */
const PASSING: ReadonlySet<string> = new Set(['storage-full', 'disk-full', 'unavailable', 'too-fast', 'internal']);

/**
 * What an agent has stored and what it was told, in one SQLite database. Synchronous; every call is one transaction. A process that is
 * killed loses nothing that was stored; with the machine the last moments may go (`synchronous = NORMAL`), but not what was acknowledged,
 * which the hub has. What goes wrong with the file is a HubError `cache-unusable`, and nothing of that call is kept.
 */
export class EpisodeCache {
  readonly limits: CacheLimits;
  /** One pull at a time for all who use it. */
  readonly pulls = new Coalescing<number>();
  readonly #db: Database;
  readonly #writes: CacheWrites;
  readonly #contents: CacheContents;
  readonly #cursor: LogCursor;
  readonly #keys: CacheKeys;
  readonly #wallMs: () => number;
  readonly #clock: HybridClock;
  /** One life of one replica: no other has this name, and none will. */
  readonly #node = uuidV7().replaceAll('-', '');
  #written = 0;
  readonly #users = new Set<number>();
  readonly #lastKept = new RecentIds(MAX_KEPT_IDS);
  #lastUser = ORPHANED;

  constructor(db: Database, options: CacheOptions) {
    this.#db = db;
    this.limits = options.limits;
    this.#wallMs = options.wallMs;
    this.#clock = new HybridClock({node: this.#node, wallMs: options.wallMs});
    this.#contents = new CacheContents(db, options);
    this.#keys = new CacheKeys(this.#contents.rows);
    this.#cursor = new LogCursor(Number(this.#contents.rows.fact.get('position') ?? 0));
    this.#writes = new CacheWrites(db, {file: options.file, contents: this.#contents, cursor: this.#cursor});
    this.#write(() => {
      this.#contents.rows.orphanAll.run();
      // All of the log is asked for again: what was counted is not counted twice, and what was said of tags is complete then.
      if (this.#contents.lacksTags()) this.#beginAgain();
      this.#contents.index('all');
    });
  }

  get counts(): CacheCounts {
    const {episodes, bytes, pending, refused, sealed} = this.#contents.totals;
    return {episodes, bytes, pending, refused, sealed, position: this.position};
  }

  get position(): number {
    return this.#cursor.position;
  }

  get isOpen(): boolean {
    return this.#db.open;
  }

  /** A stamp greater than all that this cache has made or seen. */
  stamp(): string {
    return this.#clock.now();
  }

  /** The clock of the next write: which it is of this cache's life, and up to where the hub's log had been seen. */
  clock(): WrittenClock {
    this.#written += 1;
    const {log} = this.#contents;
    // Without a log there are no positions: only its own writes are known to have been seen.
    return log === null ? [NO_LOG, this.#node, this.#written, 0] : [log, this.#node, this.#written, this.position];
  }

  /**
   * Somebody begins to use it, and takes over what those who are gone have left to be pushed. `keys`: fingerprints of the keys with which that is
   * sealed end to end; none: it is pushed as it is. Throws a HubError `bad-option` where others could then push it as it is.
   */
  join(keys: readonly string[] = []): CacheUser {
    this.#expectOpen();
    if (this.#users.size > 0) this.#keys.expect(keys);
    const areNew = this.#write(() => this.#keys.use(keys)) === 'new';
    // What could not be opened is asked for again.
    if (areNew && (this.counts.sealed > 0 || this.#keys.hasUnread)) this.restart();
    this.#lastUser += 1;
    this.#write(() => this.#contents.rows.adopt.run({from: ORPHANED, to: this.#lastUser}));
    this.#users.add(this.#lastUser);
    // Branded here and nowhere else.
    return this.#lastUser as CacheUser;
  }

  /** Throws a HubError `bad-option` unless those who use it have these keys, see `join`. */
  expectKeys(keys: readonly string[]): void {
    this.#keys.expect(keys);
  }

  /** What it has not pushed falls to one who is still there, or to the next one to join. */
  leave(user: CacheUser): void {
    if (!this.#users.has(user) || !this.isOpen) return;
    const heir = [...this.#users].find(other => other !== user) ?? ORPHANED;
    this.#write(() => this.#contents.rows.adopt.run({from: user, to: heir}));
    this.#users.delete(user);
  }

  /** Keeps what its user is to push. Throws a HubError `cache-full` when too much waits already, and keeps nothing then. */
  add(user: CacheUser, given: LogItem): void {
    const item = this.#clocked(given);
    const json = JSON.stringify(item.kind === 'episode' ? item.episode : item.change);
    const {pending, pendingBytes} = this.#contents.totals;
    if (pending >= this.limits.pendingItems || pendingBytes + json.length > this.limits.pendingBytes) {
      const fix = 'let it sync, or raise limits.pendingItems and limits.pendingBytes';
      throw new HubError('cache-full', `${pending} items wait for the hub, as many as are kept: ${fix}`);
    }
    this.#write(() => {
      this.#contents.put(item, json, {owner: user, position: null});
      if (item.kind === 'change') this.#contents.fold(item.change, null, 0);
      this.#contents.index('many');
      this.#contents.forget();
    });
  }

  /** Keeps what nobody is to push: there is no hub, and it is forgotten as what a hub has. */
  keep(item: LogItem): void {
    // Told twice; no log will say so.
    if (item.kind === 'change' && !this.#lastKept.add(item.change.id)) return;
    this.#write(() => {
      if (item.kind === 'change') this.#contents.fold(item.change, null, 'alone');
      else this.#contents.put(item, JSON.stringify(item.episode), {owner: null, position: null});
      this.#contents.index('many');
      this.#contents.forget();
    });
  }

  /** What nobody was to push until now, its user is: there was no hub, and there is one. */
  takeOver(user: CacheUser): void {
    this.#write(() => {
      this.#contents.rows.adoptLocal.run(user);
      this.#contents.recount();
    });
  }

  /** Whether no hub has it: none has been told of it yet, there is none, or it did not take it. */
  isLocal(id: string): boolean {
    this.#expectOpen();
    const row = this.#contents.rows.byId.get(id);
    return row !== undefined && row.position === null;
  }

  /** Whether it is still to be pushed. */
  isPending(id: string): boolean {
    this.#expectOpen();
    return (this.#contents.rows.byId.get(id)?.owner ?? null) !== null;
  }

  /** What a user is to push, oldest first, behind the place `after`; at least one, if there is any, and then up to so many bytes. */
  pending(user: CacheUser, limit: number, maxBytes: number, after = 0): readonly LogItem[] {
    const items: LogItem[] = [];
    let bytes = 0;
    for (const row of this.#contents.rows.pending.iterate(user, after, limit)) {
      bytes += row.bytes;
      if (items.length > 0 && bytes > maxBytes) break;
      items.push(this.#contents.bodies.item(row));
    }
    return items;
  }

  pendingOf(user: CacheUser): number {
    return this.isOpen ? (this.#contents.rows.pendingCount.get(user) ?? 0) : 0;
  }

  /** Keeps a pending item as it goes to the hub, such as in the name of who found it, and answers it. */
  rewrite(item: LogItem): LogItem {
    const own = item.kind === 'episode' ? item.episode : item.change;
    const row = this.#contents.rows.byId.get(own.id);
    const body = this.#contents.bodies.code.encode(own.id, JSON.stringify(own));
    if (row) this.#contents.rows.rewrite.run({n: row.n, body});
    return item;
  }

  /** Notes what the hub made of what was pushed. Where there is no room even for that, what the hub has is forgotten here. */
  settle(results: readonly PushResult[]): Settled {
    try {
      return this.#write(() => this.#settle(results, 'keep'));
    } catch (error) {
      if (!(error instanceof HubError) || error.code !== 'cache-unusable') throw error;
      return this.#write(() => this.#settle(results, 'forget'));
    }
  }

  /** A page of the log, from our position on, without a gap. */
  applyPage(entries: readonly LogEntry[]): void {
    this.#write(() => {
      for (const entry of entries) {
        this.#take(entry);
        this.#cursor.advance();
      }
      this.#contents.index('part');
      this.#contents.forget();
    });
  }

  /** News; false: something before them is missing, and is to be pulled. */
  applyNews(entries: readonly LogEntry[], head: number): boolean {
    return this.#write(() => {
      for (const entry of entries) {
        this.#cursor.advance();
        if (entry.position > this.position + 1) return false;
        this.#take(entry);
      }
      this.#cursor.advance();
      this.#contents.index('many');
      this.#contents.forget();
      return entries.length > 0 || this.position >= head;
    });
  }

  /** What is not to be recalled from now on, also after the cache was opened again. */
  obey(rule: RecallRule): void {
    this.#write(() => this.#contents.obey(rule));
  }

  /** Goes on behind `position`; nothing before it will be asked for. */
  startAfter(position: number): void {
    this.#write(() => this.#cursor.moveTo(position));
  }

  /**
   * The hub's log. When it is another one than this cache has followed, everything that was the hub's is forgotten, to be pulled from the
   * beginning; what waits for the hub, and what it never took, stays. With `pushAgainAs` nothing is forgotten: that user pushes it again.
   */
  follow(log: string, pushAgainAs: CacheUser | null = null): void {
    const known = this.#contents.log;
    if (known === log) return;
    this.#write(() => {
      this.#contents.rows.setFact.run(LOG, log);
      if (known === null) return;
      if (pushAgainAs === null) this.#contents.forgetTaken();
      else {
        this.#contents.rows.pushAgain.run(pushAgainAs);
        this.#contents.recount();
      }
      this.#startOver();
    });
    this.#contents.log = log;
  }

  /** The hub has another log than before, such as one from a backup: it is followed from its beginning. */
  restart(): void {
    this.#write(() => this.#startOver());
  }

  get(id: string): KeptMemory | null {
    this.#expectOpen();
    const row = this.#contents.rows.byId.get(id);
    if (row?.kind !== 0) return null;
    return this.#kept(row);
  }

  /**
   * Episodes behind this key (0: from the first), in the order in which they came; those that are quarantined too. `local`: only those
   * that are not known to be at the hub.
   */
  episodes(after: number, limit: number, {local = false} = {}): readonly KeyedEpisode[] {
    this.#expectOpen();
    const {rows} = this.#contents;
    return (local ? rows.localAfter : rows.episodesAfter)
      .all(after, limit)
      .map(row => ({...this.#kept(row), key: row.n}));
  }

  /** Episodes whose ids begin with this, the highest id first. */
  startingWith(prefix: string, limit: number): readonly KeptMemory[] {
    this.#expectOpen();
    const range = {from: prefix, to: `${prefix}\u{10FFFF}`, limit};
    return this.#contents.rows.startingWith.all(range).map(row => this.#kept(row));
  }

  /** Episodes that were here and that somebody has forgotten. */
  get forgotten(): number {
    return this.#contents.forgotten;
  }

  /** Whether somebody has forgotten it; of very many only the last ones are known. */
  isForgotten(id: string): boolean {
    this.#expectOpen();
    return this.#contents.rows.isBuried.get(id) !== undefined;
  }

  /** The best k of what is here, best first. */
  search(query: string, k: number, options: CacheQuery = {}): readonly Memory[] {
    this.#expectOpen();
    this.#indexAll();
    return searchCache(this.#contents, {query, k, nowMs: this.#wallMs(), options});
  }

  /** Closing twice is the same as closing once. */
  close(): void {
    if (this.isOpen) this.#db.close();
  }

  #kept(row: Row): KeptMemory {
    const episode = this.#contents.bodies.episode(row);
    return {episode, state: this.#contents.bodies.state(row, episode)};
  }

  /** Without room for the words of what came last, what came before is still searched. */
  #indexAll(): void {
    if (this.#contents.isIndexed) return;
    try {
      this.#write(() => this.#contents.index('all'));
    } catch (error) {
      if (!(error instanceof HubError) || error.code !== 'cache-unusable') throw error;
    }
  }

  /** One entry of the log, at its position; what was seen before is left out. */
  #take(entry: LogEntry): void {
    const {position} = entry;
    if (position <= this.position) return;
    const {id, at} = entry.kind === 'episode' ? entry.episode : entry.change;
    this.#clock.observe(at);
    const row = this.#contents.rows.byId.get(id);
    if (entry.kind === 'change') {
      if (isSealedItem(entry)) this.#keys.noteUnread();
      else this.#contents.fold(entry.change, position, position);
      if (row) this.#contents.drop(row);
    } else if (row && (row.kind !== 2 || isSealedItem(entry))) this.#contents.taken(row, position);
    else {
      // It can be opened now.
      if (row) this.#contents.drop(row);
      const item: LogItem = {kind: 'episode', episode: entry.episode};
      this.#contents.put(item, JSON.stringify(entry.episode), {owner: null, position});
    }
    this.#cursor.moveTo(position);
  }

  /** With the clock of a write here, unless it has one, or is signed as it is. */
  #clocked(item: LogItem): LogItem {
    if (item.kind === 'change') {
      return item.change.clock ? item : {kind: 'change', change: {...item.change, clock: this.clock()}};
    }
    const {clock, signature} = item.episode;
    if (clock !== undefined || signature !== null) return item;
    return {kind: 'episode', episode: {...item.episode, clock: this.clock()}};
  }

  #startOver(): void {
    this.#contents.rows.unfold.run();
    this.#beginAgain();
  }

  #beginAgain(): void {
    const {rows, bodies} = this.#contents;
    this.#cursor.goBackTo({position: 0, ahead: []});
    for (const user of [ORPHANED, ...this.#users]) {
      for (const row of rows.pending.all(user, 0, this.limits.pendingItems)) {
        const item = bodies.item(row);
        if (item.kind === 'change') this.#contents.fold(item.change, null, 0);
      }
    }
  }

  #settle(results: readonly PushResult[], then: 'keep' | 'forget'): Settled {
    const refused: Refusal[] = [];
    const held: Settled['held'][number][] = [];
    let taken = 0;
    let stopped: Refusal | null = null;
    const settled = this.position;
    for (const result of results) {
      const row = this.#contents.rows.byId.get(result.id);
      if ('position' in result) {
        taken += 1;
        const isKnown = row === undefined || this.#contents.taken(row, result.position, {then, settled});
        // A change of an episode that is not here yet is to be pulled behind it.
        if (isKnown) this.#cursor.saw(result.position);
      } else if (result.retryAfterMs !== undefined || this.#awaitsEpisode(row, result)) {
        if (row) held.push({...result, key: row.n});
      } else if (PASSING.has(result.code)) {
        stopped ??= result;
      } else {
        refused.push(result);
        if (row) this.#contents.refuse(row, result.code);
      }
    }
    this.#cursor.advance();
    this.#contents.forget();
    return {taken, refused, held, stopped};
  }

  /** Whether it is a change of an episode that its user has not brought to the hub yet. */
  #awaitsEpisode(row: Row | undefined, {code}: Refusal): boolean {
    if (row?.kind !== 1 || code !== 'not-found') return false;
    const item = this.#contents.bodies.item(row);
    return item.kind === 'change' && this.#contents.rows.byId.get(item.change.episode)?.owner === row.owner;
  }

  #write<T>(act: () => T): T {
    this.#expectOpen();
    return this.#writes.run(act);
  }

  #expectOpen(): void {
    if (!this.isOpen) throw new HubError('ended', 'The cache was closed');
  }
}
