import type {Database} from 'better-sqlite3';
import type {Episode, EpisodeChange, LogEntry, LogItem} from '../../../model/episode.ts';
import {GodelError} from '../../../model/failure.ts';
import {formatStamp} from '../../replica/hybrid-clock.ts';
import {Bodies, type Body, byteLength, checksum, damaged} from './bodies.ts';
import {entryKey, KIND, positionOf} from './hub-schema.ts';
import type {Tenant} from './tenants.ts';

const COLUMNS = 'key, id, kind, episode, crc, body';
const INSERT = `INSERT INTO entries (key, tenant, id, kind, episode, agent, at_ms, expires_at_ms, crc, body)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (tenant, id) DO NOTHING`;
const KEY_OF = 'SELECT key FROM entries WHERE tenant = ? AND id = ?';
const BY_ID = `SELECT ${COLUMNS} FROM entries WHERE tenant = ? AND id = ?`;
const AGENT = 'SELECT agent FROM entries WHERE key = ?';
const OWNER = 'SELECT key, agent FROM entries WHERE tenant = ? AND id = ? AND episode IS NULL AND kind = 0';
const AT = `SELECT ${COLUMNS} FROM entries WHERE key = ?`;
const RANGE = `SELECT ${COLUMNS} FROM entries WHERE key > ? AND key <= ? ORDER BY key LIMIT ?`;
const CHANGES = `SELECT ${COLUMNS} FROM entries WHERE episode = ? AND kind = 1 ORDER BY key`;
const SIZE_OF_CHANGES = `SELECT coalesce(sum(octet_length(body)), 0) FROM entries
  WHERE episode = ? AND kind = 1 AND key <> ?`;
const EMPTY_CHANGES = `UPDATE entries SET kind = 2, agent = NULL, crc = 0, body = '' WHERE episode = ? AND kind = 1 AND key <> ?`;
const EMPTY = 'UPDATE entries SET kind = 2, agent = NULL, expires_at_ms = NULL, crc = ?, body = ? WHERE key = ?';
const EXPIRED = `SELECT id FROM entries WHERE tenant = ? AND expires_at_ms <= ? AND kind = 0
  ORDER BY expires_at_ms LIMIT ?`;
const OLDEST = `SELECT key, id, at_ms AS atMs FROM entries WHERE key > ? AND key <= ? AND kind = 0 ORDER BY key LIMIT ?`;
const OLDEST_BY_POLICY = OLDEST.replace('ORDER BY', 'AND expires_at_ms IS NULL ORDER BY');
const BY_AGENT = `SELECT id FROM entries WHERE key > ? AND key <= ? AND kind = 0 AND agent = ? ORDER BY key LIMIT ?`;

export interface EntryRow {
  readonly key: number;
  readonly id: string;
  readonly kind: number;
  /** The key of the episode a change is of; null: it is an episode. */
  readonly episode: number | null;
  readonly crc: number;
  readonly body: Body;
}

export interface OldEpisode {
  readonly key: number;
  readonly id: string;
  readonly atMs: number;
}

export interface NewEntry {
  readonly key: number;
  readonly item: LogItem;
  /** The key of the episode a change is of. */
  readonly of: number | null;
  readonly atMs: number;
}

/** The change that stands where something forgotten stood. */
export type ForgottenBy = Pick<EpisodeChange, 'by' | 'at'>;

/** The log of all tenants. Whatever it reads has been checked against the checksum of its row. */
export class Entries {
  readonly #bodies: Bodies;
  readonly #insert;
  readonly #keyOf;
  readonly #byId;
  readonly #at;
  readonly #agent;
  readonly #owner;
  readonly #range;
  readonly #changes;
  readonly #sizeOfChanges;
  readonly #emptyChanges;
  readonly #empty;
  readonly #expired;
  readonly #oldest;
  readonly #oldestByPolicy;
  readonly #byAgent;

