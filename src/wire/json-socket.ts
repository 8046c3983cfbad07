import {WebSocket} from 'ws';
import type {Liveness} from './liveness.ts';

/** The largest message either side accepts. */
export const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
const MAX_REASON_BYTES = 120;
/** How long the other side may take to answer a goodbye, in milliseconds. */
const GOODBYE_MS = 2000;

export interface Closed {
  /** As in RFC 6455; 1006 when the connection just broke. */
  readonly code: number;
  readonly detail: string;
}

/**
 * Messages as JSON text over one WebSocket. A message that cannot be parsed, or a listener that throws, closes this
 * connection and nothing else. Messages wait unread until the first `onMessage`.
 */
export class JsonSocket<Out, In> {
  readonly #webSocket: WebSocket;
  readonly #parse: (value: unknown) => In;
  readonly #messageListeners = new Set<(message: In) => void>();
  readonly #closeListeners = new Set<(closed: Closed) => void>();
  #closed: Closed | undefined;
  /** Why we closed; the peer's own words do not replace it. */
  #closing: Closed | undefined;

  constructor(webSocket: WebSocket, {parse, liveness}: {parse: (value: unknown) => In; liveness: Liveness}) {
    this.#webSocket = webSocket;
    this.#parse = parse;
    const watch = liveness.watch({
      ping: () => {
        if (webSocket.readyState === WebSocket.OPEN) webSocket.ping();
      },
      terminate: () => {
        this.#closing ??= {code: 1006, detail: 'the other side did not answer'};
        webSocket.terminate();
      },
    });
    webSocket.on('pong', watch.heard);
    webSocket.on('ping', watch.heard);
    webSocket.on('message', (data, isBinary) => {
      watch.heard();
      this.#receive(data, isBinary);
    });
    webSocket.on('error', error => {
      // What `ws` itself cannot take, such as a message that is too large, breaks the protocol; the rest is the line.
      const code = 'code' in error && String(error.code).startsWith('WS_ERR') ? 1002 : 1006;
      this.#closing ??= {code, detail: error.message};
    });
    webSocket.on('close', (code, reason) => {
      watch.stop();
      this.#end(this.#closing ?? {code, detail: reason.toString()});
    });
    webSocket.pause();
  }

  get isOpen(): boolean {
    return this.#webSocket.readyState === WebSocket.OPEN;
  }

  /** Bytes given to `send` that the kernel has not taken yet. */
  get bufferedAmount(): number {
    return this.#webSocket.bufferedAmount;
  }

  /** Does nothing once the connection is closing: what was sent last may be lost in any case. */
  send(message: Out): void {
    if (!this.isOpen) return;
    this.#webSocket.send(JSON.stringify(message), sendFailed);
  }

  onMessage(listener: (message: In) => void): () => void {
    this.#messageListeners.add(listener);
    this.#webSocket.resume();
    return () => this.#messageListeners.delete(listener);
  }

  /** Called once; at once (in a microtask) when the connection is already closed. */
  onClose(listener: (closed: Closed) => void): () => void {
    const closed = this.#closed;
    if (closed) queueMicrotask(() => listener(closed));
    else this.#closeListeners.add(listener);
    return () => this.#closeListeners.delete(listener);
  }

  /** Sends what is queued, says goodbye and waits for the answer; cuts the connection when none comes. */
  close({code = 1000, detail = ''}: Partial<Closed> = {}): Promise<void> {
    this.#closing ??= {code, detail};
    return new Promise(resolve => {
      const cut = setTimeout(() => this.#webSocket.terminate(), GOODBYE_MS);
      this.onClose(() => {
        clearTimeout(cut);
        resolve();
      });
      this.#webSocket.resume();
      this.#webSocket.close(code, shorten(detail));
    });
  }

  /** Cuts the connection without a word. */
  terminate(): void {
    this.#webSocket.terminate();
  }

  #receive(data: WebSocket.RawData, isBinary: boolean): void {
    try {
      if (isBinary) throw new Error('expected text, got a binary message');
      const message = this.#parse(JSON.parse(textOf(data)));
      for (const listener of this.#messageListeners) listener(message);
    } catch (error) {
      void this.close({code: 1008, detail: error instanceof Error ? error.message : String(error)});
    }
  }

  #end(closed: Closed): void {
    this.#closed = closed;
    for (const listener of this.#closeListeners) listener(closed);
    this.#closeListeners.clear();
    this.#messageListeners.clear();
  }
}

function textOf(data: WebSocket.RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString();
  return data instanceof ArrayBuffer ? Buffer.from(data).toString() : data.toString();
}

/** A close reason may have 123 bytes; `ws` throws on longer ones. */
function shorten(detail: string): Buffer {
  return Buffer.from(
    Buffer.from(detail)
      .subarray(0, MAX_REASON_BYTES)
      .toString()
      .replace(/\uFFFD+$/, ''),
  );
}

/** A failed send is followed by `close`, which is where it is dealt with. */
function sendFailed(): void {}
