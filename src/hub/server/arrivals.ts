import type {Socket} from 'node:net';
import type {HubLimits} from './hub-limits.ts';

interface Waiting {
  readonly socket: Socket;
  readonly address: string;
  readonly timer: NodeJS.Timeout;
  onDeadline: () => void;
}

/**
 * Connections from their first byte of TCP until their agent is known: a deadline for each that no traffic extends, and how
 * many of them there may be.
 */
export class Arrivals {
  readonly #limits: HubLimits;
  readonly #waiting = new Map<string, Waiting>();
  readonly #perAddress = new Map<string, number>();

  constructor(limits: HubLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** A TCP connection has come. One that is far beyond what may wait is cut off without a word. */
  arrive(socket: Socket): void {
    const key = socketKey(socket);
    const address = addressOf(socket);
    if (this.#isOver(address, 2)) {
      socket.destroy();
      return;
    }
    const timer = setTimeout(() => {
      this.#waiting.get(key)?.onDeadline();
      this.#leave(key);
    }, this.#limits.helloMs);
    this.#waiting.set(key, {socket, address, timer, onDeadline: () => socket.destroy()});
    this.#perAddress.set(address, (this.#perAddress.get(address) ?? 0) + 1);
    socket.once('close', () => this.#leave(key));
  }

  /** Why a connection that asks to become a WebSocket may not wait for its hello; null: it may. */
  refusal(socket: Socket): string | null {
    if (!this.#isOver(addressOf(socket), 1)) return null;
    return 'too many connections wait to be admitted; try again in a moment';
  }

  /** What happens when the deadline passes, instead of a cut. */
  onDeadline(socket: Socket, act: () => void): void {
    const waiting = this.#waiting.get(socketKey(socket));
    if (waiting) waiting.onDeadline = act;
  }

  /** Its agent is known: it waits no longer. */
  admit(socket: Socket): void {
    this.#leave(socketKey(socket));
  }

  /** Cuts off everybody who waits. */
  close(): void {
    for (const [key, {socket}] of [...this.#waiting]) {
      this.#leave(key);
      socket.destroy();
    }
  }

  #isOver(address: string, times: number): boolean {
    const {waiting, waitingPerAddress} = this.#limits;
    return this.#waiting.size > waiting * times || (this.#perAddress.get(address) ?? 0) > waitingPerAddress * times;
  }

  #leave(key: string): void {
    const waiting = this.#waiting.get(key);
    if (!waiting) return;
    clearTimeout(waiting.timer);
    this.#waiting.delete(key);
    const count = (this.#perAddress.get(waiting.address) ?? 1) - 1;
    if (count > 0) this.#perAddress.set(waiting.address, count);
    else this.#perAddress.delete(waiting.address);
  }
}

export function addressOf(socket: Socket): string {
  return socket.remoteAddress ?? '';
}

/** The same for a TLS connection and the TCP connection below it. */
function socketKey(socket: Socket): string {
  return `${socket.remoteAddress ?? ''} ${socket.remotePort ?? ''}`;
}
