import {isDeepStrictEqual} from 'node:util';
import type {Database} from 'better-sqlite3';
import type {Episode, EpisodeState} from '../../../model/episode.ts';
import {GodelError} from '../../../model/failure.ts';
import {EpisodeFold} from '../../replica/episode-fold.ts';
import {type Bodies, byteLength, checksum} from './bodies.ts';
import {Entries, type EntryRow} from './entries.ts';
import {EpisodeStates} from './episode-states.ts';
import {KIND, positionOf} from './hub-schema.ts';
import {LastCritiques} from './last-critiques.ts';
import {MergedEpisodes} from './merged-episodes.ts';
import {type Tenant, Tenants} from './tenants.ts';
import {TextIndex} from './text-index.ts';

const PAGES = 'PRAGMA integrity_check(20)';
const IS_SEALED = "SELECT value FROM meta WHERE key = 'sealed'";
/** A backup may be older than they are. */
const HAS_CRITIQUES = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'critiques'";
const HAS_MERGED = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'merged'";
const DOCUMENTS = 'SELECT tenant, name, crc, body FROM documents';
const STRAY_VECTORS = `SELECT count(*) FROM vectors
  WHERE NOT EXISTS (SELECT 1 FROM entries WHERE entries.key = vectors.key AND kind = 0)`;
const MISCOUNTED = `SELECT name FROM embedders
  WHERE vectors <> (SELECT count(*) FROM vectors WHERE embedder = embedders.num)`;

/** Findings that are told. */
const MAX_FINDINGS = 100;
/** Rows between two pauses. */
const ROWS_IN_ONE_GO = 500;

export interface VerifyReport {
  /** What is not as it was written, a sentence each; at most 100 of them. Empty: all is well. */
  readonly findings: readonly string[];
  readonly tenants: number;
  readonly entries: number;
  /** Those that are not forgotten. */
  readonly episodes: number;
  /** sealed: without its key only checksums and positions could be looked at, not what episodes amount to. */
  readonly contents: 'read' | 'sealed';
}

export interface VerifyOptions {
  readonly db: Database;
  /** null: there is no key for what is sealed. */
  readonly bodies: Bodies | null;
  /** Whether SQLite is asked too: it looks at every page in one go. */
  readonly pages: boolean;
}

/**
 * Reads everything: pages and indexes (by SQLite's own check), gapless positions, checksums, the figures of each tenant, what
 * the changes of each episode amount to (folded anew), that all that is active is searchable, vectors, documents.
 */
export function verifyDatabase(options: VerifyOptions): VerifyReport {
  const steps = verifySteps(options);
  for (;;) {
    const {done, value} = steps.next();
    if (done === true) return value;
  }
}

/** The same in small steps, for who has other things to do in between. */
export function* verifySteps(options: VerifyOptions): Generator<undefined, VerifyReport> {
  const verification = new Verification(options);
  yield* verification.run();
  return verification.report();
}

class Verification {
  readonly #db: Database;
  readonly #bodies: Bodies | null;
  readonly #pages: boolean;
  readonly #entries: Entries;
  readonly #states: EpisodeStates | null;
  readonly #text: TextIndex;
  readonly #findings: string[] = [];
  readonly #seen = {tenants: 0, entries: 0, episodes: 0};

  constructor({db, bodies, pages}: VerifyOptions) {
    this.#db = db;
    this.#bodies = bodies;
    this.#pages = pages;
    this.#entries = new Entries(db, bodies);
    const entries = this.#entries;
    const critiques = db.prepare(HAS_CRITIQUES).get() === undefined ? null : new LastCritiques(db, entries);
    const merged = db.prepare(HAS_MERGED).get() === undefined ? null : new MergedEpisodes(db);
    this.#states = bodies && new EpisodeStates(db, bodies, {entries, outcomes: null, critiques, merged});
    this.#text = new TextIndex(db);
  }

