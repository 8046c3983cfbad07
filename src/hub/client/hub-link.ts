import type {ClientFrame, HubFrame} from '../../wire/hub-protocol.ts';
import type {HubClientSocket} from '../../wire/connect-hub-socket.ts';
import type {Alarms} from './alarms.ts';
import {HubError} from './hub-error.ts';

type WithoutId<Frame> = Frame extends {id: number} ? Omit<Frame, 'id'> : never;
export type HubRequest = WithoutId<ClientFrame>;
export type HubAnswer<Type extends HubFrame['type']> = Extract<HubFrame, {type: Type}>;
/** Frames that answer nothing. */
export type HubNotice = Extract<HubFrame, {type: 'news' | 'presence' | 'message' | 'document' | 'error'}>;

interface Waiting {
  readonly type: HubFrame['type'];
  resolve(frame: HubFrame): void;
  reject(error: HubError): void;
}

/** Requests of one connection that may wait for their answers. */
const MAX_WAITING = 10_000;

/** One connection to a hub: requests with their answers, and what the hub says unasked. */
export class HubLink {
  readonly socket: HubClientSocket;
  readonly #alarms: Alarms;
  readonly #answerMs: number;
  readonly #waiting = new Map<number, Waiting>();
  readonly #notice: (notice: HubNotice) => void;
  #nextId = 1;
  #ended: HubError | null = null;

  /** `answerMs`: how long an answer may take. */
  constructor(
    socket: HubClientSocket,
    {alarms, answerMs, notice}: {alarms: Alarms; answerMs: number; notice: (notice: HubNotice) => void},
  ) {
    this.socket = socket;
    this.#alarms = alarms;
    this.#answerMs = answerMs;
    this.#notice = notice;
    socket.onMessage(frame => this.#receive(frame));
    socket.onClose(({code, detail}) => {
      const why = detail === '' ? `code ${code}` : detail;
      this.#end(new HubError('not-connected', `The connection to the hub ended (${why})`));
    });
  }

  /** What the hub said of the connection last, before it ended; null: nothing. */
  lastWord: HubError | null = null;

  /** Rejects with what the hub answered, or `timed-out`, or `not-connected`. */
  ask<Type extends HubFrame['type']>(type: Type, request: HubRequest): Promise<HubAnswer<Type>> {
    if (this.#ended !== null) return Promise.reject(this.#ended);
    if (this.#waiting.size >= MAX_WAITING) {
      const message = `${MAX_WAITING} requests wait for the hub already: wait for some of them first`;
      return Promise.reject(new HubError('too-fast', message, {retryAfterMs: 100}));
    }
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const cancel = this.#alarms.after(this.#answerMs, () => {
        this.#waiting.delete(id);
        reject(new HubError('timed-out', `The hub did not answer (${request.type}) within ${this.#answerMs} ms`));
      });
      this.#waiting.set(id, {
        type,
        // Compared with `type` before it is called.
        resolve: frame => {
          cancel();
          resolve(frame as HubAnswer<Type>);
        },
        reject: error => {
          cancel();
          reject(error);
        },
      });
      this.socket.send({...request, id});
    });
  }

  tell(frame: Extract<ClientFrame, {type: 'received'}>): void {
    this.socket.send(frame);
  }

  #receive(frame: HubFrame): void {
    const notice = noticeOf(frame);
    if (notice !== null) {
      if (notice.type === 'error') this.lastWord = errorOf(notice);
      return this.#notice(notice);
    }
    const id = 'id' in frame ? frame.id : null;
    const waiting = id === null ? undefined : this.#waiting.get(id);
    // Of one that was given up.
    if (waiting === undefined || id === null) return;
    this.#waiting.delete(id);
    if (frame.type === 'error') waiting.reject(errorOf(frame));
    else if (frame.type === waiting.type) waiting.resolve(frame);
    else
      waiting.reject(new HubError('bad-frame', `The hub answered ${frame.type} where ${waiting.type} was asked for`));
  }

  #end(error: HubError): void {
    this.#ended = error;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const each of waiting) each.reject(error);
  }
}

/** Null: it answers a request. */
function noticeOf(frame: HubFrame): HubNotice | null {
  switch (frame.type) {
    case 'news':
    case 'presence':
    case 'message':
      return frame;
    case 'error':
    case 'document':
      return frame.id === null ? frame : null;
    default:
      return null;
  }
}

export function errorOf({code, message, retryAfterMs}: HubAnswer<'error'>): HubError {
  return new HubError(code, `The hub: ${message}`, {retryAfterMs});
}
