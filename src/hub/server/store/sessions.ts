import type {Database} from 'better-sqlite3';
import type {HubRole} from '../../../model/hub.ts';
import type {Bodies} from './bodies.ts';
import type {Group} from './group.ts';

const START = 'INSERT INTO sessions (tenant, agent, role, session, started_at_ms) VALUES (?, ?, ?, ?, ?)';
const END = 'UPDATE sessions SET ended_at_ms = ?, ending = ? WHERE num = ? AND ending IS NULL';
const END_ALL = "UPDATE sessions SET ending = 'hub-ended' WHERE ending IS NULL";
const COLUMNS = 'num, tenant, agent, role, session, started_at_ms AS startedAtMs, ended_at_ms AS endedAtMs, ending';
const LIST = `SELECT ${COLUMNS} FROM sessions
  WHERE num < @before AND (@tenant IS NULL OR tenant = @tenant) AND (@agent IS NULL OR agent = @agent)
  AND (ending IS NULL OR coalesce(ended_at_ms, started_at_ms) >= @sinceMs)
  AND (@state IS NULL OR (@state = 'active') = (ending IS NULL)) ORDER BY num DESC LIMIT @limit`;
const OF_AGENT = 'SELECT 1 FROM sessions WHERE tenant = ? AND agent = ? LIMIT 1';
const TRIM = `DELETE FROM sessions WHERE ending IS NOT NULL AND num <= (SELECT max(num) FROM sessions) - ?`;

/** Ended sessions beyond the limit that are let pile up. */
const SLACK = 256;

/** hub-ended: the hub ended or was killed while it lasted; when exactly is not known. */
export type SessionEnding = 'left' | 'lost' | 'replaced' | 'hub-ended';

export interface SessionRow {
  readonly num: number;
  readonly tenant: string;
  readonly agent: string;
  readonly role: HubRole;
  /** Of the agent's choosing; where the hub seals, a mark that stands for it. */
  readonly session: string | null;
  /** Unix epoch, milliseconds. */
  readonly startedAtMs: number;
  readonly endedAtMs: number | null;
  /** null: it is active. */
  readonly ending: SessionEnding | null;
}

/** All that is not said is wanted. */
export interface SessionsWanted {
  readonly tenant?: string | null;
  readonly agent?: string | null;
  /** Those that lasted then or began later; Unix epoch, milliseconds. */
  readonly sinceMs?: number | null;
  readonly state?: 'active' | 'past' | null;
  /** The number of the last row of the page before. */
  readonly before?: number | null;
  readonly limit: number;
}

/** Who was connected from when to when: those that last, and the latest so many of the past. */
export class Sessions {
  readonly #db: Database;
  readonly #group: Group;
  readonly #bodies: Bodies;
  readonly #max: number;
  readonly #start;
  readonly #end;
  readonly #endAll;
  readonly #ofAgent;
  readonly #trim;
  #untrimmed = SLACK;

  constructor(db: Database, {group, bodies, max}: {group: Group; bodies: Bodies; max: number}) {
    this.#db = db;
    this.#group = group;
    this.#bodies = bodies;
    this.#max = max;
    this.#start = db.prepare<[string, string, string, string | null, number]>(START);
    this.#end = db.prepare<[number, string, number]>(END);
    this.#endAll = db.prepare<[]>(END_ALL);
    this.#ofAgent = db.prepare<[string, string], number>(OF_AGENT);
    this.#trim = db.prepare<[number]>(TRIM);
  }

  /** Its number, for `end`; null: not kept, see `flush`. */
  start(session: Pick<SessionRow, 'tenant' | 'agent' | 'role' | 'session' | 'startedAtMs'>): number | null {
    const {tenant, agent, role, session: name, startedAtMs} = session;
    return this.#group.write(() => {
      const mark = name === null ? null : this.#bodies.mark(tenant, `session ${name}`);
      return Number(this.#start.run(tenant, agent, role, mark, startedAtMs).lastInsertRowid);
    });
  }

  end(num: number, {atMs, ending}: {atMs: number; ending: Exclude<SessionEnding, 'hub-ended'>}): void {
    this.#group.write(() => {
      this.#end.run(atMs, ending, num);
      if ((this.#untrimmed += 1) < SLACK) return;
      this.#trim.run(this.#max);
      this.#untrimmed = 0;
    });
  }

  /** When a hub starts: what its predecessor left active is over. */
  endAll(): void {
    this.#group.write(() => this.#endAll.run());
  }

  /** Whether an agent has been here, as far as sessions are remembered. */
  isKnown(tenant: string, agent: string): boolean {
    return this.#group.read(() => this.#ofAgent.get(tenant, agent) !== undefined);
  }

  /** Newest first. */
  list(wanted: SessionsWanted): readonly SessionRow[] {
    return this.#group.read(() => readSessions(this.#db, wanted));
  }
}

/** Of a database that nobody writes, too. */
export function readSessions(db: Database, wanted: SessionsWanted): readonly SessionRow[] {
  const {tenant = null, agent = null, sinceMs = null, state = null, before = null, limit} = wanted;
  type Given = Required<Omit<SessionsWanted, 'sinceMs' | 'before'>> & {sinceMs: number; before: number};
  const given = {tenant, agent, sinceMs: sinceMs ?? 0, state, before: before ?? Number.MAX_SAFE_INTEGER, limit};
  return db.prepare<[Given], SessionRow>(LIST).all(given);
}
