import {never} from '../../base/never.ts';
import {fail, type Result} from '../../base/result.ts';
import type {EpisodeState, LogItem} from '../../model/episode.ts';
import type {PresenceNote} from '../../model/hub.ts';
import type {ConnectFailure} from '../../wire/connect-json-socket.ts';
import {connectHubSocket, type HubClientSocket} from '../../wire/connect-hub-socket.ts';
import {type ClientFrame, HUB_PROTOCOL, type HubFrame} from '../../wire/hub-protocol.ts';
import {Liveness} from '../../wire/liveness.ts';
import {type Down, keepConnected} from '../../wire/reconnecting.ts';
import type {Signer} from '../security/signer.ts';
import {type Alarms, PROCESS_ALARMS} from './alarms.ts';
import type {
  DocumentAnswer,
  DocumentRequest,
  HubAdapter,
  HubEpisode,
  HubListener,
  HubMember,
  HubPage,
  HubQuery,
  HubWelcome,
  OutgoingMessage,
  Subscription,
} from './hub-adapter.ts';
import {type EndpointOptions, hubUrl, readCertificates} from './hub-endpoint.ts';
import {HubError, hubErrorOf} from './hub-error.ts';
import {errorOf, HubLink, type HubAnswer, type HubNotice} from './hub-link.ts';
import {HubListeners} from './hub-listeners.ts';
import {type HubToken, readToken} from './hub-token.ts';
import {pushItem} from './push-items.ts';
import {Standing} from './standing.ts';
import {TokenRefresh} from './token-refresh.ts';

export interface WebSocketHubOptions extends HubMember, EndpointOptions {
  /** `wss://host:port` or `ws://host:port`; without a path, that of the protocol. */
  readonly endpoint: string;
  readonly token: HubToken;
  readonly presence?: PresenceNote | null;
  readonly subscription?: Subscription;
  /** What the agent signs with; its key is made known to the hub with each connection. */
  readonly signingKey?: Signer | undefined;
  /** How long an answer may take, in milliseconds. */
  readonly answerMs?: number;
  readonly alarms?: Alarms;
}

const ANSWER_MS = 15_000;
const CONNECT_MS = 10_000;
const BACKOFF = {baseMs: 200, maxMs: 15_000};
/** A hub that is silent for so long is gone. */
const DEAD_AFTER_MS = 15_000;

/** One sweep for all connections of a process; it holds nothing once they are gone. */
const LIVENESS = new Liveness(DEAD_AFTER_MS);

/** The hub over WebSockets. It connects again by itself, with growing pauses, until it is closed or told that it is of no use. */
export class WebSocketHub implements HubAdapter {
  readonly #options: WebSocketHubOptions;
  readonly #url: string;
  readonly #alarms: Alarms;
  readonly #listeners = new HubListeners();
  readonly #standing = new Standing<HubWelcome>();
  readonly #closing = new AbortController();
  readonly #refresh: TokenRefresh;
  #tellsStates = true;
  #presence: PresenceNote | null;
  #subscription: Subscription;
  #link: HubLink | null = null;
  #keeping: Promise<void> | null = null;
  /** Why the last try to connect failed. */
  #lastError: HubError | null = null;

