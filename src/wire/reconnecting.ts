import {type BackoffOptions, backoffMs} from '../base/backoff.ts';
import {sleep} from '../base/clock.ts';
import type {Random} from '../base/random.ts';
import type {Result} from '../base/result.ts';
import type {ConnectFailure} from './connect-json-socket.ts';
import type {Closed, JsonSocket} from './json-socket.ts';

export interface ReconnectOptions<Out, In> {
  readonly connect: (signal: AbortSignal) => Promise<Result<JsonSocket<Out, In>, ConnectFailure>>;
  /** A new connection is there; the socket is read once a listener is added. */
  readonly onOpen: (socket: JsonSocket<Out, In>) => void;
  /** A connection has ended, or could not be made. */
  readonly onDown: (down: Down) => AfterDown;
  readonly backoff: BackoffOptions;
  readonly random: Random;
  readonly signal: AbortSignal;
}

export type Down =
  | {readonly kind: 'closed'; readonly closed: Closed}
  | {readonly kind: 'not-connected'; readonly failure: ConnectFailure; readonly tries: number};

/** `stop` ends the reconnecting. `again` connects after a pause, with a promise as soon as that is fulfilled if it is sooner. */
export type AfterDown = 'again' | 'stop' | {readonly againAfter: Promise<unknown>};

/**
 * Keeps one connection open: connects, waits until it is closed, and connects again, with growing pauses while that
 * fails. Resolves when the signal is aborted or `onDown` says stop; closing the open socket is then its owner's affair.
 */
export async function keepConnected<Out, In>(options: ReconnectOptions<Out, In>): Promise<void> {
  const {connect, onOpen, onDown, backoff, random, signal} = options;
  for (let tries = 0; !signal.aborted; ) {
    let next: AfterDown;
    const connected = await connect(signal);
    if (isAborted(signal)) {
      if (connected.ok) connected.value.terminate();
      return;
    }
    if (connected.ok) {
      const socket = connected.value;
      const over = closedOf(socket, signal);
      onOpen(socket);
      const closed = await over;
      if (closed === null) return;
      next = onDown({kind: 'closed', closed});
      // One failure counts at once: a peer that accepts and drops us is not hammered.
      tries = 1;
    } else {
      tries += 1;
      next = onDown({kind: 'not-connected', failure: connected.failure, tries});
    }
    if (next === 'stop' || isAborted(signal)) return;
    await pause(backoffMs(tries, backoff, random), signal, next === 'again' ? undefined : next.againAfter);
  }
}

function closedOf<Out, In>(socket: JsonSocket<Out, In>, signal: AbortSignal): Promise<Closed | null> {
  return new Promise(resolve => {
    const onAbort = () => resolve(null);
    signal.addEventListener('abort', onAbort, {once: true});
    socket.onClose(closed => {
      signal.removeEventListener('abort', onAbort);
      resolve(closed);
    });
  });
}

/** Until the time is over, the signal is aborted, or the promise is fulfilled. */
async function pause(ms: number, signal: AbortSignal, sooner?: Promise<unknown>): Promise<void> {
  const enough = new AbortController();
  const end = () => enough.abort();
  signal.addEventListener('abort', end, {once: true});
  void sooner?.then(end);
  await sleep(ms, {signal: enough.signal}).catch(() => undefined);
  signal.removeEventListener('abort', end);
}

/** Asked through a function because the compiler takes `aborted` for unchanged across an `await`. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
