import {type BadFrame, readClientFrame} from '../../wire/hub-frame.ts';
import type {ClientFrame, HubErrorCode} from '../../wire/hub-protocol.ts';
import type {HubSocket, HubSocketEnd} from '../../wire/hub-socket.ts';
import type {HubLimits} from './hub-limits.ts';
import type {LeftWhy, Refusal} from './hub-parts.ts';
import type {Member} from './member.ts';
import {TokenBucket} from './token-bucket.ts';

export type Hello = Extract<ClientFrame, {type: 'hello'}>;

/**
 * ```
 * unauthenticated ── hello ──► verifying ── good ──► active ──► closing
 *        └──────────────────────────┴── deadline, refusal ────────┘
 * ```
 */
type ConnectionState =
  | {readonly kind: 'unauthenticated'}
  | {readonly kind: 'verifying'; readonly id: number}
  | {readonly kind: 'active'; readonly member: Member}
  | {readonly kind: 'closing'};

export interface ConnectionOwner {
  readonly limits: HubLimits;
  /** Monotonic milliseconds. */
  nowMs(): number;
  /** Answers by `admit` or `end`. */
  hello(connection: HubConnection, hello: Hello): void;
  frame(connection: HubConnection, member: Member, frame: ClientFrame): void;
  /** What waited for a member has been taken. */
  drained(member: Member): void;
  left(member: Member, why: LeftWhy): void;
  refused(connection: HubConnection, refusal: Refusal): void;
  unexpected(error: unknown): void;
}

/** One connection from its first frame to its last: limits, strikes, and what it says in the end. */
export class HubConnection {
  readonly socket: HubSocket;
  readonly #owner: ConnectionOwner;
  readonly #frames: TokenBucket;
  readonly #bytes: TokenBucket;
  #state: ConnectionState = {kind: 'unauthenticated'};
  #strikes = 0;
  #refusedInARow = 0;
  #replaced = false;

  constructor(socket: HubSocket, owner: ConnectionOwner) {
    this.socket = socket;
    this.#owner = owner;
    const {framesPerS, framesBurst, bytesPerS, bytesBurst} = owner.limits;
    this.#frames = new TokenBucket({perS: framesPerS, burst: framesBurst}, owner.nowMs());
    this.#bytes = new TokenBucket({perS: bytesPerS, burst: bytesBurst}, owner.nowMs());
  }

  get member(): Member | null {
    return this.#state.kind === 'active' ? this.#state.member : null;
  }