  constructor(db: Database, bodies: Bodies | null) {
    type N = number | null;
    this.#bodies = bodies ?? new Bodies(null);
    this.#insert = db.prepare<[number, number, string, number, N, string | null, number, N, number, Body]>(INSERT);
    this.#keyOf = db.prepare<[number, string], number>(KEY_OF).pluck();
    this.#byId = db.prepare<[number, string], EntryRow>(BY_ID);
    this.#agent = db.prepare<[number], string | null>(AGENT).pluck();
    this.#owner = db.prepare<[number, string], {key: number; agent: string}>(OWNER);
    this.#at = db.prepare<[number], EntryRow>(AT);
    this.#range = db.prepare<[number, number, number], EntryRow>(RANGE);
    this.#changes = db.prepare<[number], EntryRow>(CHANGES);
    this.#sizeOfChanges = db.prepare<[number, number], number>(SIZE_OF_CHANGES).pluck();
    this.#emptyChanges = db.prepare<[number, number]>(EMPTY_CHANGES);
    this.#empty = db.prepare<[number, Body, number]>(EMPTY);
    this.#expired = db.prepare<[number, number, number], string>(EXPIRED).pluck();
    this.#oldest = db.prepare<[number, number, number], OldEpisode>(OLDEST);
    this.#oldestByPolicy = db.prepare<[number, number, number], OldEpisode>(OLDEST_BY_POLICY);
    this.#byAgent = db.prepare<[number, number, string, number], string>(BY_AGENT).pluck();
  }

  /** The size it is stored with; null: there is an entry of this id already, which stays as it is. */
  insert(tenant: Tenant, {key, item, of, atMs}: NewEntry): number | null {
    const isEpisode = item.kind === 'episode';
    const id = isEpisode ? item.episode.id : item.change.id;
    const body = this.#bodies.write(tenant.name, id, JSON.stringify(item));
    const agent = isEpisode ? item.episode.agentId : item.change.by;
    const expires = isEpisode ? item.episode.expiresAtMs : null;
    const kind = isEpisode ? KIND.episode : KIND.change;
    const {changes} = this.#insert.run(key, tenant.num, id, kind, of, agent, atMs, expires, checksum(id, body), body);
    return changes === 0 ? null : byteLength(body);
  }

  /** null: there is none of this id. */
  position(tenant: Tenant, id: string): number | null {
    const key = this.#keyOf.get(tenant.num, id);
    return key === undefined ? null : positionOf(key);
  }

  byId(tenant: Tenant, id: string): EntryRow | null {
    return this.#byId.get(tenant.num, id) ?? null;
  }

  /** Whose episode it is, by the number of its tenant; null: there is none of this id that is not forgotten. */
  owner(tenant: number, id: string): {readonly key: number; readonly agent: string} | null {
    return this.#owner.get(tenant, id) ?? null;
  }

  at(key: number): EntryRow | null {
    return this.#at.get(key) ?? null;
  }

  /** Entries after one position and up to another, oldest first. Nothing may be written while it is read. */
  between(tenant: Tenant, after: number, last: number, limit: number): IterableIterator<EntryRow> {
    return this.#range.iterate(entryKey(tenant.num, after), entryKey(tenant.num, last), limit);
  }

  changesOf(episode: number): IterableIterator<EntryRow> {
    return this.#changes.iterate(episode);
  }

  /** The JSON of an entry's item. */
  text(tenant: string, row: EntryRow): string {
    if (row.kind === KIND.forgotten && row.episode !== null) return this.#forgottenChange(tenant, row, row.episode);
    if (checksum(row.id, row.body) !== row.crc) {
      throw damaged(`entry ${positionOf(row.key)} ("${row.id}") of tenant "${tenant}" has another checksum`);
    }
    return this.#bodies.read(tenant, row.id, row.body);
  }

  /** null: it is damaged. */
  textUnlessDamaged(tenant: string, row: EntryRow): string | null {
    try {
      return this.text(tenant, row);
    } catch (error) {
      if (error instanceof GodelError) return null;
      throw error;
    }
  }

  item(tenant: string, row: EntryRow): LogItem {
    // The cast names what `insert` has written.
    return JSON.parse(this.text(tenant, row)) as LogItem;
  }

