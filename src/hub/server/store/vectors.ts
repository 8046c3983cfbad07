import type {Database} from 'better-sqlite3';
import type {Bodies} from './bodies.ts';
import type {GroupMember} from './group.ts';
import {entryKey, positionOf} from './hub-schema.ts';
import type {Tenant} from './tenants.ts';

const EMBEDDERS = 'SELECT num, name, vectors FROM embedders';
const ADD_EMBEDDER = 'INSERT INTO embedders (num, name, vectors) VALUES (?, ?, 0)';
const SET_COUNT = 'UPDATE embedders SET vectors = ? WHERE num = ?';
const MARK = 'SELECT position FROM vector_marks WHERE embedder = ? AND tenant = ?';
const SET_MARK = 'INSERT OR REPLACE INTO vector_marks (embedder, tenant, position) VALUES (?, ?, ?)';
const EMBEDDER_OF = 'SELECT embedder FROM vectors WHERE key = ?';
const SET = 'INSERT OR REPLACE INTO vectors (key, embedder, body) VALUES (?, ?, ?)';
const REMOVE = 'DELETE FROM vectors WHERE key = ?';
const MISSING = `SELECT key FROM entries WHERE key > ? AND key <= ? AND kind = 0
    AND NOT EXISTS (SELECT 1 FROM vectors WHERE vectors.key = entries.key AND embedder = ?)
  ORDER BY key LIMIT ?`;
const COUNT_MISSING = `SELECT count(*) FROM entries WHERE key > ? AND key <= ? AND kind = 0
    AND NOT EXISTS (SELECT 1 FROM vectors WHERE vectors.key = entries.key AND embedder = ?)`;
const AFTER = `SELECT vectors.key AS key, id, vectors.body AS body FROM vectors JOIN entries ON entries.key = vectors.key
  WHERE vectors.key > ? AND vectors.key <= ? AND embedder = ?
    AND NOT EXISTS (SELECT 1 FROM merged WHERE merged.episode = vectors.key) ORDER BY vectors.key LIMIT ?`;

/** The most embedders whose vectors are told apart. */
const MAX_EMBEDDERS = 1000;

interface EmbedderRow {
  readonly num: number;
  readonly name: string;
  vectors: number;
}

/** One vector per episode, of whatever embedder made it last; the bytes are its caller's, floats or quantised. */
export class Vectors implements GroupMember {
  readonly #bodies: Bodies;
  readonly #list;
  readonly #add;
  readonly #setCount;
  readonly #mark;
  readonly #setMark;
  readonly #embedderOf;
  readonly #set;
  readonly #remove;
  readonly #missing;
  readonly #countMissing;
  readonly #after;
  readonly #changed = new Set<EmbedderRow>();
  #embedders: Map<string, EmbedderRow> | null = null;

  constructor(db: Database, bodies: Bodies) {
    this.#bodies = bodies;
    this.#list = db.prepare<[], EmbedderRow>(EMBEDDERS);
    this.#add = db.prepare<[number, string]>(ADD_EMBEDDER);
    this.#setCount = db.prepare<[number, number]>(SET_COUNT);
    this.#mark = db.prepare<[number, number], number>(MARK).pluck();
    this.#setMark = db.prepare<[number, number, number]>(SET_MARK);
    this.#embedderOf = db.prepare<[number], number>(EMBEDDER_OF).pluck();
    this.#set = db.prepare<[number, number, Buffer]>(SET);
    this.#remove = db.prepare<[number]>(REMOVE);
    this.#missing = db.prepare<[number, number, number, number], number>(MISSING).pluck();
    this.#countMissing = db.prepare<[number, number, number], number>(COUNT_MISSING).pluck();
    this.#after = db.prepare<[number, number, number, number], {key: number; id: string; body: Buffer}>(AFTER);
  }

  /** Vectors there are of an embedder. */
  count(embedder: string): number {
    return this.#all().get(embedder)?.vectors ?? 0;
  }

