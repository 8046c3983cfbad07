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
  /** A connection has ended, or could not be made. Returning `stop` ends the reconnecting. */
  readonly onDown: (down: Down) => 'again' | 'stop';
  readonly backoff: BackoffOptions;
  readonly random: Random;
  readonly signal: AbortSignal;
}

export type Down =
  | {readonly kind: 'closed'; readonly closed: Closed}
  | {readonly kind: 'not-connected'; readonly failure: ConnectFailure; readonly tries: number};

/**
 * Keeps one connection open: connects, waits until it is closed, and connects again, with growing pauses while that
 * fails. Resolves when the signal is aborted or `onDown` says stop; closing the open socket is then its owner's affair.
 */
export async function keepConnected<Out, In>(options: ReconnectOptions<Out, In>): Promise<void> {
  const {connect, onOpen, onDown, backoff, random, signal} = options;
  for (let tries = 0; !signal.aborted; ) {
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
      if (closed === null || onDown({kind: 'closed', closed}) === 'stop') return;
      // One failure counts at once: a peer that accepts and drops us is not hammered.
      tries = 1;
    } else {
      tries += 1;
      if (onDown({kind: 'not-connected', failure: connected.failure, tries}) === 'stop') return;
    }
    if (!(await pause(backoffMs(tries, backoff, random), signal))) return;
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

function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  return sleep(ms, {signal}).then(
    () => true,
    () => false,
  );
}

/** Asked through a function because the compiler takes `aborted` for unchanged across an `await`. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
