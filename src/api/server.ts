import {chmodSync, rmSync} from 'node:fs';
import {createServer, type Server} from 'node:http';
import type {Socket} from 'node:net';
import {fail, ok, type Result} from '../base/result.ts';
import {listensOn} from '../base/unix-socket.ts';
import type {Failure} from '../model/failure.ts';
import {failureText} from '../model/failure-text.ts';
import {acceptJsonSockets, jsonRoute, type Refusal, type Upgrade} from '../wire/accept-json-sockets.ts';
import {type DaemonMessage, type HostMessage, hostMessageSchema} from '../wire/host-protocol.ts';
import type {JsonSocket} from '../wire/json-socket.ts';
import type {Backend} from './backend.ts';
import type {FeedMessage} from './contract.ts';
import {type ErrorBody, statusOf} from './error-body.ts';
import type {Feed} from './feed.ts';
import {checkPeer, type OurSide} from './peer-check.ts';
import type {RequestListener} from './request-listener.ts';
import {parseFeedQuery} from './schema.ts';

export interface ApiServerOptions {
  readonly socket: string;
  readonly us: OurSide;
  readonly backend: Backend;
  readonly feed: Feed;
  readonly onHost: (socket: JsonSocket<DaemonMessage, HostMessage>) => void;
  /** A request begins; the returned function is called when its answer is out. */
  readonly onRequest: () => () => void;
  readonly onBug: (error: unknown) => void;
}

/** A WebSocket peer that is silent for this long counts as dead. */
const DEAD_AFTER_MS = 15_000;

/** How long those who were connected at the end may take to go, in milliseconds: one that asks nothing would never. */
const CLOSE_LIMIT_MS = 3000;

/** By then hosts are back; later the program's files may have been replaced. */
const LOAD_AFTER_MS = 1000;

/** Serves the API on a Unix socket (0600). `close` answers what is being asked, within a bound, then removes the socket. */
export class ApiServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets: {close(): void};
  readonly #loading: NodeJS.Timeout;
  readonly #connections = new Set<Socket>();
  #closed: Promise<void> | undefined;

  private constructor(server: Server, sockets: {close(): void}, loading: NodeJS.Timeout) {
    this.#server = server;
    this.#sockets = sockets;
    this.#loading = loading;
    server.on('connection', connection => {
      this.#connections.add(connection);
      connection.once('close', () => this.#connections.delete(connection));
    });
  }

  static async listen(options: ApiServerOptions): Promise<Result<ApiServer, Failure>> {
    const {socket, onRequest, onBug} = options;
    if (await listensOn(socket)) return fail(occupied(socket));
    // Hosts, who wait for nothing but us after the death of a daemon, need none of what answers requests: it is loaded after it listens.
    let loaded: Promise<RequestListener> | undefined;
    const load = () =>
      (loaded ??= import('./request-listener.ts').then(({requestListener}) => requestListener(options)));
    const server = createServer((request, response) => {
      response.once('close', onRequest());
      load()
        .then(handle => handle(request, response))
        .catch((error: unknown) => {
          onBug(error);
          response.destroy();
        });
    });
    // A plan of 64 MB or an answer that waits for a team's end takes as long as it takes; the peer is our own user.
    server.requestTimeout = 0;
    const sockets = acceptJsonSockets(server, {
      routes: {
        '/v1/host': jsonRoute(value => hostMessageSchema.parse(value), options.onHost),
        '/v1/feed': jsonRoute(
          () => undefined,
          (feedSocket: JsonSocket<FeedMessage, undefined>, upgrade) => openFeed(options.feed, feedSocket, upgrade),
        ),
      },
      authorize: upgrade => authorize(options.us, upgrade),
      deadAfterMs: DEAD_AFTER_MS,
    });
    try {
      // What nobody listens on is left from a daemon that was killed.
      rmSync(socket, {force: true});
      await listen(server, socket);
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      const hint = 'Move away what is in its place, or make its folder writable.';
      return fail({reason: 'project-unusable', path: socket, detail, hint});
    }
    // What goes wrong is told to the first request.
    const loading = setTimeout(() => void load().catch(() => undefined), LOAD_AFTER_MS);
    return ok(new ApiServer(server, sockets, loading));
  }

  close(): Promise<void> {
    this.#closed ??= new Promise(resolve => {
      clearTimeout(this.#loading);
      this.#sockets.close();
      const cut = setTimeout(() => this.#connections.forEach(connection => connection.destroy()), CLOSE_LIMIT_MS);
      this.#server.close(() => {
        clearTimeout(cut);
        resolve();
      });
      this.#server.closeIdleConnections();
    });
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function openFeed(feed: Feed, socket: JsonSocket<FeedMessage, undefined>, {url}: Upgrade): void {
  const query = parseFeedQuery(Object.fromEntries(url.searchParams));
  if (!query.ok) {
    socket.send({type: 'error', error: query.failure, text: failureText(query.failure)});
    void socket.close();
    return;
  }
  const {team, events, after = 0} = query.value;
  feed.open(socket, {team, ...(events === undefined ? {} : {eventsAfter: after})});
}

function authorize(us: OurSide, {request}: Upgrade): Refusal | null {
  const failure = checkPeer(us, name => {
    const value = request.headers[name];
    return typeof value === 'string' ? value : undefined;
  });
  if (!failure) return null;
  const body: ErrorBody = {v: 1, error: failure, text: failureText(failure)};
  return {status: statusOf(failure), body: JSON.stringify(body)};
}

async function listen(server: Server, socket: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socket, () => {
      server.off('error', reject);
      resolve();
    });
  });
  chmodSync(socket, 0o600);
}

function occupied(socket: string): Failure {
  return {
    reason: 'project-unusable',
    path: socket,
    detail: 'Another daemon listens there although it does not hold the store of this project.',
    hint: 'Does another machine or container share this runtime folder? Set XDG_RUNTIME_DIR to a folder of its own.',
  };
}
