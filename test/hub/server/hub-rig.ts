import {randomUUID} from 'node:crypto';
import {WebSocket} from 'ws';
import {fail, ok} from '../../../src/base/result.ts';
import {HubServer, type HubServerOptions} from '../../../src/hub/server/hub-server.ts';
import type {HubAuth, HubEvent} from '../../../src/hub/server/hub-parts.ts';
import type {Episode} from '../../../src/model/episode.ts';
import type {HubIdentity, HubRole} from '../../../src/model/hub.ts';
import {type ClientFrame, HUB_PATH, type HubFrame} from '../../../src/wire/hub-protocol.ts';
import {until} from '../../rig/until.ts';
import {MemoryHubStore} from './memory-hub-store.ts';

/** Tokens are made up here, and say nothing by themselves. */
export class TokenDesk implements HubAuth {
  readonly #issued = new Map<string, HubIdentity>();
  readonly #revoked = new Set<string>();
  /** When set, `verify` waits for it. */
  gate: Promise<void> | null = null;

  issue(agentId: string, {tenantId = 't1', role = 'worker', lifeMs = 3_600_000}: JoinOptions = {}): string {
    const tokenId = randomUUID();
    this.#issued.set(tokenId, {agentId, tenantId, role, tokenId, expiresAtMs: Date.now() + lifeMs});
    return tokenId;
  }

  revoke(token: string): void {
    this.#revoked.add(token);
  }

  async verify(token: string) {
    await this.gate;
    const identity = this.#issued.get(token);
    if (!identity) return fail({code: 'token-invalid', message: 'nobody has issued this token'} as const);
    if (this.#revoked.has(token)) return fail({code: 'token-revoked', message: 'the token was revoked'} as const);
    if (identity.expiresAtMs <= Date.now()) return fail({code: 'token-expired', message: 'it has expired'} as const);
    return ok(identity);
  }

  recheck(identity: HubIdentity) {
    const isRevoked = this.#revoked.has(identity.tokenId);
    return isRevoked ? fail({code: 'token-revoked', message: 'the token was revoked'} as const) : ok(identity);
  }
}

export interface HubRig extends AsyncDisposable {
  readonly hub: HubServer;
  readonly store: MemoryHubStore;
  readonly desk: TokenDesk;
  readonly events: HubEvent[];
  readonly url: string;
  /** A connection that has said nothing. */
  open(options?: {headers?: Record<string, string>}): Promise<RawClient>;
  /** A connection of an agent that has been welcomed. */
  join(agentId: string, options?: JoinOptions): Promise<RawClient>;
}

export interface JoinOptions {
  readonly tenantId?: string;
  readonly role?: HubRole;
  readonly lifeMs?: number;
  readonly topics?: readonly string[];
  readonly news?: boolean;
  readonly presence?: boolean;
}

/** A hub on a port of its own, over a store in memory. */
export async function startHub(options: Partial<HubServerOptions> = {}): Promise<HubRig> {
  const store = new MemoryHubStore();
  const desk = new TokenDesk();
  const events: HubEvent[] = [];
  const clients = new Set<RawClient>();
  const hub = new HubServer({
    port: 0,
    store,
    totals: store,
    auth: desk,
    onEvent: event => events.push(event),
    ...options,
  });
  await hub.start();
  const url = `${options.tls ? 'wss' : 'ws'}://127.0.0.1:${hub.address?.port ?? 0}${HUB_PATH}`;
  const open = async () => {
    const client = new RawClient(new WebSocket(url, {perMessageDeflate: false, rejectUnauthorized: false}));
    clients.add(client);
    await client.opened;
    return client;
  };
  return {
    hub,
    store,
    desk,
    events,
    url,
    open,
    async join(agentId, {topics = [], news = true, presence, ...identity} = {}) {
      const client = await open();
      client.hello(desk.issue(agentId, identity), {news, topics, ...(presence !== undefined && {presence})});
      await client.next('welcome');
      return client;
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.webSocket.terminate();
      await hub.stop();
    },
  };
}

type Answer<Type extends HubFrame['type']> = Extract<HubFrame, {type: Type}>;

/** The other end of a hub's connection, which may say anything. */
export class RawClient {
  readonly webSocket: WebSocket;
  readonly frames: HubFrame[] = [];
  readonly opened: Promise<void>;
  closed: {readonly code: number; readonly reason: string} | null = null;
  /** Of the log, as the welcome told it. */
  head = 0;
  #nextId = 1;

