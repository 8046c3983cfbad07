import type {Database} from 'better-sqlite3';
import type {JsonValue} from '../../../base/json.ts';
import {HUB_ITSELF} from '../../security/sealer.ts';
import type {Bodies, Body} from './bodies.ts';
import type {Group, GroupMember} from './group.ts';

/** What happens all the time; everything else is somebody's decision, and is kept longer. */
const ROUTINE = "('push', 'refuse', 'refresh', 'assign-task')";
const ADD = 'INSERT INTO audit (at_ms, tenant, who, what, body) VALUES (?, ?, ?, ?, ?)';
const REWRITE = 'UPDATE audit SET at_ms = ?, body = ? WHERE num = ?';
const TRIM = `DELETE FROM audit WHERE num > ? AND num <= ? AND what IN ${ROUTINE}`;
const OLD = 'SELECT count(*) FROM audit WHERE num <= ?';
const TRIM_OLD = 'DELETE FROM audit WHERE num IN (SELECT num FROM audit ORDER BY num LIMIT ?)';
const LIST = `SELECT num, at_ms AS atMs, tenant, who, what, body FROM audit
  WHERE num < @before AND at_ms >= @sinceMs AND (@tenant IS NULL OR tenant = @tenant)
  AND (@agent IS NULL OR who = @agent OR what NOT IN ('push', 'refuse', 'refresh')) ORDER BY num DESC`;
const TAKEN = "SELECT value FROM meta WHERE key = 'audit-notes'";
const SET_TAKEN = "INSERT OR REPLACE INTO meta (key, value) VALUES ('audit-notes', ?)";

/** Rows beyond the limit that are let pile up, so that not every row costs a deletion. */
const SLACK = 256;

export interface AuditFact {
  /** Unix epoch, milliseconds. */
  readonly atMs: number;
  /** null: of the hub itself. */
  readonly tenant: string | null;
  /** The agent, the hub, or its operator. */
  readonly who: string;
  /** A verb: `push`, `forget`, `revoke-token`. */
  readonly what: string;
  readonly detail: JsonValue;
}

export interface AuditRow extends AuditFact {
  readonly num: number;
}

/** All that is not said is wanted. */
export interface AuditWanted {
  readonly tenant?: string | null;
  /** Who did it, or whom it was done to. */
  readonly agent?: string | null;
  /** Unix epoch, milliseconds. */
  readonly sinceMs?: number | null;
  /** The lowest number of the page before. */
  readonly before?: number | null;
  readonly limit: number;
}

export interface AuditLimits {
  /** Of the latest rows, all are kept. */
  readonly rows: number;
  /** Of the older ones, so many that are no routine. */
  readonly older: number;
}

/** Who did what, the latest so many of them. */
export class AuditLog implements GroupMember {
  readonly #db: Database;
  readonly #group: Group;
  readonly #bodies: Bodies;
  readonly #limits: AuditLimits;
  readonly #add;
  readonly #rewrite;
  readonly #setTaken;
  #untrimmed = SLACK;
  #trimmedTo = 0;

  constructor(db: Database, {group, bodies, limits}: {group: Group; bodies: Bodies; limits: AuditLimits}) {
    this.#db = db;
    this.#group = group;
    this.#bodies = bodies;
    this.#limits = limits;
    this.#add = db.prepare<[number, string | null, string, string, Body]>(ADD);
    this.#rewrite = db.prepare<[number, Body, number]>(REWRITE);
    this.#setTaken = db.prepare<[string]>(SET_TAKEN);
  }

  /** Its number; null: not kept, see `flush`. Durable with the next `flush`. */
  add({atMs, tenant, who, what, detail}: AuditFact): number | null {
    return this.#group.write(() => {
      const {lastInsertRowid} = this.#add.run(atMs, tenant, who, what, this.#body(tenant, detail));
      if ((this.#untrimmed += 1) >= SLACK) this.#trim(Number(lastInsertRowid));
      return Number(lastInsertRowid);
    });
  }

  /** Says more in a row that `add` has made. */
  rewrite(num: number, {atMs, tenant, detail}: Pick<AuditFact, 'atMs' | 'tenant' | 'detail'>): void {
    this.#group.write(() => this.#rewrite.run(atMs, this.#body(tenant, detail), num));
  }

  /** Facts that wait elsewhere under names until they are here: those of the batch before are not taken twice. */
  take(facts: ReadonlyMap<string, AuditFact>): void {
    this.#group.write(() => {
      const before = takenNotes(this.#db);
      for (const [name, fact] of facts) if (!before.has(name)) this.add(fact);
      this.#setTaken.run(JSON.stringify([...facts.keys()]));
    });
  }

  /** Newest first. */
  list(wanted: AuditWanted): readonly AuditRow[] {
    return this.#group.read(() => readAudit(this.#db, this.#bodies, wanted));
  }

  /** Rows that were trimmed are there again. */
  forget(): void {
    this.#trimmedTo = 0;
  }

  #body(tenant: string | null, detail: JsonValue): Body {
    return this.#bodies.write(tenant ?? HUB_ITSELF, 'audit', JSON.stringify(detail));
  }

  #trim(last: number): void {
    this.#untrimmed = 0;
    const upTo = last - this.#limits.rows;
    if (upTo <= 0) return;
    this.#db.prepare<[number, number]>(TRIM).run(this.#trimmedTo, upTo);
    this.#trimmedTo = upTo;
    const older = this.#db.prepare<[number], number>(OLD).pluck().get(upTo) ?? 0;
    if (older > this.#limits.older) this.#db.prepare<[number]>(TRIM_OLD).run(older - this.#limits.older);
  }
}

/** Names of the latest batch that `take` has taken in. Of a database that nobody writes, too. */
export function takenNotes(db: Database): ReadonlySet<string> {
  const taken = db.prepare<[], string>(TAKEN).pluck().get();
  // The cast names what `take` has written.
  return new Set(JSON.parse(taken ?? '[]') as readonly string[]);
}

/** Of a database that nobody writes, too. */
export function readAudit(db: Database, bodies: Bodies, wanted: AuditWanted): readonly AuditRow[] {
  const {tenant = null, agent = null, sinceMs = null, before = null, limit} = wanted;
  type Row = Omit<AuditRow, 'detail'> & {readonly body: Body};
  type Given = {tenant: string | null; agent: string | null; sinceMs: number; before: number};
  const rows: AuditRow[] = [];
  if (limit <= 0) return rows;
  const given = {tenant, agent, sinceMs: sinceMs ?? 0, before: before ?? Number.MAX_SAFE_INTEGER};
  for (const {body, ...row} of db.prepare<[Given], Row>(LIST).iterate(given)) {
    // The cast names what `add` has written.
    const detail = JSON.parse(bodies.read(row.tenant ?? HUB_ITSELF, 'audit', body)) as JsonValue;
    const fact = {...row, detail};
    if (agent !== null && !isAbout(fact, agent)) continue;
    rows.push(fact);
    if (rows.length >= limit) break;
  }
  // A row of pushes goes on, and what was noted elsewhere comes later.
  return rows.toSorted((a, b) => b.atMs - a.atMs || b.num - a.num);
}

/** Whether this agent did it, or it was done to it. */
export function isAbout({who, detail}: Pick<AuditFact, 'who' | 'detail'>, agent: string): boolean {
  if (who === agent) return true;
  return typeof detail === 'object' && detail !== null && 'agentId' in detail && detail.agentId === agent;
}