  /** Throws a HubError `bad-option`. */
  constructor(options: WebSocketHubOptions) {
    this.#options = options;
    this.#url = hubUrl(options.endpoint, options);
    this.#alarms = options.alarms ?? PROCESS_ALARMS;
    this.#refresh = new TokenRefresh({
      alarms: this.#alarms,
      read: () => this.#readToken(),
      failed: error => this.#listeners.tell({kind: 'warning', error}),
    });
    this.#presence = options.presence ?? null;
    this.#subscription = options.subscription ?? {news: false, topics: []};
  }

  get isConnected(): boolean {
    return this.#standing.value !== null;
  }

  get welcome(): HubWelcome | null {
    return this.#standing.value;
  }

  connect({deadlineMs = CONNECT_MS, signal}: {deadlineMs?: number; signal?: AbortSignal | undefined} = {}) {
    this.#keeping ??= keepConnected<ClientFrame, HubFrame>({
      connect: signal => this.#connect(signal),
      onOpen: () => undefined,
      onDown: down => this.#onDown(down),
      backoff: BACKOFF,
      random: Math.random,
      signal: this.#closing.signal,
    });
    return this.#standing.wait({
      deadlineMs,
      signal,
      alarms: this.#alarms,
      why: () =>
        this.#lastError ??
        new HubError('unreachable', `The hub at ${this.#url} did not answer within ${deadlineMs} ms`),
    });
  }

  async push(items: readonly LogItem[]) {
    return (await this.#ask('pushed', {type: 'push', items: items.map(pushItem)})).results;
  }

  async pull(since: number, limit: number): Promise<HubPage> {
    return this.#ask('entries', {type: 'pull', since, limit});
  }

  async recall({tags, ...query}: HubQuery) {
    return (await this.#ask('recalled', {type: 'recall', ...query, ...(tags && {tags: [...tags]})})).memories;
  }

  async get(episode: string): Promise<HubEpisode | null> {
    try {
      return await this.#ask('episode', {type: 'get', episode});
    } catch (error) {
      if (error instanceof HubError && error.code === 'not-found') return null;
      throw error;
    }
  }

  async states(episodes: readonly string[]): Promise<readonly (EpisodeState | null)[] | null> {
    if (!this.#tellsStates) return null;
    try {
      return (await this.#ask('states', {type: 'states', episodes: [...episodes]})).states;
    } catch (error) {
      if (!(error instanceof HubError) || error.code !== 'bad-frame') throw error;
      // It is older than this client.
      this.#tellsStates = false;
      return null;
    }
  }

  async stats() {
    return (await this.#ask('stats', {type: 'stats'})).stats;
  }

  async setPresence(note: PresenceNote): Promise<void> {
    this.#presence = note;
    await this.#ask('ok', {type: 'presence', presence: {...note, skills: [...note.skills]}});
  }

  async subscribe(subscription: Subscription): Promise<void> {
    this.#subscription = subscription;
    await this.#ask('ok', {type: 'subscribe', subscription: this.#subscribed});
  }

  async who() {
    return (await this.#ask('agents', {type: 'who'})).agents;
  }

  async document({document, vector, update, leave}: DocumentRequest): Promise<DocumentAnswer> {
    const known = {vector: vector && base64(vector), update: update && base64(update)};
    const asked = {document, ...known, ...(leave && {leave})};
    const answer = await this.#ask('document', {type: 'document', ...asked});
    return {vector: bytesOf(answer.vector), update: bytesOf(answer.update)};
  }

  async send(message: OutgoingMessage): Promise<void> {
    // JSON by the promise of whoever made it; the hub checks it.
    await this.#ask('ok', {type: 'message', message: {...message, body: message.body as null}});
  }

  received(messages: readonly string[]): void {
    if (messages.length > 0) this.#link?.tell({type: 'received', messages: [...messages]});
  }

  listen(listener: HubListener, options?: {readonly messages?: boolean}): () => void {
    return this.#listeners.add(listener, options);
  }

  async close(): Promise<void> {
    const link = this.#link;
    this.#giveUp(new HubError('ended', 'The connection to the hub was closed'));
    await Promise.all([link?.socket.close({code: 1000}), this.#keeping]);
  }

  get #subscribed() {
    const {news, topics, presence = true} = this.#subscription;
    // A hub of before knows nothing of `presence`, and tells it.
    return {news, topics: [...topics], ...(!presence && {presence})};
  }

  #ask<Type extends 'pushed' | 'entries' | 'recalled' | 'episode' | 'states' | 'stats' | 'ok' | 'agents' | 'document'>(
    type: Type,
    request: Parameters<HubLink['ask']>[1],
  ): Promise<HubAnswer<Type>> {
    const link = this.#link;
    if (link === null || !this.isConnected) return Promise.reject(this.#standing.failure ?? this.#notConnected());
    return link.ask(type, request);
  }

  #notConnected(): HubError {
    const why = this.#lastError === null ? '' : `: ${this.#lastError.message}`;
    return new HubError('not-connected', `There is no connection to the hub at ${this.#url}${why}`);
  }

  /** Up to the welcome, so that a hub that refuses us is tried with growing pauses like one that is not there. */
  async #connect(signal: AbortSignal): Promise<Result<HubClientSocket, ConnectFailure>> {
    let link: HubLink | null = null;
    try {
      const token = await this.#readToken();
      const tls = readCertificates(this.#options);
      const opened = await connectHubSocket({url: this.#url, tls, liveness: LIVENESS, signal});
      if (!opened.ok) {
        this.#lastError = this.#errorOf(opened.failure);
        return opened;
      }
      const answerMs = this.#options.answerMs ?? ANSWER_MS;
      link = new HubLink(opened.value, {alarms: this.#alarms, answerMs, notice: notice => this.#onNotice(notice)});
      const cut = () => opened.value.terminate();
      signal.addEventListener('abort', cut, {once: true});
      const welcome = await this.#greet(link, token).finally(() => signal.removeEventListener('abort', cut));
      this.#up(link, welcome);
      return opened;
    } catch (error) {
      link?.socket.terminate();
      // What the hub said last says more than that it hung up.
      this.#lastError = link?.lastWord ?? hubErrorOf(error);
      return fail({kind: 'refused', status: 0, detail: this.#lastError.message});
    }
  }

  #readToken(): Promise<string> {
    const {token} = this.#options;
    return readToken(token, {who: this.#options, alarms: this.#alarms, signal: this.#closing.signal});
  }

  /** Before anything that is signed goes over the line, the hub knows by what key. Who only reads, signs nothing. */
  async #greet(link: HubLink, token: string): Promise<HubAnswer<'welcome'>> {
    const welcome = await this.#hello(link, token);
    const {signingKey: signer} = this.#options;
    if (signer === undefined || welcome.role === 'reader') return welcome;
    const signature = signer.endorse({tenantId: welcome.tenantId, agentId: welcome.agentId});
    await link.ask('ok', {type: 'key', agentId: null, publicKey: signer.publicKey, signature});
    return welcome;
  }

  async #hello(link: HubLink, token: string): Promise<HubAnswer<'welcome'>> {
    const {agentId, tenantId, sessionId} = this.#options;
    const presence = this.#presence && {...this.#presence, skills: [...this.#presence.skills]};
    const subscription = this.#subscribed;
    const hello = {type: 'hello', versions: [HUB_PROTOCOL], token, sessionId, presence, subscription} as const;
    const welcome = await link.ask('welcome', {...hello, versions: [...hello.versions]});
    if (welcome.agentId === agentId && welcome.tenantId === tenantId) return welcome;
    const [is, asked] = [`${welcome.agentId} of tenant ${welcome.tenantId}`, `${agentId} of tenant ${tenantId}`];
    throw new HubError(
      'forbidden',
      `The token is of agent ${is}, not of ${asked}: give the token of this one, or its names`,
    );
  }

  #up(link: HubLink, {expiresAtMs, ...said}: HubAnswer<'welcome'>): void {
    if (this.#closing.signal.aborted) return;
    this.#link = link;
    this.#lastError = null;
    // A token that was given once cannot be made to last.
    if (typeof this.#options.token !== 'string') {
      this.#refresh.begin(expiresAtMs - Date.now(), token => link.ask('ok', {type: 'refresh', token}));
    }
    const {agentId, tenantId, role, epoch, head, log, syncIntervalMs, recall} = said;
    const welcome = {agentId, tenantId, role, epoch, head, log, syncIntervalMs, recall};
    this.#standing.up(welcome);
    this.#listeners.tell({kind: 'up', welcome});
  }

  #onDown(down: Down): 'again' | 'stop' {
    this.#refresh.stop();
    const link = this.#link;
    if (down.kind === 'closed') {
      const detail = down.closed.detail === '' ? `code ${down.closed.code}` : down.closed.detail;
      const ended = new HubError('not-connected', `The connection to the hub ended (${detail})`);
      this.#lastError = link?.lastWord ?? ended;
      this.#link = null;
      this.#standing.down();
    }
    const error = this.#lastError ?? new HubError('unreachable', `The hub at ${this.#url} cannot be reached`);
    if (this.#isFinal(error, down)) {
      this.#giveUp(error);
      this.#listeners.tell({kind: 'given-up', error});
      return 'stop';
    }
    this.#listeners.tell({kind: 'down', error});
    return 'again';
  }

  /** A token that is given once does not become a better one; one that was got just now and is refused, neither. */
  #isFinal({code}: HubError, down: Down): boolean {
    switch (code) {
      case 'replaced':
      case 'forbidden':
      case 'unsupported-version':
      case 'bad-option':
        return true;
      case 'token-invalid':
      case 'token-revoked':
      case 'token-expired':
        return typeof this.#options.token === 'string' || down.kind === 'not-connected';
      default:
        return false;
    }
  }

  #giveUp(error: HubError): void {
    this.#refresh.stop();
    this.#link = null;
    this.#standing.end(error);
    this.#closing.abort(error);
  }

  #onNotice(notice: HubNotice): void {
    switch (notice.type) {
      case 'news':
        return this.#listeners.tell({
          kind: 'news',
          entries: notice.entries,
          head: notice.head,
          recall: notice.recall,
        });
      case 'presence':
        return this.#listeners.tell({
          kind: 'presence',
          joined: notice.joined,
          changed: notice.changed,
          left: notice.left,
        });
      case 'message':
        return this.#listeners.tell({kind: 'message', message: notice.message});
      case 'error':
        return this.#listeners.tell({kind: 'warning', error: errorOf(notice)});
      case 'document':
        return this.#listeners.tell({
          kind: 'document',
          document: notice.document,
          update: bytesOf(notice.update),
        });
      default:
        return never(notice);
    }
  }

  #errorOf(failure: ConnectFailure): HubError {
    switch (failure.kind) {
      case 'no-listener':
        return new HubError('unreachable', `Nobody answers at ${this.#url} (${failure.code}: ${failure.detail})`);
      case 'refused': {
        const detail = failure.detail.slice(0, 300);
        if (failure.status === 503) return new HubError('unavailable', `The hub at ${this.#url} is busy: ${detail}`);
        return new HubError('unreachable', `What answers at ${this.#url} is no hub (${failure.status} ${detail})`);
      }
      case 'aborted':
        return new HubError('ended', 'The connection to the hub was closed');
      default:
        return never(failure);
    }
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

function bytesOf(text: string | null): Uint8Array | null {
  return text === null ? null : Buffer.from(text, 'base64');
}
