import type {EventBody, StoredEvent} from '../../model/event.ts';
import type {TeamId} from '../../model/ids.ts';

/** A chunk is read and parsed as a whole, so it stays small. */
const MAX_EVENTS = 256;

/** The stream of events that concern no team; team ids begin at 1. */
const NO_TEAM = 0;

/** A row of the journal: events of one team whose cursors and sequence numbers follow one another. */
export interface ChunkRow {
  readonly first_cursor: number;
  readonly team: number;
  readonly first_seq: number;
  readonly count: number;
  /** JSON: time and body of each event, one after the other in one array. */
  readonly events: string;
}

/** Collects events until a chunk is complete. */
export class OpenChunk {
  readonly team: number;
  readonly #first: StoredEvent;
  readonly #flat: (number | EventBody)[] = [];
  #count = 0;

  constructor(first: StoredEvent) {
    this.team = streamOf(first.teamId);
    this.#first = first;
    this.add(first);
  }

  takes(teamId: TeamId | null): boolean {
    return this.#count < MAX_EVENTS && this.team === streamOf(teamId);
  }

  add({atMs, body}: StoredEvent): void {
    this.#flat.push(atMs, body);
    this.#count += 1;
  }

  row(): ChunkRow {
    return {
      first_cursor: this.#first.cursor,
      team: this.team,
      first_seq: this.#first.seq,
      count: this.#count,
      events: JSON.stringify(this.#flat),
    };
  }
}

export function streamOf(teamId: TeamId | null): number {
  return teamId ?? NO_TEAM;
}

/** The casts name and brand what `OpenChunk` has written. */
export function eventsOf({first_cursor, team, first_seq, count, events}: ChunkRow): StoredEvent[] {
  const flat = JSON.parse(events) as (number | EventBody)[];
  const teamId = team === NO_TEAM ? null : (team as TeamId);
  return Array.from({length: count}, (_, index) => ({
    v: 1,
    cursor: first_cursor + index,
    seq: first_seq + index,
    teamId,
    atMs: flat[2 * index] as number,
    body: flat[2 * index + 1] as EventBody,
  }));
}

/** What is left of a chunk without its first events; `drop` is less than its count. */
export function withoutFirst(chunk: ChunkRow, drop: number): ChunkRow {
  const flat = JSON.parse(chunk.events) as unknown[];
  return {
    first_cursor: chunk.first_cursor + drop,
    team: chunk.team,
    first_seq: chunk.first_seq + drop,
    count: chunk.count - drop,
    events: JSON.stringify(flat.slice(2 * drop)),
  };
}
