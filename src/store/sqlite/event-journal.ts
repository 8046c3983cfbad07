import type {Database} from 'better-sqlite3';
import type {Event, EventBody, StoredEvent} from '../../model/event.ts';
import type {TeamId} from '../../model/ids.ts';
import type {Meta} from './meta.ts';

const APPEND = 'INSERT INTO events (cursor, team, seq, at_ms, v, body) VALUES (?, ?, ?, ?, 1, ?)';

const LIST = 'SELECT cursor, team, seq, at_ms, body FROM events WHERE cursor > ? ORDER BY cursor LIMIT ?';
const LIST_OF_TEAM = `SELECT cursor, team, seq, at_ms, body FROM events WHERE team = ? AND cursor > ?
  ORDER BY cursor LIMIT ?`;

const LAST_CURSOR = 'SELECT max(cursor) FROM events';
const LAST_SEQ = `SELECT max(
  coalesce((SELECT seq FROM events WHERE team = @team ORDER BY cursor DESC LIMIT 1), 0),
  coalesce((SELECT last_seq FROM event_streams WHERE team = @team), 0))`;

const COUNT = 'SELECT count(*) FROM events';
const KEEP_LAST_SEQS = `INSERT INTO event_streams (team, last_seq)
  SELECT team, max(seq) FROM events WHERE team NOT IN (SELECT id FROM teams WHERE ended_at_ms IS NULL) GROUP BY team
  ON CONFLICT DO UPDATE SET last_seq = max(last_seq, excluded.last_seq)`;
const TRIM = `DELETE FROM events WHERE cursor IN (
  SELECT cursor FROM events WHERE team NOT IN (SELECT id FROM teams WHERE ended_at_ms IS NULL)
  ORDER BY cursor LIMIT ?)`;
const REMOVE = ['DELETE FROM events WHERE team = ?', 'DELETE FROM event_streams WHERE team = ?'];

/** The stream of events that concern no team; team ids begin at 1. */
const NO_TEAM = 0;

interface Row {
  readonly cursor: number;
  readonly team: number;
  readonly seq: number;
  readonly at_ms: number;
  readonly body: string;
}

/** The append-only journal. It numbers events as they come: by cursor over the project, by seq within each team. */
export class EventJournal {
  readonly #meta: Meta;
  readonly #append;
  readonly #list;
  readonly #listOfTeam;
  readonly #lastCursor;
  readonly #lastSeq;
  readonly #count;
  readonly #keepLastSeqs;
  readonly #trim;
  readonly #remove;
  #cursor: number | null = null;
  readonly #seqs = new Map<number, number>();

  constructor(db: Database, meta: Meta) {
    this.#meta = meta;
    this.#append = db.prepare<[number, number, number, number, string]>(APPEND);
    this.#list = db.prepare<[number, number], Row>(LIST);
    this.#listOfTeam = db.prepare<[number, number, number], Row>(LIST_OF_TEAM);
    this.#lastCursor = db.prepare<[], number | null>(LAST_CURSOR).pluck();
    this.#lastSeq = db.prepare<[{team: number}], number>(LAST_SEQ).pluck();
    this.#count = db.prepare<[], number>(COUNT).pluck();
    this.#keepLastSeqs = db.prepare<[]>(KEEP_LAST_SEQS);
    this.#trim = db.prepare<[number]>(TRIM);
    this.#remove = REMOVE.map(sql => db.prepare<[number]>(sql));
  }

  append({teamId, atMs, body}: Event): StoredEvent {
    const team = teamId ?? NO_TEAM;
    const cursor = this.#last() + 1;
    const seq = this.#lastSeqOf(team) + 1;
    this.#append.run(cursor, team, seq, atMs, JSON.stringify(body));
    this.#cursor = cursor;
    this.#seqs.set(team, seq);
    return {v: 1, cursor, seq, teamId, atMs, body};
  }

  list({teamId, after, limit}: {teamId?: TeamId; after: number; limit: number}): readonly StoredEvent[] {
    const rows = teamId === undefined ? this.#list.all(after, limit) : this.#listOfTeam.all(teamId, after, limit);
    return rows.map(eventOf);
  }

  /** Deletes the oldest events that belong to no running team, until `keep` are left or none can go. */
  trim(keep: number): number {
    const excess = (this.#count.get() ?? 0) - keep;
    if (excess <= 0) return 0;
    this.#meta.raise('last_cursor', this.#last());
    this.#keepLastSeqs.run();
    return this.#trim.run(excess).changes;
  }

  remove(team: TeamId): void {
    this.#meta.raise('last_cursor', this.#last());
    for (const statement of this.#remove) statement.run(team);
    this.#seqs.delete(team);
  }

  /** The transaction is undone: what memory says of it is wrong and read again when needed. */
  forget(): void {
    this.#cursor = null;
    this.#seqs.clear();
  }

  #last(): number {
    this.#cursor ??= Math.max(this.#meta.mark('last_cursor'), this.#lastCursor.get() ?? 0);
    return this.#cursor;
  }

  #lastSeqOf(team: number): number {
    return this.#seqs.get(team) ?? this.#lastSeq.get({team}) ?? 0;
  }
}

/** The casts brand and name what `append` has written. */
function eventOf({cursor, team, seq, at_ms, body}: Row): StoredEvent {
  const teamId = team === NO_TEAM ? null : (team as TeamId);
  return {v: 1, cursor, seq, teamId, atMs: at_ms, body: JSON.parse(body) as EventBody};
}
