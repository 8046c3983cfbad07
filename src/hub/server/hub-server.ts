import {type IncomingMessage, type RequestListener, type Server, createServer} from 'node:http';
import {createServer as createTlsServer, Server as TlsServer} from 'node:https';
import type {AddressInfo} from 'node:net';
import {type UpgradeRefusal, acceptHubSockets} from '../../wire/accept-hub-sockets.ts';
import type {RecallRule} from '../../model/hub.ts';
import {HUB_PATH, type HubStats} from '../../wire/hub-protocol.ts';
import {permits} from '../security/permissions.ts';
import {HubCore} from './hub-core.ts';
import {type HubLimits, hubLimits} from './hub-limits.ts';
import {PROMETHEUS_TYPE} from '../../base/prometheus.ts';
import {hubMetrics} from './hub-metrics.ts';
import type {HubParts} from './hub-parts.ts';
import {checkPort} from './must-listen.ts';
import {OpaqueDocuments} from './opaque-documents.ts';

export interface HubServerOptions
  extends Partial<
    Pick<
      HubParts,
      'permits' | 'recall' | 'recallRule' | 'documents' | 'keys' | 'mail' | 'isKnown' | 'vet' | 'onPushed' | 'onEvent'
    >
  > {
  /** 0: any that is free, see `address`. */
  readonly port?: number;
  readonly host?: string;
  /** Agents connected at the same time. */
  readonly maxAgents?: number;
  /** How often clients are to sync, in milliseconds. */
  readonly syncInterval?: number;
  /** PEM. With it the hub speaks wss and https only; `requestCert` with `ca` asks clients for certificates. */
  readonly tls?: HubTls;
  readonly auth: HubParts['auth'];
  readonly store: HubParts['store'];
  readonly totals: HubParts['totals'];
  readonly limits?: Partial<HubLimits>;
}

export interface HubTls {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  readonly ca?: string | Buffer;
  readonly crl?: string | Buffer;
  readonly requestCert?: boolean;
  /** False: a client without a good certificate is let in, if its token is good. */
  readonly rejectUnauthorized?: boolean;
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** Of OpenSSL, for example that sessions are not resumed. */
  readonly secureOptions?: number;
}

/** Longest time for the headers of one HTTP request and for a TLS handshake, in milliseconds. */
const HANDSHAKE_MS = 5000;
const MAX_HEADER_BYTES = 8 * 1024;
const RETRY_AFTER_S = 1;
/** So many more TCP connections than agents and newcomers are let in, for those who ask for figures. */
const OTHERS = 100;

/**
 * The hub on the line, over parts that it is given: WebSockets at `/v1/hub`, and over HTTP `GET /healthz` and `GET /metrics` on the same port. It does not
 * close the store it was given.
 */
export class HubServer implements AsyncDisposable {
  readonly #options: HubServerOptions;
  readonly #core: HubCore;
  #running: {readonly server: Server; readonly accepting: {close(): void}} | undefined;
  #stopped: Promise<void> | undefined;

