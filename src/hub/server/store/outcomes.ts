import type {Database} from 'better-sqlite3';
import {parseStamp} from '../../replica/hybrid-clock.ts';
import {
  NO_REPUTATION,
  type Reputation,
  REPUTATION_HALF_LIFE_MS,
  reputationOf,
  withOutcome,
  withoutOutcome,
} from '../../security/reputation.ts';
import type {GroupMember} from './group.ts';
import {tenantOf} from './hub-schema.ts';

const READ = 'SELECT good, bad, at_ms AS atMs FROM outcomes WHERE tenant = ? AND author = ? AND confirmer = ?';
const WRITE = 'INSERT OR REPLACE INTO outcomes (tenant, author, confirmer, good, bad, at_ms) VALUES (?, ?, ?, ?, ?, ?)';
const OF_AUTHOR = 'SELECT good, bad, at_ms AS atMs FROM outcomes WHERE tenant = ? AND author = ?';
const ALL = `SELECT author, good, bad, at_ms AS atMs FROM outcomes WHERE tenant = ? ORDER BY author`;
const COUNT = 'SELECT count(*) FROM outcomes WHERE tenant = ? AND author = ?';
const PAIRS = 'SELECT count(*) FROM outcomes WHERE tenant = ?';
const DROP_EARLIEST = `DELETE FROM outcomes WHERE tenant = @tenant AND author = @author AND confirmer = (
  SELECT confirmer FROM outcomes WHERE tenant = @tenant AND author = @author ORDER BY at_ms, confirmer LIMIT 1)`;
const PRUNE = `DELETE FROM outcomes WHERE (tenant, author, confirmer) IN (
  SELECT tenant, author, confirmer FROM outcomes WHERE tenant = ? AND at_ms < ? ORDER BY at_ms LIMIT ?)`;
const IS_FILLED = "SELECT 1 FROM meta WHERE key = 'outcomes'";
const SET_FILLED = "INSERT INTO meta (key, value) VALUES ('outcomes', 1)";
const VOICES = `SELECT voices.episode, voices.agent AS confirmer, value, at, entries.agent AS author
  FROM voices JOIN entries ON entries.key = voices.episode WHERE voices.kind = 1 AND entries.kind = 0`;

/** Those who were last heard of an agent: so many are counted. */
const MAX_CONFIRMERS = 1000;
/** Pairs of agents in one tenant. */
const MAX_PAIRS = 200_000;
/** After ten half-lives an outcome counts for less than a thousandth. */
const WORTHLESS_MS = 10 * REPUTATION_HALF_LIFE_MS;
const CACHED_AUTHORS = 10_000;
/** Authors of a tenant of whom something new was said, until somebody asks; beyond it, all of them may be. */
const MAX_REVISED = 1000;
/** Sums are made anew after so many milliseconds, in which nothing ages that matters. */
const CACHED_MS = 60_000;

/** What somebody said of an episode: 1 that it held, -1 that it did not. */
export interface Word {
  readonly value: number;
  /** A stamp of the hybrid clock. */
  readonly at: string;
}

export interface Standing {
  readonly author: string;
  readonly reputation: Reputation;
  readonly confirmers: number;
}

/** What the outcomes of others say of each agent, kept up with each confirmation in the same transaction. */
export class Outcomes implements GroupMember {
  readonly #db: Database;
  readonly #read;
  readonly #write;
  readonly #ofAuthor;
  readonly #all;
  readonly #count;
  readonly #dropEarliest;
  readonly #prune;
  readonly #pairs;
  readonly #sums = new Map<string, Reputation>();
  readonly #revised = new Map<number, Set<string> | 'all'>();

  constructor(db: Database) {
    this.#db = db;
    type Pair = [number, string, string];
    this.#read = db.prepare<Pair, Reputation>(READ);
    this.#write = db.prepare<[...Pair, number, number, number]>(WRITE);
    this.#ofAuthor = db.prepare<[number, string], Reputation>(OF_AUTHOR);
    this.#all = db.prepare<[number], Reputation & {author: string}>(ALL);
    this.#count = db.prepare<[number, string], number>(COUNT).pluck();
    this.#dropEarliest = db.prepare<[{tenant: number; author: string}]>(DROP_EARLIEST);
    this.#pairs = db.prepare<[number], number>(PAIRS).pluck();
    this.#prune = db.prepare<[number, number, number]>(PRUNE);
  }

