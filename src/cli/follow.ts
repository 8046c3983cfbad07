import type {ApiClient} from '../api/client.ts';
import {followTeam} from '../api/feed-client.ts';
import {GodelError} from '../model/failure.ts';
import type {TracedEvent} from '../model/event.ts';
import type {TeamView} from '../model/team-view.ts';
import {must} from './connect.ts';

export interface FollowOptions {
  /** Absent: until the team is over. */
  readonly until?: (view: TeamView) => boolean;
  readonly onView?: (view: TeamView) => void;
  /** Every event of the team after `eventsAfter` once and in order, those before this call included. */
  readonly onEvent?: (event: TracedEvent) => void;
  /** A cursor; absent: from the first event. */
  readonly eventsAfter?: number;
  readonly signal?: AbortSignal;
}

const EVENT_PAGE = 1000;

/** Follows a team, over restarts of the daemon, and returns the view that ended it; null when the signal was aborted. */
export async function follow(client: ApiClient, team: string, options: FollowOptions = {}): Promise<TeamView | null> {
  const {until = isOver, onView, onEvent, eventsAfter = 0, signal} = options;
  const stop = new AbortController();
  const onAbort = () => stop.abort();
  signal?.addEventListener('abort', onAbort, {once: true});
  if (signal?.aborted) return null;
  let lastCursor = eventsAfter;
  const emit = (event: TracedEvent) => {
    if (event.cursor <= lastCursor) return;
    lastCursor = event.cursor;
    onEvent?.(event);
  };
  try {
    const events = onEvent === undefined ? {} : {eventsAfter};
    for await (const message of followTeam(client, {team, ...events, signal: stop.signal})) {
      if (message.type === 'error') throw new GodelError(message.error);
      if (message.type === 'event') emit(message.event);
      if (message.type !== 'view') continue;
      onView?.(message.view);
      if (!until(message.view)) continue;
      if (onEvent !== undefined) await emitRest(client, team, () => lastCursor, emit);
      return message.view;
    }
    return null;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    stop.abort();
  }
}

function isOver({outcome}: TeamView): boolean {
  return outcome !== null;
}

/** The last view may come before the last events. */
async function emitRest(client: ApiClient, team: string, after: () => number, emit: (event: TracedEvent) => void) {
  for (;;) {
    const page = must(await client.events(team, {after: after(), limit: EVENT_PAGE}));
    for (const event of page) emit(event);
    if (page.length < EVENT_PAGE) return;
  }
}
