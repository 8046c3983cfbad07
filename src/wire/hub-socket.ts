import type {Socket} from 'node:net';
import {TLSSocket} from 'node:tls';
import {WebSocket} from 'ws';
import type {HubLiveness} from './hub-liveness.ts';
import {frameText} from './hub-text-frame.ts';

/** How long the other side may take to answer a goodbye, in milliseconds. */
const GOODBYE_MS = 1000;
const CLEAN: ReadonlySet<number> = new Set([1000, 1001, 1005]);

export interface HubSocketEvents {
  /** So many bytes came in, frame headers and pings included. */
  received(bytes: number): void;
  text(text: string): void;
  /** The peer sent what can be no frame: binary, or more before it was admitted than it may. */
  violation(kind: 'binary' | 'too-large'): void;
  /** All that was sent has been taken by the kernel, after it was not. */
  drain(): void;
}

/** How a connection ended, as in RFC 6455. `clean`: the peer said goodbye. */
export interface HubSocketEnd {
  readonly code: number;
  readonly clean: boolean;
}

/**
 * One WebSocket of the hub's, carrying text frames. Frames made beforehand (`frameText`) are written to the stream as they are:
 * a WebSocket without compression writes at once, so both ways keep their order.
 */
export class HubSocket {
  readonly #webSocket: WebSocket;
  readonly #stream: Socket;
  readonly #closeListeners: ((end: HubSocketEnd) => void)[] = [];
  #events: HubSocketEvents | undefined;
  /** Bytes that may still come before `admit`; null: admitted. */
  #allowance: number | null;
  /** Frames sent since nothing waited the last time. */
  #sentSinceIdle = 0;
  /** Came in the same chunk as what made us pause; null: not paused. */
  #held: string[] | null = [];

  constructor(
    webSocket: WebSocket,
    {stream, liveness, helloBytes}: {stream: Socket; liveness: HubLiveness; helloBytes: number},
  ) {
    this.#webSocket = webSocket;
    this.#stream = stream;
    this.#allowance = helloBytes;
    const watch = liveness.watch({
      ping: () => {
        if (this.isOpen) webSocket.ping();
      },
      terminate: () => webSocket.terminate(),
      get backlogBytes() {
        return stream.writableLength;
      },
      get takenBytes() {
        return stream.bytesWritten - stream.writableLength;
      },
    });
    const onData = (chunk: Buffer) => {
      watch.heard();
      this.#events?.received(chunk.length);
      if (this.#allowance !== null) this.#spend(chunk.length);
    };
    // Before the WebSocket's own listener, so that what is too much is not read by it.
    stream.prependListener('data', onData);
    stream.on('drain', () => this.#events?.drain());
    webSocket.on('message', (data, isBinary) => {
      if (this.#allowance !== null && this.#allowance < 0) return;
      if (isBinary) this.#events?.violation('binary');
      else if (this.#held) this.#held.push(textOf(data));
      else this.#events?.text(textOf(data));
    });
    // A 'close' follows, which is where it is dealt with.
    webSocket.on('error', () => undefined);
    webSocket.on('close', code => {
      watch.stop();
      stream.off('data', onData);
      for (const listener of this.#closeListeners.splice(0)) listener({code, clean: CLEAN.has(code)});
    });
    webSocket.pause();
  }

  get isOpen(): boolean {
    return this.#webSocket.readyState === WebSocket.OPEN;
  }

  get stream(): Socket {
    return this.#stream;
  }

  /** DER of the client certificate that TLS has verified; null: none. */
  get certificate(): Buffer | null {
    if (!(this.#stream instanceof TLSSocket) || !this.#stream.authorized) return null;
    const certificate = this.#stream.getPeerX509Certificate();
    return certificate ? certificate.raw : null;
  }

  /** Bytes sent that the kernel has not taken yet. */
  get backlogBytes(): number {
    return this.#stream.writableLength;
  }

  /** Frames sent since nothing waited; small frames cost more memory than their bytes. */
  get backlogFrames(): number {
    return this.#stream.writableLength === 0 ? 0 : this.#sentSinceIdle;
  }

  /** Begins to read. */
  listen(events: HubSocketEvents): void {
    this.#events = events;
    this.resume();
  }

  /** From now on frames may be as large as the protocol allows. */
  admit(): void {
    this.#allowance = null;
  }

  /** No text is told until `resume`; of those that come nevertheless, at most one chunk of the stream is held. */
  pause(): void {
    this.#held ??= [];
    this.#webSocket.pause();
  }

  resume(): void {
    const held = this.#held;
    if (!held) return;
    this.#held = null;
    for (const [index, text] of held.entries()) {
      this.#events?.text(text);
      // Listeners pause again.
      const paused = this.#pausedAgain();
      if (paused) {
        paused.push(...held.slice(index + 1));
        return;
      }
    }
    this.#webSocket.resume();
  }

  send(text: string): void {
    this.sendFramed(frameText(text));
  }

  /** Bytes made by `frameText`. Does nothing once the connection is closing. */
  sendFramed(frame: Buffer): void {
    if (!this.isOpen) return;
    this.#sentSinceIdle = this.#stream.writableLength === 0 ? 1 : this.#sentSinceIdle + 1;
    this.#stream.write(frame);
  }

  onClose(listener: (end: HubSocketEnd) => void): void {
    this.#closeListeners.push(listener);
  }

  /** Says goodbye, and cuts the connection when no answer comes. */
  close(code: number, reason: string): void {
    const cut = setTimeout(() => this.#webSocket.terminate(), GOODBYE_MS);
    this.onClose(() => clearTimeout(cut));
    // The answer is to be read; but not from one that has sent more than it may.
    if (this.#allowance === null || this.#allowance >= 0) {
      this.#held = null;
      this.#webSocket.resume();
    }
    this.#webSocket.close(code, reason);
  }

  terminate(): void {
    this.#webSocket.terminate();
  }

  #pausedAgain(): string[] | null {
    return this.#held;
  }

  #spend(bytes: number): void {
    if (this.#allowance === null || this.#allowance < 0) return;
    this.#allowance -= bytes;
    if (this.#allowance >= 0) return;
    this.#webSocket.pause();
    this.#events?.violation('too-large');
  }
}

function textOf(data: WebSocket.RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString();
  return data instanceof ArrayBuffer ? Buffer.from(data).toString() : data.toString();
}