  /** Positions of episodes without a vector of this embedder, oldest first. */
  missing(tenant: Tenant, embedder: string, limit: number): readonly number[] {
    const row = this.#all().get(embedder);
    const since = row === undefined ? 0 : (this.#mark.get(row.num, tenant.num) ?? 0);
    if (since >= tenant.head) return [];
    const keys = this.#missing.all(
      entryKey(tenant.num, since),
      entryKey(tenant.num, tenant.head),
      row?.num ?? 0,
      limit,
    );
    return keys.map(positionOf);
  }

  /** How many episodes of a tenant have no vector of this embedder. Only looks at what came since all before it had one. */
  missingCount(tenant: Tenant, embedder: string): number {
    const row = this.#all().get(embedder);
    const since = row === undefined ? 0 : (this.#mark.get(row.num, tenant.num) ?? 0);
    if (since >= tenant.head) return 0;
    const [after, last] = [entryKey(tenant.num, since), entryKey(tenant.num, tenant.head)];
    return this.#countMissing.get(after, last, row?.num ?? 0) ?? 0;
  }

  /** Only within a group. Throws RangeError on one embedder too many. */
  set(tenant: Tenant, embedder: string, {position, id, bytes}: {position: number; id: string; bytes: Buffer}): void {
    const row = this.#embedder(embedder);
    const key = entryKey(tenant.num, position);
    this.#uncount(key);
    this.#set.run(key, row.num, this.#bodies.writeBytes(tenant.name, vectorId(id), bytes));
    this.#count(row, 1);
  }

  /** Nothing before the first that is missing is looked at again. Only within a group. */
  advance(tenant: Tenant, embedder: string): void {
    const first = this.missing(tenant, embedder, 1)[0];
    this.#setMark.run(this.#embedder(embedder).num, tenant.num, first === undefined ? tenant.head : first - 1);
  }

  remove(key: number): void {
    this.#uncount(key);
    this.#remove.run(key);
  }

  /** Vectors of an embedder after a position, at most `limit`, in the order of positions; not of what is recalled as another one. */
  after(
    tenant: Tenant,
    embedder: string,
    {since, limit}: {since: number; limit: number},
  ): readonly {readonly position: number; readonly bytes: Buffer}[] {
    const row = this.#all().get(embedder);
    if (row === undefined) return [];
    const rows = this.#after.all(entryKey(tenant.num, since), entryKey(tenant.num, tenant.head), row.num, limit);
    return rows.map(({key, id, body}) => ({
      position: positionOf(key),
      bytes: this.#bodies.readBytes(tenant.name, vectorId(id), body),
    }));
  }

  save(): void {
    for (const {num, vectors} of this.#changed) this.#setCount.run(vectors, num);
    this.#changed.clear();
  }

  forget(): void {
    this.#embedders = null;
    this.#changed.clear();
  }

  #uncount(key: number): void {
    const before = this.#embedderOf.get(key);
    for (const row of this.#all().values()) if (row.num === before) this.#count(row, -1);
  }

  #count(row: EmbedderRow, by: number): void {
    row.vectors += by;
    this.#changed.add(row);
  }

  #embedder(name: string): EmbedderRow {
    const all = this.#all();
    const known = all.get(name);
    if (known !== undefined) return known;
    if (all.size >= MAX_EMBEDDERS)
      throw new RangeError(`There are ${MAX_EMBEDDERS} embedders already; "${name}" is one too many`);
    const made: EmbedderRow = {num: all.size + 1, name, vectors: 0};
    this.#add.run(made.num, name);
    all.set(name, made);
    return made;
  }

  #all(): Map<string, EmbedderRow> {
    this.#embedders ??= new Map(this.#list.all().map(row => [row.name, row]));
    return this.#embedders;
  }
}

function vectorId(episode: string): string {
  return `vector of ${episode}`;
}