  /** Throws RangeError on an option out of its range. */
  constructor(options: HubServerOptions) {
    const {port = 8080, syncInterval = 5000, maxAgents} = options;
    checkPort(port);
    if (!(syncInterval >= 1)) throw new RangeError(`syncInterval is ${syncInterval}; expected at least 1 millisecond`);
    this.#options = options;
    const limits = hubLimits({...(maxAgents !== undefined && {agents: maxAgents}), ...options.limits});
    this.#core = new HubCore({
      store: options.store,
      totals: options.totals,
      auth: options.auth,
      permits: options.permits ?? permits,
      recall: options.recall ?? null,
      recallRule: options.recallRule ?? (() => NO_RULE),
      documents: options.documents ?? new OpaqueDocuments(limits),
      keys: options.keys ?? null,
      mail: options.mail ?? null,
      limits,
      syncIntervalMs: syncInterval,
      wallMs: Date.now,
      isKnown: options.isKnown ?? (() => false),
      vet: options.vet ?? (() => null),
      onPushed: options.onPushed ?? (() => undefined),
      onEvent: options.onEvent ?? (() => undefined),
    });
  }

  /** Where it listens; null: it does not. */
  get address(): AddressInfo | null {
    const address = this.#running?.server.address();
    return typeof address === 'object' ? (address ?? null) : null;
  }

  /** Resolves once it listens. Rejects when the port cannot be had, or when it was started before. */
  async start(): Promise<void> {
    if (this.#running || this.#stopped) throw new Error('this hub has been started before; make a new one');
    const {port = 8080, host = '127.0.0.1'} = this.#options;
    const {limits, arrivals} = this.#core;
    const server = this.#server();
    server.maxConnections = limits.agents + 2 * limits.waiting + OTHERS;
    server.headersTimeout = HANDSHAKE_MS;
    server.requestTimeout = HANDSHAKE_MS;
    server.on('connection', socket => arrivals.arrive(socket));
    const accepting = acceptHubSockets(server, {
      path: HUB_PATH,
      helloBytes: limits.helloBytes,
      deadAfterMs: limits.deadAfterMs,
      refuse: request => this.#refusal(request),
      open: socket => this.#core.attach(socket),
    });
    this.#running = {server, accepting};
    const {onEvent = () => undefined} = this.#options;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({port, host, backlog: BACKLOG}, resolve);
    });
    server.on('error', error => onEvent({kind: 'unexpected', error}));
    this.#core.start();
  }

  /** Answers what it has taken, says goodbye to everybody, and lets the port go. The second time is the same as the first. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** Makes durable and answers what was pushed in this turn, so that whoever writes into the store next writes for itself alone. */
  settle(): void {
    this.#core.settle();
  }

  /** Connections from now on are met with these files. Throws what the TLS library says of files it cannot use. */
  renewTls({cert, key, ca, crl}: HubTls): void {
    const server = this.#running?.server;
    if (!(server instanceof TlsServer)) throw new Error('Internal error: this hub does not speak TLS');
    server.setSecureContext({cert, key, ...(ca !== undefined && {ca}), ...(crl !== undefined && {crl})});
  }

  getStats(): HubStats {
    return this.#core.stats();
  }

  async #stop(): Promise<void> {
    const running = this.#running;
    if (!running) return;
    const closed = new Promise(resolve => running.server.close(resolve));
    this.#core.stop();
    running.server.closeIdleConnections();
    const cut = setTimeout(() => {
      running.accepting.close();
      running.server.closeAllConnections();
    }, GOODBYE_MS);
    await closed;
    clearTimeout(cut);
    running.accepting.close();
  }

  #server(): Server {
    const {tls} = this.#options;
    const options = {maxHeaderSize: MAX_HEADER_BYTES, connectionsCheckingInterval: 1000};
    const answer: RequestListener = (request, response) => {
      const {status, type, body} = this.#page(request);
      response.writeHead(status, {'content-type': type, connection: 'close'}).end(body);
    };
    if (!tls) return createServer(options, answer);
    const {ca, crl, ...rest} = tls;
    const given = {...options, ...rest, ...(ca !== undefined && {ca}), ...(crl !== undefined && {crl})};
    return createTlsServer({minVersion: 'TLSv1.2', ...given, handshakeTimeout: HANDSHAKE_MS}, answer);
  }

  #page({method, url}: IncomingMessage): {status: number; type: string; body: string} {
    const isKnown = url === '/healthz' || url === '/metrics';
    if (isKnown && method !== 'GET') return {status: 405, type: 'text/plain', body: 'only GET\n'};
    if (url === '/healthz') return {status: 200, type: 'text/plain', body: 'ok\n'};
    if (url !== '/metrics') return {status: 404, type: 'text/plain', body: `no such page; WebSockets at ${HUB_PATH}\n`};
    const unsearchable = this.#options.recall?.unsearchable() ?? 0;
    return {status: 200, type: PROMETHEUS_TYPE, body: hubMetrics(this.getStats(), this.#core.gauges, {unsearchable})};
  }

  #refusal({socket}: IncomingMessage): UpgradeRefusal | null {
    const waits = this.#core.arrivals.refusal(socket);
    const message = waits ?? (this.#stopped ? 'the hub is stopping' : null);
    if (message === null) return null;
    const body = JSON.stringify({code: waits === null ? 'unavailable' : 'limit-reached', message});
    return {status: 503, body, retryAfterS: RETRY_AFTER_S};
  }
}

const NO_RULE: RecallRule = {quorum: 0, distrusted: []};
/** How many connections the kernel holds until they are accepted: a storm of agents comes all at once. */
const BACKLOG = 4096;
const GOODBYE_MS = 2000;