  /** Somebody's word of an episode of `author` takes the place of the one before; null: it is the first. Only within a group. */
  note(episode: number, who: {author: string; confirmer: string}, now: Word, before: Word | null): void {
    const tenant = tenantOf(episode);
    const {author, confirmer} = who;
    const known = this.#read.get(tenant, author, confirmer);
    let reputation = known ?? NO_REPUTATION;
    if (before !== null) reputation = withoutOutcome(reputation, outcomeOf(before));
    reputation = withOutcome(reputation, outcomeOf(now));
    this.#write.run(tenant, author, confirmer, reputation.good, reputation.bad, reputation.atMs);
    if (known === undefined && (this.#count.get(tenant, author) ?? 0) > MAX_CONFIRMERS) {
      this.#dropEarliest.run({tenant, author});
    }
    this.#sums.delete(keyOf(tenant, author));
    this.#revise(tenant, author);
  }

  /** Of whom something was said since this was asked last; all: nobody kept count. */
  takeRevised(tenant: number): ReadonlySet<string> | 'all' {
    const revised = this.#revised.get(tenant);
    if (revised === undefined || revised === 'all' || revised.size > 0) this.#revised.set(tenant, new Set());
    return revised ?? 'all';
  }

  of(tenant: number, author: string, nowMs: number): Reputation {
    const key = keyOf(tenant, author);
    const known = this.#sums.get(key);
    if (known !== undefined && Math.abs(nowMs - known.atMs) < CACHED_MS) return known;
    const sum = reputationOf(this.#ofAuthor.all(tenant, author), nowMs);
    if (this.#sums.size >= CACHED_AUTHORS) this.#sums.clear();
    this.#sums.set(key, sum);
    return sum;
  }

  /** Of all agents of whom there are outcomes, by name; reads all there are of the tenant. */
  *all(tenant: number, nowMs: number): Generator<Standing> {
    let author: string | null = null;
    let heard: Reputation[] = [];
    const standing = (of: string): Standing => ({
      author: of,
      reputation: reputationOf(heard, nowMs),
      confirmers: heard.length,
    });
    for (const row of this.#all.iterate(tenant)) {
      if (author !== null && author !== row.author) {
        yield standing(author);
        heard = [];
      }
      author = row.author;
      heard.push(row);
    }
    if (author !== null) yield standing(author);
  }

  /** Forgets pairs that count for nothing any more, then the earliest of too many, at most `limit`; how many. Only within a group. */
  prune(tenant: number, nowMs: number, limit: number): number {
    const worthless = this.#prune.run(tenant, nowMs - WORTHLESS_MS, limit).changes;
    const excess = Math.min(limit - worthless, (this.#pairs.get(tenant) ?? 0) - MAX_PAIRS);
    return worthless + (excess > 0 ? this.#prune.run(tenant, Number.MAX_SAFE_INTEGER, excess).changes : 0);
  }

  /** In a database that was made before there were outcomes: what is said of the episodes that are there now. */
  fill(): void {
    if (this.#db.prepare(IS_FILLED).get() !== undefined) return;
    type Row = Word & {episode: number; confirmer: string; author: string};
    this.#db.transaction(() => {
      for (const row of this.#db.prepare<[], Row>(VOICES).all()) this.note(row.episode, row, row, null);
      this.#db.prepare(SET_FILLED).run();
    })();
  }

  forget(): void {
    this.#sums.clear();
    this.#revised.clear();
  }

  #revise(tenant: number, author: string): void {
    const revised = this.#revised.get(tenant);
    if (revised === undefined || revised === 'all') return;
    if (revised.size >= MAX_REVISED) this.#revised.set(tenant, 'all');
    else revised.add(author);
  }
}

function outcomeOf({value, at}: Word): {held: boolean; atMs: number} {
  return {held: value === 1, atMs: parseStamp(at)?.ms ?? 0};
}

function keyOf(tenant: number, author: string): string {
  return `${tenant} ${author}`;
}
