import {sleep} from '../base/clock.ts';
import type {Failure} from '../model/failure.ts';
import {failureText} from '../model/failure-text.ts';
import {connectJsonSocket} from '../wire/connect-json-socket.ts';
import type {JsonSocket} from '../wire/json-socket.ts';
import type {ApiClient} from './client.ts';
import type {FeedMessage, FeedQuery} from './contract.ts';

export interface FollowOptions extends FeedQuery {
  readonly signal?: AbortSignal;
}

type FeedClientSocket = JsonSocket<never, FeedMessage>;

const DEAD_AFTER_MS = 15_000;
/** Pause before each new try to connect, while a daemon that died is being restarted by its host or by us. */
const RETRY_MS = 250;
const MAX_TRIES = 40;
/** From this try on we start the daemon ourselves. */
const START_FROM_TRY = 3;
/** Messages that a caller may be behind before the connection is left unread. */
const MAX_WAITING = 10_000;

/**
 * Follows a team: its view, then every newer view and, where asked for, every event once and in order, also over
 * restarts of the daemon. Ends after an `error` message, or when the signal is aborted.
 */
export async function* followTeam(client: ApiClient, options: FollowOptions): AsyncGenerator<FeedMessage, void> {
  const {signal} = options;
  let eventsAfter = options.eventsAfter;
  for (let tries = 1; ; tries += 1) {
    const connected = await connect(client, {...options, ...(eventsAfter === undefined ? {} : {eventsAfter})});
    if (connected.ok) {
      for await (const message of messagesOf(connected.value, signal)) {
        tries = 0;
        if (message.type === 'event') eventsAfter = message.event.cursor;
        yield message;
        if (message.type === 'error') return;
      }
    } else if (connected.failure.kind === 'refused') {
      yield errorMessage(refusalOf(connected.failure.detail));
      return;
    }
    if (isAborted(signal)) return;
    const trouble = await recover(client, tries);
    if (trouble) {
      yield errorMessage(trouble);
      return;
    }
    if (!(await pause(signal))) return;
  }
}

function connect(client: ApiClient, {team, eventsAfter, signal}: FollowOptions) {
  const params = new URLSearchParams({
    team,
    ...(eventsAfter === undefined ? {} : {events: '1', after: String(eventsAfter)}),
  });
  return connectJsonSocket<never, FeedMessage>({
    socketPath: client.options.socket,
    path: `/v1/feed?${params.toString()}`,
    headers: client.headers(),
    // The daemon is trusted to speak the contract.
    parse: value => value as FeedMessage,
    deadAfterMs: DEAD_AFTER_MS,
    ...(signal === undefined ? {} : {signal}),
  });
}

/** What cannot be mended by trying again, or null. */
async function recover({options}: ApiClient, tries: number): Promise<Failure | null> {
  const why = options.explainSilence?.() ?? null;
  if (why) return why;
  if (tries >= MAX_TRIES)
    return {
      reason: 'daemon-unreachable',
      detail: 'It ended and could not be started again.',
      hint: 'See `godel daemon logs`.',
    };
  if (tries < START_FROM_TRY || !options.start) return null;
  const started = await options.start();
  return started.ok ? null : started.failure;
}

/** Yields the messages of one connection until it ends. */
async function* messagesOf(
  socket: FeedClientSocket,
  signal: AbortSignal | undefined,
): AsyncGenerator<FeedMessage, void> {
  const inbox = new Inbox(socket);
  const onAbort = () => void socket.close();
  signal?.addEventListener('abort', onAbort, {once: true});
  try {
    for (let message = await inbox.next(); message; message = await inbox.next()) yield message;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    socket.terminate();
  }
}

/** Messages of a connection that nobody has taken yet. */
class Inbox {
  readonly #waiting: FeedMessage[] = [];
  #isOver = false;
  #wake: () => void = () => undefined;

  constructor(socket: FeedClientSocket) {
    socket.onClose(() => {
      this.#isOver = true;
      this.#wake();
    });
    socket.onMessage(message => {
      this.#waiting.push(message);
      // Cut instead of growing without limit: the events are asked for again from where the caller stands.
      if (this.#waiting.length > MAX_WAITING) socket.terminate();
      this.#wake();
    });
  }

  /** Null when the connection is over and everything has been taken. */
  async next(): Promise<FeedMessage | null> {
    for (;;) {
      const message = this.#waiting.shift();
      if (message) return message;
      if (this.#isOver) return null;
      await new Promise<void>(resolve => {
        this.#wake = resolve;
      });
    }
  }
}

function refusalOf(body: string): Failure {
  try {
    // The body of a refused upgrade is an `ErrorBody`.
    return (JSON.parse(body) as {error: Failure}).error;
  } catch {
    return {reason: 'daemon-unreachable', detail: `It refused the feed: ${body.slice(0, 200)}`};
  }
}

function errorMessage(error: Failure): FeedMessage {
  return {type: 'error', error, text: failureText(error)};
}

function pause(signal: AbortSignal | undefined): Promise<boolean> {
  return sleep(RETRY_MS, {signal}).then(
    () => true,
    () => false,
  );
}

/** Asked through a function because the compiler takes `aborted` for unchanged across an `await`. */
function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted ?? false;
}
