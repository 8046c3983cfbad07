import {fail} from '../base/result.ts';
import {type StoredEvent, withTrace} from '../model/event.ts';
import {failureOf} from '../model/failure.ts';
import type {TeamId} from '../model/ids.ts';
import {failureText} from '../model/failure-text.ts';
import type {TeamView} from '../model/team-view.ts';
import type {JsonSocket} from '../wire/json-socket.ts';
import type {Answer} from './backend.ts';
import type {EventQuery, FeedMessage, FeedQuery} from './contract.ts';

/** Where the feed gets what it sends. */
export interface FeedSource {
  team(name: string): Answer<TeamView>;
  events(name: string, query: EventQuery): Answer<readonly StoredEvent[]>;
}

/** The part of a `JsonSocket` that the feed uses. */
export type FeedSocket = Pick<
  JsonSocket<FeedMessage, unknown>,
  'send' | 'bufferedAmount' | 'onMessage' | 'onClose' | 'close'
>;

interface Reader {
  readonly socket: FeedSocket;
  readonly team: string;
  readonly teamId: TeamId;
  readonly traceId: string;
  /** The view it has may be out of date. */
  stale: boolean;
  /** Null: wants no events. */
  events: EventPosition | null;
}

interface EventPosition {
  /** Last event sent. */
  cursor: number;
  /** Its number within the team; null until one was sent and none is known. */
  seq: number | null;
  /** Behind: events are read from the store again until it has caught up. */
  live: boolean;
}

/** Views at most this often. */
const PERIOD_MS = 200;
/** A reader with more unsent bytes than this waits: nothing is queued for it here, its place in the journal is kept. */
const MAX_UNSENT_BYTES = 512 * 1024;
const PAGE = 500;

/**
 * Views and events of teams for whoever follows them. A slow reader costs no memory: views are sent only when the last
 * one has left, and events it is behind with are read from the journal when it can take them.
 */
export class Feed {
  readonly #source: FeedSource;
  readonly #readers = new Set<Reader>();
  #timer: NodeJS.Timeout | undefined;
  #sweptAt = 0;

  constructor(source: FeedSource) {
    this.#source = source;
  }

  get readers(): number {
    return this.#readers.size;
  }

  open(socket: FeedSocket, {team, eventsAfter}: FeedQuery): void {
    const view = this.#source.team(team);
    if (!view.ok) {
      socket.send({type: 'error', error: view.failure, text: failureText(view.failure)});
      void socket.close();
      return;
    }
    const events =
      eventsAfter === undefined ? null : {cursor: eventsAfter, seq: eventsAfter === 0 ? 0 : null, live: false};
    const reader: Reader = {
      socket,
      team,
      teamId: view.value.teamId,
      traceId: view.value.traceId,
      stale: events !== null,
      events,
    };
    this.#readers.add(reader);
    socket.onClose(() => this.#readers.delete(reader));
    socket.onMessage(() => undefined);
    socket.send({type: 'view', view: view.value});
    if (events) this.#schedule(0);
  }

  /** Something about the team has changed that its view shows. */
  changed(teamId: TeamId): void {
    let isRead = false;
    for (const reader of this.#readers) {
      if (reader.teamId !== teamId) continue;
      reader.stale = true;
      isRead = true;
    }
    if (isRead) this.#schedule(Math.max(0, this.#sweptAt + PERIOD_MS - performance.now()));
  }

  /** These events have become durable. */
  published(events: readonly StoredEvent[]): void {
    if (this.#readers.size === 0) return;
    for (const event of events) {
      for (const reader of this.#readers) {
        if (reader.teamId !== event.teamId || !reader.events?.live) continue;
        if (isFull(reader)) reader.events.live = false;
        else send(reader, reader.events, event);
      }
    }
    for (const event of events) if (event.teamId !== null) this.changed(event.teamId);
    // Whoever waits for the end of a team is not kept waiting for the next round of views.
    if (events.some(({body}) => body.type === 'team-finished')) this.#hurry();
  }

  /** Sends what is due at once: whoever waits for a team that ended with the daemon would start another one to learn it. */
  close(): void {
    this.#sweep();
    clearTimeout(this.#timer);
    for (const reader of this.#readers) void reader.socket.close({code: 1001, detail: 'the daemon is ending'});
    this.#readers.clear();
  }

  #schedule(inMs: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#sweep();
    }, inMs);
  }

  #hurry(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#schedule(0);
  }

  #sweep(): void {
    this.#sweptAt = performance.now();
    const views = new Map<string, Answer<TeamView>>();
    let hasMore = false;
    for (const reader of this.#readers) {
      this.#bringUpToDate(reader, views);
      hasMore ||= reader.stale || reader.events?.live === false;
    }
    if (hasMore) this.#schedule(PERIOD_MS);
  }

  /** A store that cannot be read costs this reader its connection, not the daemon its life. */
  #bringUpToDate(reader: Reader, views: Map<string, Answer<TeamView>>): void {
    try {
      if (reader.events && !reader.events.live) this.#catchUp(reader, reader.events);
      if (reader.stale && !isFull(reader) && (reader.events?.live ?? true)) this.#sendView(reader, views);
    } catch (error) {
      this.#drop(reader, fail(failureOf(error)));
    }
  }

  /** Sends what the journal has beyond the reader's place, as far as it takes it. */
  #catchUp(reader: Reader, position: EventPosition): void {
    while (!isFull(reader)) {
      const page = this.#source.events(reader.team, {after: position.cursor, limit: PAGE});
      if (!page.ok) return this.#drop(reader, page);
      const first = page.value[0];
      if (first && position.seq !== null && first.seq > position.seq + 1) {
        reader.socket.send({type: 'gap', after: position.cursor});
      }
      for (const event of page.value) send(reader, position, event);
      if (page.value.length < PAGE) {
        position.live = true;
        return;
      }
    }
  }

  #sendView(reader: Reader, views: Map<string, Answer<TeamView>>): void {
    const view = views.get(reader.team) ?? this.#source.team(reader.team);
    views.set(reader.team, view);
    if (!view.ok) return this.#drop(reader, view);
    reader.stale = false;
    reader.socket.send({type: 'view', view: view.value});
  }

  #drop(reader: Reader, {failure}: Extract<Answer<unknown>, {ok: false}>): void {
    this.#readers.delete(reader);
    reader.socket.send({type: 'error', error: failure, text: failureText(failure)});
    void reader.socket.close();
  }
}

function isFull({socket}: Reader): boolean {
  return socket.bufferedAmount > MAX_UNSENT_BYTES;
}

function send({socket, traceId}: Reader, position: EventPosition, event: StoredEvent): void {
  socket.send({type: 'event', event: withTrace(event, traceId)});
  position.cursor = event.cursor;
  position.seq = event.seq;
}