  constructor(webSocket: WebSocket) {
    this.webSocket = webSocket;
    this.opened = new Promise((resolve, reject) => {
      webSocket.once('open', resolve);
      webSocket.once('error', reject);
    });
    this.opened.catch(() => undefined);
    webSocket.on('error', () => undefined);
    webSocket.on('message', data => {
      // The hub sends text frames only.
      this.frames.push(JSON.parse((data as Buffer).toString()) as HubFrame);
    });
    webSocket.on('close', (code, reason) => {
      this.closed = {code, reason: reason.toString()};
    });
  }

  raw(text: string): void {
    this.webSocket.send(text);
  }

  send(frame: ClientFrame): void {
    this.raw(JSON.stringify(frame));
  }

  hello(
    token: string,
    {news = true, topics = [], presence}: {news?: boolean; topics?: readonly string[]; presence?: boolean} = {},
  ): void {
    const subscription = {news, topics: [...topics], ...(presence !== undefined && {presence})};
    this.send({type: 'hello', id: 0, versions: [1], token, sessionId: null, presence: null, subscription});
  }

  /** Sends a request; its id. */
  request(frame: Asked): number {
    const id = this.#nextId++;
    this.raw(JSON.stringify({...frame, id}));
    return id;
  }

  /** Sends a request, and waits for whatever is answered to it. */
  async answer(frame: Asked): Promise<HubFrame> {
    const id = this.request(frame);
    const isIt = (answer: HubFrame): answer is HubFrame => 'id' in answer && answer.id === id;
    return until('an answer comes', () => this.#find(isIt, 'an answer'));
  }

  /** Sends a request, and waits for the answer with its id. */
  async ask<Type extends HubFrame['type']>(type: Type, frame: Asked): Promise<Answer<Type>> {
    const id = this.request(frame);
    return this.next(type, answer => 'id' in answer && answer.id === id);
  }

  /** Waits for a frame of this type, and takes it out of `frames`. */
  async next<Type extends HubFrame['type']>(
    type: Type,
    accepts: (frame: Answer<Type>) => boolean = () => true,
  ): Promise<Answer<Type>> {
    const isIt = (frame: HubFrame): frame is Answer<Type> => frame.type === type && accepts(frame as Answer<Type>);
    const found = await until(`a frame ${type} comes`, () => this.#find(isIt, type));
    this.frames.splice(this.frames.indexOf(found), 1);
    return found;
  }

  async end(): Promise<{readonly code: number; readonly reason: string}> {
    return until('the connection is closed', () => this.closed);
  }

  /** Null as long as it may still come. */
  #find<Found extends HubFrame>(isIt: (frame: HubFrame) => frame is Found, what: string): Found | null {
    const found = this.frames.find(isIt);
    if (found !== undefined) return found;
    if (this.closed !== null)
      throw new Error(`the connection was closed before ${what} came; there are ${this.#seen()}`);
    return null;
  }

  #seen(): string {
    return JSON.stringify(this.frames).slice(0, 300);
  }
}

type WithoutId<Frame> = Frame extends {id: number} ? Omit<Frame, 'id'> : never;
type Asked = WithoutId<ClientFrame>;

export function episode(agentId: string, fields: Partial<Episode> = {}): Episode {
  return {
    id: randomUUID(),
    agentId,
    sessionId: null,
    task: 'make the tests pass',
    input: 'red',
    output: 'green',
    critique: null,
    reward: 1,
    success: true,
    tags: ['tests'],
    at: '0',
    expiresAtMs: null,
    signature: null,
    ...fields,
  };
}

export function pushOf(...episodes: readonly Episode[]): Asked {
  return {
    type: 'push',
    items: episodes.map(({tags, ...rest}) => ({kind: 'episode', episode: {...rest, tags: [...tags]}})),
  };
}
