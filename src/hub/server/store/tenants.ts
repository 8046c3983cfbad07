import type {Database} from 'better-sqlite3';
import type {GroupMember} from './group.ts';
import {entryKey, KIND, LAST_POSITION, positionOf} from './hub-schema.ts';

const LIST = 'SELECT num, name, head, bytes, episodes FROM tenants ORDER BY num';
const MAKE = 'INSERT INTO tenants (num, name, head, bytes, episodes) VALUES (?, ?, 0, 0, 0)';
const SAVE = 'UPDATE tenants SET head = ?, bytes = ?, episodes = ? WHERE num = ?';
const SINCE = `SELECT max(key) AS last, coalesce(sum(octet_length(body)), 0) AS bytes, count(*) FILTER (WHERE kind = ${KIND.episode}) AS episodes
  FROM entries WHERE key > ? AND key <= ?`;

/** Entries of a tenant that may be in its log before its row says so. */
const MOST_UNSAVED = 1000;

export interface Tenant {
  readonly num: number;
  readonly name: string;
  /** The last position given out. */
  head: number;
  /** The last position that is durable. */
  durable: number;
  /** The head that its row has. */
  saved: number;
  /** Stored size of its entries. */
  bytes: number;
  /** Those not forgotten. */
  episodes: number;
}

type Row = Omit<Tenant, 'durable' | 'saved'>;

/**
 * All tenants, in memory too. The row of a tenant may lag behind its log, so that an append need not write two tables: what was appended
 * since is counted when it is read.
 */
export class Tenants implements GroupMember {
  readonly #list;
  readonly #make;
  readonly #save;
  readonly #since;
  readonly #max: number;
  readonly #changed = new Set<Tenant>();
  /** Those of them whose rows are written in this group. */
  readonly #due = new Set<Tenant>();
  #byName: Map<string, Tenant> | null = null;
  #byNum = new Map<number, Tenant>();

  constructor(db: Database, max: number) {
    this.#list = db.prepare<[], Row>(LIST);
    this.#make = db.prepare<[number, string]>(MAKE);
    this.#save = db.prepare<[number, number, number, number]>(SAVE);
    type Since = {readonly last: number | null; readonly bytes: number; readonly episodes: number};
    this.#since = db.prepare<[number, number], Since>(SINCE);
    this.#max = max;
  }

  all(): Iterable<Tenant> {
    return this.#loaded().values();
  }

  get count(): number {
    return this.#loaded().size;
  }

  find(name: string): Tenant | null {
    return this.#loaded().get(name) ?? null;
  }

  numbered(num: number): Tenant | null {
    this.#loaded();
    return this.#byNum.get(num) ?? null;
  }

  /** Makes it when there is none; null: there are as many as there may be. Only within a group. */
  open(name: string): Tenant | null {
    const tenants = this.#loaded();
    const found = tenants.get(name);
    if (found !== undefined) return found;
    if (tenants.size >= this.#max) return null;
    const made: Tenant = {num: tenants.size + 1, name, head: 0, durable: 0, saved: 0, bytes: 0, episodes: 0};
    this.#make.run(made.num, name);
    this.#hold(made);
    return made;
  }

  /** To be called after each append. */
  touch(tenant: Tenant): void {
    this.#changed.add(tenant);
  }

  /** To be called after each other change of a tenant's figures, in its group. */
  correct(tenant: Tenant): void {
    this.#changed.add(tenant);
    this.#due.add(tenant);
  }

  /** From the end of this group on all rows say what is in the log. Only within a group. */
  settle(): void {
    for (const tenant of this.all()) if (tenant.saved < tenant.head) this.correct(tenant);
  }

  save(): void {
    for (const tenant of this.#changed) {
      const {num, head, saved, bytes, episodes} = tenant;
      if (!this.#due.has(tenant) && head - saved < MOST_UNSAVED) continue;
      this.#save.run(head, bytes, episodes, num);
      tenant.saved = head;
    }
  }

  saved(): void {
    for (const tenant of this.#changed) tenant.durable = tenant.head;
    this.#changed.clear();
    this.#due.clear();
  }

  forget(): void {
    this.#byName = null;
    this.#changed.clear();
    this.#due.clear();
  }

  #loaded(): Map<string, Tenant> {
    if (this.#byName !== null) return this.#byName;
    const byName = new Map<string, Tenant>();
    this.#byName = byName;
    this.#byNum = new Map();
    for (const row of this.#list.all()) this.#hold(this.#upToDate(row));
    return byName;
  }

  /** Nothing but appends can have come since. */
  #upToDate({num, name, head: saved, bytes, episodes}: Row): Tenant {
    const since = this.#since.get(entryKey(num, saved), entryKey(num, LAST_POSITION));
    if (since === undefined || since.last === null)
      return {num, name, head: saved, durable: saved, saved, bytes, episodes};
    const head = positionOf(since.last);
    return {num, name, head, durable: head, saved, bytes: bytes + since.bytes, episodes: episodes + since.episodes};
  }

  #hold(tenant: Tenant): void {
    this.#byName?.set(tenant.name, tenant);
    this.#byNum.set(tenant.num, tenant);
  }
}
