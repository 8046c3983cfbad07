import type {Database} from 'better-sqlite3';
import type {Event, StoredEvent} from '../../model/event.ts';
import type {TeamId} from '../../model/ids.ts';
import {type ChunkRow, eventsOf, OpenChunk, streamOf, withoutFirst} from './event-chunk.ts';
import type {Meta} from './meta.ts';

const WRITE = 'INSERT INTO event_chunks (first_cursor, team, first_seq, count, v, events) VALUES (?, ?, ?, ?, 1, ?)';

const LIST = `SELECT first_cursor, team, first_seq, count, events FROM event_chunks
  WHERE first_cursor >= coalesce((SELECT max(first_cursor) FROM event_chunks WHERE first_cursor <= @from), 0)
  ORDER BY first_cursor`;
const LIST_OF_TEAM = `SELECT first_cursor, team, first_seq, count, events FROM event_chunks
  WHERE team = @team AND first_cursor >=
    coalesce((SELECT max(first_cursor) FROM event_chunks WHERE team = @team AND first_cursor <= @from), 0)
  ORDER BY first_cursor`;

const LAST_CURSOR = 'SELECT first_cursor + count - 1 FROM event_chunks ORDER BY first_cursor DESC LIMIT 1';
const LAST_SEQ = `SELECT max(
  coalesce((SELECT first_seq + count - 1 FROM event_chunks WHERE team = @team ORDER BY first_cursor DESC LIMIT 1), 0),
  coalesce((SELECT last_seq FROM event_streams WHERE team = @team), 0))`;

const COUNT = 'SELECT coalesce(sum(count), 0) FROM event_chunks';
/** What no running team needs: events of teams that are over or removed, and of no team. */
const OLD = 'team NOT IN (SELECT id FROM teams WHERE ended_at_ms IS NULL)';
const KEEP_LAST_SEQS = `INSERT INTO event_streams (team, last_seq)
  SELECT team, max(first_seq + count - 1) FROM event_chunks WHERE ${OLD} GROUP BY team
  ON CONFLICT DO UPDATE SET last_seq = max(last_seq, excluded.last_seq)`;
const TRIM = `DELETE FROM event_chunks WHERE first_cursor IN (
  SELECT first_cursor FROM (
    SELECT first_cursor, sum(count) OVER (ORDER BY first_cursor) AS so_far FROM event_chunks WHERE ${OLD})
  WHERE so_far <= ?)`;
const OLDEST = `SELECT first_cursor, team, first_seq, count, events FROM event_chunks WHERE ${OLD}
  ORDER BY first_cursor LIMIT 1`;
const DELETE = 'DELETE FROM event_chunks WHERE first_cursor = ?';
const REMOVE = ['DELETE FROM event_chunks WHERE team = ?', 'DELETE FROM event_streams WHERE team = ?'];

/** The append-only journal. It numbers events as they come: by cursor over the project, by seq within each team. */
export class EventJournal {
  readonly #meta: Meta;
  readonly #write;
  readonly #list;
  readonly #listOfTeam;
  readonly #lastCursor;
  readonly #lastSeq;
  readonly #count;
  readonly #keepLastSeqs;
  readonly #trim;
  readonly #oldest;
  readonly #delete;
  readonly #remove;
  readonly #seqs = new Map<number, number>();
  #cursor: number | null = null;
  #chunk: OpenChunk | null = null;

  constructor(db: Database, meta: Meta) {
    this.#meta = meta;
    this.#write = db.prepare<[number, number, number, number, string]>(WRITE);
    this.#list = db.prepare<[{from: number}], ChunkRow>(LIST);
    this.#listOfTeam = db.prepare<[{team: number; from: number}], ChunkRow>(LIST_OF_TEAM);
    this.#lastCursor = db.prepare<[], number>(LAST_CURSOR).pluck();
    this.#lastSeq = db.prepare<[{team: number}], number>(LAST_SEQ).pluck();
    this.#count = db.prepare<[], number>(COUNT).pluck();
    this.#keepLastSeqs = db.prepare<[]>(KEEP_LAST_SEQS);
    this.#trim = db.prepare<[number]>(TRIM);
    this.#oldest = db.prepare<[], ChunkRow>(OLDEST);
    this.#delete = db.prepare<[number]>(DELETE);
    this.#remove = REMOVE.map(sql => db.prepare<[number]>(sql));
  }

  /** Numbers the event; it is written with those that follow it, at the latest by `flush`. */
  append({teamId, atMs, body}: Event): StoredEvent {
    const team = streamOf(teamId);
    const cursor = this.#last() + 1;
    const seq = this.#lastSeqOf(team) + 1;
    this.#cursor = cursor;
    this.#seqs.set(team, seq);
    const event: StoredEvent = {v: 1, cursor, seq, teamId, atMs, body};
    if (this.#chunk?.takes(teamId) === true) {
      this.#chunk.add(event);
    } else {
      this.flush();
      this.#chunk = new OpenChunk(event);
    }
    return event;
  }

  /** Writes what `append` holds back. Called before anything else looks at the journal, and before the commit. */
  flush(): void {
    if (this.#chunk === null) return;
    this.#insert(this.#chunk.row());
    this.#chunk = null;
  }

  list({teamId, after, limit}: {teamId?: TeamId | null; after: number; limit: number}): readonly StoredEvent[] {
    // A query that has been begun and is not walked through would keep the database busy.
    if (limit <= 0) return [];
    const from = after + 1;
    const team = teamId === undefined ? null : streamOf(teamId);
    const chunks = team === null ? this.#list.iterate({from}) : this.#listOfTeam.iterate({team, from});
    const events: StoredEvent[] = [];
    for (const chunk of chunks) {
      for (const event of eventsOf(chunk)) {
        if (event.cursor > after && events.push(event) >= limit) return events;
      }
    }
    return events;
  }

  /** Deletes the oldest events that no running team needs, until `keep` are left in all or none can go. */
  trim(keep: number): number {
    const before = this.#count.get() ?? 0;
    const excess = before - keep;
    if (excess <= 0) return 0;
    this.#meta.raise('last_cursor', this.#last());
    this.#keepLastSeqs.run();
    this.#trim.run(excess);
    const left = excess - (before - (this.#count.get() ?? 0));
    return excess - left + this.#cut(left);
  }

  remove(team: TeamId): void {
    this.flush();
    this.#meta.raise('last_cursor', this.#last());
    for (const statement of this.#remove) statement.run(team);
    this.#seqs.delete(team);
  }

  /** The transaction is undone: what memory says of it is wrong and read again when needed. */
  forget(): void {
    this.#cursor = null;
    this.#chunk = null;
    this.#seqs.clear();
  }

  /** Shortens the oldest chunk by `drop` events, which are fewer than it has. */
  #cut(drop: number): number {
    const oldest = drop > 0 ? this.#oldest.get() : undefined;
    if (oldest === undefined) return 0;
    this.#delete.run(oldest.first_cursor);
    this.#insert(withoutFirst(oldest, drop));
    return drop;
  }

  #insert({first_cursor, team, first_seq, count, events}: ChunkRow): void {
    this.#write.run(first_cursor, team, first_seq, count, events);
  }

  #last(): number {
    this.#cursor ??= Math.max(this.#meta.mark('last_cursor'), this.#lastCursor.get() ?? 0);
    return this.#cursor;
  }

  #lastSeqOf(team: number): number {
    return this.#seqs.get(team) ?? this.#lastSeq.get({team}) ?? 0;
  }
}