  report(): VerifyReport {
    return {findings: this.#findings, ...this.#seen, contents: this.#bodies === null ? 'sealed' : 'read'};
  }

  *run(): Generator<undefined> {
    if (this.#pages) this.#checkPages();
    yield;
    const isSealed = this.#db.prepare<[], number>(IS_SEALED).pluck().get() === 1;
    for (const tenant of new Tenants(this.#db, Number.POSITIVE_INFINITY).all()) {
      this.#seen.tenants += 1;
      yield* this.#checkTenant(tenant, !isSealed);
    }
    this.#checkRest();
  }

  #checkPages(): void {
    const said = this.#db.prepare<[], string>(PAGES).pluck().all();
    if (said[0] !== 'ok') for (const line of said) this.#find(`SQLite finds: ${line}`);
  }

  *#checkTenant(tenant: Tenant, isSearched: boolean): Generator<undefined> {
    const {name} = tenant;
    const found = {bytes: 0, episodes: 0, searchable: 0};
    let position = 0;
    const mark = this.#text.mark(tenant.num);
    for (const row of this.#entries.between(tenant, 0, 2 ** 32 - 1, -1)) {
      if (positionOf(row.key) !== position + 1) {
        this.#find(`Tenant "${name}" has no entry ${position + 1}`);
      }
      position = positionOf(row.key);
      found.bytes += byteLength(row.body);
      if (row.kind === KIND.episode) found.episodes += 1;
      const isActive = this.#checkEntry(tenant, row);
      if (isActive && position <= mark) found.searchable += 1;
      this.#seen.entries += 1;
      if (position % ROWS_IN_ONE_GO === 0) yield;
    }
    this.#seen.episodes += found.episodes;
    this.#compare(`head of tenant "${name}"`, tenant.head, position);
    this.#compare(`number of bytes of tenant "${name}"`, tenant.bytes, found.bytes);
    this.#compare(`number of episodes of tenant "${name}"`, tenant.episodes, found.episodes);
    if (!isSearched) return;
    this.#compare(
      `number of searchable episodes of tenant "${name}"`,
      this.#text.count(tenant.num) ?? 0,
      found.searchable,
    );
  }

  /** Whether it is an episode that is active. */
  #checkEntry(tenant: Tenant, row: EntryRow): boolean {
    const what = `Entry ${positionOf(row.key)} ("${row.id}") of tenant "${tenant.name}"`;
    const isEmptied = row.kind === KIND.forgotten && row.episode !== null;
    if (!isEmptied && checksum(row.id, row.body) !== row.crc) {
      this.#find(`${what} has another checksum`);
      return false;
    }
    const states = this.#states;
    if (states === null) return false;
    try {
      const item = this.#entries.item(tenant.name, row);
      const id = item.kind === 'episode' ? item.episode.id : item.change.id;
      if (id !== row.id) this.#find(`${what} is of "${id}"`);
      if (item.kind === 'change') return false;
      const kept = states.of({tenant: tenant.name, key: row.key, episode: item.episode});
      const folded = this.#folded(tenant, row, item.episode);
      if (!isDeepStrictEqual(kept, folded)) {
        this.#find(`${what} is kept as ${JSON.stringify(kept)}, and its changes amount to ${JSON.stringify(folded)}`);
      }
      return kept.standing === 'active';
    } catch (error) {
      if (!(error instanceof GodelError || error instanceof SyntaxError)) throw error;
      this.#find(`${what} cannot be read: ${error.message}`);
      return false;
    }
  }

  /** As a replica folds it that has heard every change. */
  #folded(tenant: Tenant, row: EntryRow, episode: Episode): EpisodeState {
    const fold = EpisodeFold.of(episode);
    for (const changed of this.#entries.changesOf(row.key)) {
      const item = this.#entries.item(tenant.name, changed);
      if (item.kind !== 'change' || item.change.episode !== episode.id) continue;
      const position = positionOf(changed.key);
      fold.apply(item.change, position);
      fold.settle(position);
    }
    return fold.state();
  }

  #checkRest(): void {
    const stray = this.#db.prepare<[], number>(STRAY_VECTORS).pluck().get() ?? 0;
    this.#compare('number of vectors without an episode', stray, 0);
    for (const name of this.#db.prepare<[], string>(MISCOUNTED).pluck().all()) {
      this.#find(`The vectors of embedder "${name}" are counted wrongly`);
    }
    type Row = {tenant: string; name: string; crc: number; body: Buffer};
    for (const {tenant, name, crc, body} of this.#db.prepare<[], Row>(DOCUMENTS).iterate()) {
      if (checksum(name, body) !== crc) this.#find(`Document "${name}" of tenant "${tenant}" has another checksum`);
    }
  }

  #compare(what: string, kept: number, found: number): void {
    if (kept !== found) this.#find(`The ${what} is kept as ${kept}, and is ${found}`);
  }

  #find(finding: string): void {
    if (this.#findings.length < MAX_FINDINGS) this.#findings.push(finding);
  }
}
