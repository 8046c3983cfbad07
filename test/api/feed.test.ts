import {afterEach, beforeEach, expect, test, vi} from 'vitest';
import type {FeedMessage} from '../../src/api/contract.ts';
import {Feed, type FeedSocket} from '../../src/api/feed.ts';
import type {StoredEvent} from '../../src/model/event.ts';
import {teamId} from '../../src/model/ids.ts';
import type {TeamView} from '../../src/model/team-view.ts';
import {UNKNOWN_USAGE} from '../../src/model/usage.ts';

const ID = teamId(1);

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** What one reader gets; its connection takes nothing more while `blocked`. */
class Reader implements FeedSocket {
  readonly got: FeedMessage[] = [];
  blocked = false;
  isClosed = false;
  #unsent = 0;

  get bufferedAmount(): number {
    return this.blocked ? this.#unsent : 0;
  }

  send(message: FeedMessage): void {
    this.got.push(message);
    this.#unsent += JSON.stringify(message).length;
  }

  onMessage(): () => void {
    return () => undefined;
  }

  onClose(): () => void {
    return () => undefined;
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }

  get events(): number[] {
    return this.got.flatMap(message => (message.type === 'event' ? [message.event.seq] : []));
  }

  get types(): string[] {
    return this.got.map(message => message.type);
  }
}

function journal(first: number, last: number, filler = ''): StoredEvent[] {
  return Array.from({length: last - first + 1}, (_, index) => ({
    v: 1,
    cursor: 10 * (first + index),
    seq: first + index,
    teamId: ID,
    atMs: 0,
    body: {type: 'task-succeeded', task: `t${first + index}${filler}`, attempt: null, durationMs: null},
  }));
}

function source(events: StoredEvent[]) {
  let asked = 0;
  const feed = new Feed({
    team: name =>
      name === 'a'
        ? {ok: true, value: viewOf((asked += 1))}
        : {ok: false, failure: {reason: 'team-not-found', name, known: ['a']}},
    events: (_, {after = 0, limit = 1}) => ({
      ok: true,
      value: events.filter(event => event.cursor > after).slice(0, limit),
    }),
  });
  return {feed, viewsAsked: () => asked};
}

test('a view comes at once; changes are gathered into at most five views a second, made once for all readers', () => {
  const {feed, viewsAsked} = source([]);
  const readers = [new Reader(), new Reader()];
  for (const reader of readers) feed.open(reader, {team: 'a'});
  expect(readers.map(({types}) => types)).toEqual([['view'], ['view']]);
  for (let ms = 0; ms < 1000; ms += 1) {
    feed.changed(ID);
    vi.advanceTimersByTime(1);
  }
  expect(readers[0]!.got.length).toBeGreaterThanOrEqual(5);
  expect(readers[0]!.got.length).toBeLessThanOrEqual(7);
  expect(viewsAsked()).toBeLessThanOrEqual(8);
  feed.changed(teamId(2));
  const before = readers[0]!.got.length;
  vi.advanceTimersByTime(1000);
  expect(readers[0]!.got.length - before).toBeLessThanOrEqual(1);
});

test('events come from where the reader stands, once and in order, past and live ones alike', () => {
  const events = journal(1, 1200);
  const {feed} = source(events);
  const reader = new Reader();
  feed.open(reader, {team: 'a', eventsAfter: 50});
  vi.advanceTimersByTime(300);
  const more = journal(1201, 1203);
  events.push(...more);
  feed.published(more);
  vi.advanceTimersByTime(300);
  expect(reader.events).toEqual(Array.from({length: 1198}, (_, index) => index + 6));
  expect(reader.types.at(-1)).toBe('view');
});

test('what concerns another team is not sent', () => {
  const {feed} = source([]);
  const reader = new Reader();
  feed.open(reader, {team: 'a', eventsAfter: 0});
  vi.advanceTimersByTime(300);
  feed.published(journal(1, 1).map(event => ({...event, teamId: teamId(2)})));
  expect(reader.events).toEqual([]);
});

test('a reader that takes nothing costs a bounded amount, and misses nothing when it goes on', () => {
  const events: StoredEvent[] = [];
  const {feed} = source(events);
  const reader = new Reader();
  feed.open(reader, {team: 'a', eventsAfter: 0});
  vi.advanceTimersByTime(300);
  reader.blocked = true;
  for (let round = 0; round < 100; round += 1) {
    const more = journal(round * 100 + 1, round * 100 + 100, 'x'.repeat(1000));
    events.push(...more);
    feed.published(more);
    vi.advanceTimersByTime(50);
  }
  expect(reader.bufferedAmount).toBeLessThan(600 * 1024);
  const sentBlocked = reader.got.length;
  vi.advanceTimersByTime(5000);
  expect(reader.got.length).toBe(sentBlocked);
  reader.blocked = false;
  vi.advanceTimersByTime(1000);
  expect(reader.events).toEqual(Array.from({length: 10_000}, (_, index) => index + 1));
  expect(reader.types).not.toContain('gap');
  expect(reader.types.at(-1)).toBe('view');
});

test('events that the journal no longer has are told as a gap', () => {
  const {feed} = source(journal(5, 9));
  const reader = new Reader();
  feed.open(reader, {team: 'a', eventsAfter: 0});
  vi.advanceTimersByTime(300);
  expect(reader.types.slice(0, 3)).toEqual(['view', 'gap', 'event']);
  expect(reader.events).toEqual([5, 6, 7, 8, 9]);
});

test('a team that does not exist is an error and the end', () => {
  const {feed} = source([]);
  const reader = new Reader();
  feed.open(reader, {team: 'b'});
  expect(reader.got).toMatchObject([{type: 'error', error: {reason: 'team-not-found'}}]);
  expect(reader.isClosed).toBe(true);
});

function viewOf(attempts: number): TeamView {
  const none = {requested: 1, ready: 1, busy: 0, starting: 0, failed: 0};
  const tasks = {
    total: 0,
    waiting: 0,
    ready: 0,
    running: 0,
    verifying: 0,
    reviewing: 0,
    merging: 0,
    succeeded: 0,
    failed: 0,
    skipped: 0,
  };
  return {
    v: 1,
    team: 'a',
    teamId: ID,
    state: 'running',
    traceId: '0'.repeat(32),
    endedBecause: null,
    repository: null,
    budget: null,
    warnings: [],
    agents: none,
    tasks: {...tasks, cancelled: 0},
    attempts,
    retries: 0,
    startedAtMs: 0,
    durationMs: 0,
    meanBusyAgents: null,
    usage: UNKNOWN_USAGE,
    waiting: [],
    running: [],
    failures: [],
    outcome: null,
  };
}
