import {readClock} from '../base/clock.ts';
import type {Result} from '../base/result.ts';
import type {Failure} from '../model/failure.ts';
import {connectJsonSocket} from '../wire/connect-json-socket.ts';
import {parseDaemonMessage} from '../wire/daemon-message.ts';
import type {DaemonMessage, HostMessage} from '../wire/host-protocol.ts';
import type {JsonSocket} from '../wire/json-socket.ts';
import {type AfterDown, type Down, keepConnected} from '../wire/reconnecting.ts';
import {launchesAfter, shouldLaunch} from './daemon-revival.ts';

const DEAD_AFTER_MS = 15_000;
const RECONNECT = {baseMs: 20, maxMs: 1000};
/** Codes with which one side says that it cannot take what the other has sent. */
const REJECTIONS = new Set([1002, 1007, 1008, 1009]);
const MAX_REJECTIONS = 10;
const REJECTIONS_WITHIN_MS = 60_000;

export interface DaemonLinkOptions {
  readonly socketPath: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The first message on every connection. */
  readonly hello: () => HostMessage;
  /** An answer goes back over the connection that asked: on the next one its number means another request. */
  readonly onMessage: (message: DaemonMessage, answer: (message: HostMessage) => void) => void;
  readonly onLost: (detail: string) => void;
  /** The same message is refused again and again: going on would be a loop. */
  readonly onRejected: (detail: string) => void;
  /** Whether the process of the daemon that was there last is known to have ended. */
  readonly daemonIsGone: () => boolean;
  /** Starts a daemon unless one listens; never called twice at a time. */
  readonly launch: () => Promise<Result<void, Failure>>;
  /** Whether a daemon is missed: a host without work does not bring one back. */
  readonly needsDaemon: () => boolean;
  readonly log: (line: string) => void;
}

/** The connection to the daemon, made again whenever it is lost; brings the daemon itself back when it is gone. */
export class DaemonLink {
  readonly #options: DaemonLinkOptions;
  readonly #abort = new AbortController();
  #socket: JsonSocket<HostMessage, DaemonMessage> | undefined;
  #running: Promise<void> = Promise.resolve();
  /** Since when nobody listens on the socket. */
  #deadSinceMs: number | null = null;
  #openedMs = 0;
  #launchesMs: readonly number[] = [];
  #rejectionsMs: number[] = [];
  #launching: Promise<void> | undefined;

  constructor(options: DaemonLinkOptions) {
    this.#options = options;
  }

  start(): void {
    const {socketPath, headers} = this.#options;
    this.#running = keepConnected<HostMessage, DaemonMessage>({
      connect: signal =>
        connectJsonSocket({
          socketPath,
          path: '/v1/host',
          headers,
          parse: parseDaemonMessage,
          deadAfterMs: DEAD_AFTER_MS,
          signal,
        }),
      onOpen: socket => this.#open(socket),
      onDown: down => this.#down(down),
      backoff: RECONNECT,
      random: Math.random,
      signal: this.#abort.signal,
    });
  }

  /** Lost when there is no connection: what must arrive is in the report log. */
  send(message: HostMessage): void {
    this.#socket?.send(message);
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await this.#socket?.close();
    await this.#running;
  }

  #open(socket: JsonSocket<HostMessage, DaemonMessage>): void {
    this.#socket = socket;
    this.#deadSinceMs = null;
    this.#openedMs = readClock().monoMs;
    const answer = (message: HostMessage) => socket.send(message);
    socket.onMessage(message => this.#options.onMessage(message, answer));
    socket.send(this.#options.hello());
  }

  #down(down: Down): AfterDown {
    this.#socket = undefined;
    if (down.kind === 'closed') {
      const nowMs = readClock().monoMs;
      this.#launchesMs = launchesAfter(this.#launchesMs, nowMs - this.#openedMs);
      this.#options.onLost(`connection closed (${down.closed.code}) ${down.closed.detail}`);
      if (REJECTIONS.has(down.closed.code)) return this.#rejected(down.closed.detail);
      if (this.#options.daemonIsGone()) this.#missed(nowMs);
      return this.#again();
    }
    const {failure} = down;
    if (failure.kind === 'no-listener' && (failure.code === 'ENOENT' || failure.code === 'ECONNREFUSED')) {
      this.#missed(readClock().monoMs);
    } else {
      this.#deadSinceMs = null;
      if (failure.kind === 'refused') this.#options.log(`the daemon refused the connection: ${failure.detail}`);
    }
    return this.#again();
  }

  /** A daemon that is being started is connected to as soon as it is ready. */
  #again(): AfterDown {
    return this.#launching ? {againAfter: this.#launching} : 'again';
  }

  #rejected(detail: string): 'again' | 'stop' {
    const nowMs = readClock().monoMs;
    this.#rejectionsMs = [...this.#rejectionsMs.filter(atMs => nowMs - atMs < REJECTIONS_WITHIN_MS), nowMs];
    if (this.#rejectionsMs.length < MAX_REJECTIONS) return 'again';
    this.#options.onRejected(detail);
    return 'stop';
  }

  #missed(nowMs: number): void {
    const deadSinceMs = (this.#deadSinceMs ??= nowMs);
    if (this.#launching || !this.#options.needsDaemon()) return;
    const isGone = this.#options.daemonIsGone();
    if (!shouldLaunch({deadSinceMs, isGone, launchesMs: this.#launchesMs, nowMs})) return;
    this.#launchesMs = [...this.#launchesMs.slice(-10), nowMs];
    this.#options.log('the daemon is gone: starting one');
    this.#launching = this.#launch().finally(() => {
      this.#launching = undefined;
    });
  }

  async #launch(): Promise<void> {
    const {launch, log} = this.#options;
    try {
      const launched = await launch();
      if (!launched.ok) log(`the daemon did not start: ${JSON.stringify(launched.failure)}`);
    } catch (error) {
      // A bug, or godel was uninstalled under us. The attempts go on; the grace time decides.
      log(`the daemon did not start: ${String(error)}`);
    }
  }
}