  entry(tenant: string, row: EntryRow): LogEntry {
    return {...this.item(tenant, row), position: positionOf(row.key)};
  }

  /** Throws on a row that is no episode, which is a bug of the caller. */
  episode(tenant: string, row: EntryRow): Episode {
    const item = this.item(tenant, row);
    if (item.kind === 'episode') return item.episode;
    throw new Error(`Internal error: entry ${positionOf(row.key)} of ${tenant} is no episode`);
  }

  /** null: it is none, or damaged. */
  changeUnlessDamaged(tenant: string, row: EntryRow): EpisodeChange | null {
    const text = this.textUnlessDamaged(tenant, row);
    // The cast names what `insert` has written.
    const item = text === null ? null : (JSON.parse(text) as LogItem);
    return item?.kind === 'change' ? item.change : null;
  }

  /** Whose it is; null: it is forgotten, or there is none. */
  agentOf(key: number): string | null {
    return this.#agent.get(key) ?? null;
  }

  /** The change of critique that stands there. */
  critiqueAt(tenant: string, key: number): Extract<EpisodeChange, {kind: 'critique'}> {
    const row = this.at(key);
    const item = row && this.item(tenant, row);
    if (item?.kind === 'change' && item.change.kind === 'critique') return item.change;
    throw damaged(`entry ${positionOf(key)} of tenant "${tenant}" is no critique`);
  }

  /** Takes everything from an episode and its changes but ids and positions; returns how many bytes are free now. */
  empty(tenant: Tenant, row: EntryRow, {by, at}: ForgottenBy, except: number): number {
    const change: EpisodeChange = {id: row.id, episode: row.id, by, at, kind: 'standing', standing: 'forgotten'};
    const body = this.#bodies.write(tenant.name, row.id, JSON.stringify({kind: 'change', change} satisfies LogItem));
    const changes = this.#sizeOfChanges.get(row.key, except) ?? 0;
    this.#emptyChanges.run(row.key, except);
    this.#empty.run(checksum(row.id, body), body, row.key);
    return changes + byteLength(row.body) - byteLength(body);
  }

  /** Ids of episodes that say themselves that their time is over, those first that were so first. */
  expired(tenant: Tenant, nowMs: number, limit: number): readonly string[] {
    return this.#expired.all(tenant.num, nowMs, limit);
  }

  /**
   * Episodes that are not forgotten, oldest first, with the time the hub took them in. by-policy: only those that do not say
   * themselves how long they live.
   */
  oldest(
    tenant: Tenant,
    {after, limit, lives}: {after: number; limit: number; lives: 'by-policy' | 'however'},
  ): readonly OldEpisode[] {
    const statement = lives === 'by-policy' ? this.#oldestByPolicy : this.#oldest;
    return statement.all(entryKey(tenant.num, after), entryKey(tenant.num, tenant.head), limit);
  }

  byAgent(tenant: Tenant, agent: string, after: number, limit: number): readonly string[] {
    return this.#byAgent.all(entryKey(tenant.num, after), entryKey(tenant.num, tenant.head), agent, limit);
  }

  #forgottenChange(tenant: string, row: EntryRow, episode: number): string {
    const forgotten = this.at(episode);
    const item = forgotten === null ? null : this.item(tenant, forgotten);
    if (item?.kind !== 'change')
      throw damaged(`entry ${positionOf(row.key)} of tenant "${tenant}" has lost its episode`);
    return JSON.stringify({kind: 'change', change: {...item.change, id: row.id}} satisfies LogItem);
  }
}

/**
 * What is told in the place of an entry that cannot be read: a change that adds no tag to an episode that nobody has. Under the ids that it had,
 * those who have the episode whole would take it for what was said of theirs.
 */
export function damagedText(position: number): string {
  const id = `damaged-${position}`;
  const at = formatStamp({ms: 0, counter: 0, node: 'hub'});
  const change: EpisodeChange = {id, episode: id, by: 'hub', at, kind: 'tag', add: [], remove: []};
  return JSON.stringify({kind: 'change', change} satisfies LogItem);
}