  listen(): void {
    this.socket.onClose(end => this.#ended(end));
    this.socket.listen({
      received: bytes => this.#bytes.take(bytes, this.#owner.nowMs()),
      text: text => this.#receive(text),
      violation: kind => {
        if (kind === 'binary') this.#strike({id: null, path: '', message: 'it is binary; frames are JSON text'});
        else this.end('too-large', `send a hello of at most ${this.#owner.limits.helloBytes} bytes first`);
      },
      drain: () => {
        if (this.#state.kind !== 'active') return;
        this.socket.resume();
        this.#owner.drained(this.#state.member);
      },
    });
  }

  /** Its hello was good. False: it has gone meanwhile. */
  admit(member: Member): boolean {
    if (this.#state.kind !== 'verifying' || !this.socket.isOpen) return false;
    this.#state = {kind: 'active', member};
    this.socket.admit();
    return true;
  }

  /** After the welcome: what came behind the hello is read. */
  proceed(): void {
    this.socket.resume();
  }

  /** Answers a request with why it was not done. */
  refuse(id: number | null, refusal: Refusal): void {
    this.#owner.refused(this, refusal);
    this.#error(id, refusal);
  }

  /** Says why, and goodbye. Does nothing the second time. */
  end(code: HubErrorCode, message: string, retryAfterMs: number | null = null): void {
    if (this.#state.kind === 'closing') return;
    const id = this.#state.kind === 'verifying' ? this.#state.id : null;
    this.#owner.refused(this, {code, message, retryAfterMs});
    this.#error(id, {code, message, retryAfterMs});
    this.#close(closeCode(code), code);
  }

  /** A newer connection of the same agent has taken its place. */
  replace(): void {
    this.#replaced = true;
    this.end('replaced', 'another connection of this agent has taken the place of this one');
  }

  /** The hub goes away. */
  goAway(): void {
    this.#close(1001, 'the hub is stopping');
  }

  /** Reads no more until what was answered has been taken. */
  throttle(): void {
    if (this.socket.backlogBytes > this.#owner.limits.backlogBytes) this.socket.pause();
  }

  #receive(text: string): void {
    const state = this.#state;
    if (state.kind === 'closing') return;
    const nowMs = this.#owner.nowMs();
    const read = readClientFrame(text);
    if (!read.ok) return this.#strike(read.failure);
    const frame = read.value;
    const waitMs = Math.max(this.#frames.waitMs(nowMs), this.#bytes.waitMs(nowMs));
    if (waitMs > 0) return this.#tooFast(idOf(frame), waitMs);
    this.#frames.take(1, nowMs);
    this.#refusedInARow = 0;
    if (state.kind === 'active') return this.#act(state.member, frame);
    if (frame.type !== 'hello') return this.end('token-invalid', 'say hello with your token first');
    // What comes behind the hello waits for the welcome.
    this.socket.pause();
    this.#state = {kind: 'verifying', id: frame.id};
    this.#owner.hello(this, frame);
  }

  #act(member: Member, frame: ClientFrame): void {
    try {
      this.#owner.frame(this, member, frame);
    } catch (error) {
      this.#owner.unexpected(error);
      this.refuse(idOf(frame), {code: 'internal', message: 'the hub made a mistake; see its log', retryAfterMs: null});
    }
  }

  #tooFast(id: number | null, waitMs: number): void {
    const {framesPerS, bytesPerS, refusedInARow} = this.#owner.limits;
    const message = `more than ${framesPerS} frames or ${bytesPerS} bytes per second; this one was not done`;
    this.#refusedInARow += 1;
    if (this.#refusedInARow > refusedInARow) this.end('too-fast', `${message}, and neither were those before`, waitMs);
    else this.refuse(id, {code: 'too-fast', message, retryAfterMs: waitMs});
  }

  #strike({id, path, message}: BadFrame): void {
    this.#strikes += 1;
    const where = path === '' || message.startsWith(path) ? '' : `${path}: `;
    const told = `this is no frame of the protocol: ${where}${message}`;
    if (this.#strikes >= this.#owner.limits.strikes) this.end('bad-frame', told);
    else this.refuse(id, {code: 'bad-frame', message: told, retryAfterMs: null});
  }

  #error(id: number | null, {code, message, retryAfterMs}: Refusal): void {
    this.socket.send(JSON.stringify({type: 'error', id, code, message, retryAfterMs}));
  }

  #close(code: number, reason: string): void {
    const state = this.#state;
    if (state.kind === 'closing') return;
    this.#state = {kind: 'closing'};
    this.socket.close(code, reason);
    if (state.kind === 'active') this.#owner.left(state.member, this.#replaced ? 'replaced' : 'lost');
  }

  #ended({clean}: HubSocketEnd): void {
    const state = this.#state;
    this.#state = {kind: 'closing'};
    if (state.kind === 'active') this.#owner.left(state.member, clean ? 'left' : 'lost');
  }
}

function idOf(frame: ClientFrame): number | null {
  return 'id' in frame ? frame.id : null;
}

/** RFC 6455, section 7.4.1. */
function closeCode(code: HubErrorCode): number {
  if (code === 'too-large') return 1009;
  if (code === 'limit-reached' || code === 'unavailable') return 1013;
  return code === 'internal' ? 1011 : 1008;
}
