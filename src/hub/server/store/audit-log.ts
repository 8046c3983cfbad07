import type {Database} from 'better-sqlite3';
import type {JsonValue} from '../../../base/json.ts';
import type {Bodies, Body} from './bodies.ts';
import type {Group} from './group.ts';

const ADD = 'INSERT INTO audit (at_ms, tenant, who, what, body) VALUES (?, ?, ?, ?, ?)';
const TRIM = 'DELETE FROM audit WHERE num <= (SELECT max(num) FROM audit) - ?';
const LIST = `SELECT num, at_ms AS atMs, tenant, who, what, body FROM audit
  WHERE num < ? AND (? IS NULL OR tenant = ?) ORDER BY num DESC LIMIT ?`;

/** Rows beyond the limit that are let pile up, so that not every row costs a deletion. */
const SLACK = 256;

export interface AuditFact {
  /** Unix epoch, milliseconds. */
  readonly atMs: number;
  /** null: of the hub itself. */
  readonly tenant: string | null;
  /** The agent, or the hub. */
  readonly who: string;
  /** A verb: `push`, `forget`, `revoke`. */
  readonly what: string;
  readonly detail: JsonValue;
}

export interface AuditRow extends AuditFact {
  readonly num: number;
}

/** Who did what, the latest so many of them. */
export class AuditLog {
  readonly #group: Group;
  readonly #bodies: Bodies;
  readonly #max: number;
  readonly #add;
  readonly #trim;
  readonly #list;
  #untrimmed = SLACK;

  constructor(db: Database, {group, bodies, max}: {group: Group; bodies: Bodies; max: number}) {
    this.#group = group;
    this.#bodies = bodies;
    this.#max = max;
    this.#add = db.prepare<[number, string | null, string, string, Body]>(ADD);
    this.#trim = db.prepare<[number]>(TRIM);
    this.#list = db.prepare<
      [number, string | null, string | null, number],
      Omit<AuditRow, 'detail'> & {readonly body: Body}
    >(LIST);
  }

  /** Durable with the next `flush`. */
  add({atMs, tenant, who, what, detail}: AuditFact): void {
    this.#group.write(() => {
      this.#add.run(atMs, tenant, who, what, this.#bodies.write(tenant ?? '', 'audit', JSON.stringify(detail)));
      if ((this.#untrimmed += 1) < SLACK) return;
      this.#trim.run(this.#max);
      this.#untrimmed = 0;
    });
  }

  /** Newest first; `before` is the number of the last row of the page before. */
  list({tenant, before, limit}: {tenant: string | null; before: number | null; limit: number}): readonly AuditRow[] {
    return this.#group.read(() =>
      this.#list.all(before ?? Number.MAX_SAFE_INTEGER, tenant, tenant, limit).map(({body, ...row}) => {
        // The cast names what `add` has written.
        return {...row, detail: JSON.parse(this.#bodies.read(row.tenant ?? '', 'audit', body)) as JsonValue};
      }),
    );
  }
}
