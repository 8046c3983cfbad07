import type {Episode} from '../../model/episode.ts';
import type {PresenceNote} from '../../model/hub.ts';
import type {TenantSeal} from '../security/tenant-seal.ts';
import {AgentMemory, type MemoryDb} from './agent-memory.ts';
import type {Signer} from '../security/signer.ts';
import {type Alarms, PROCESS_ALARMS} from './alarms.ts';
import type {HubAdapter, HubMember, HubWelcome} from './hub-adapter.ts';
import {type EndToEndOptions, tenantSeal} from './end-to-end.ts';
import {type EndpointOptions, hubUrl} from './hub-endpoint.ts';
import {badOption, HubError} from './hub-error.ts';
import type {HubFollower} from './hub-follower.ts';
import type {HubToken} from './hub-token.ts';
import {ReplicaSync, type SyncReport, type SyncStats} from './replica-sync.ts';
import {sealedPresence, SealingHub} from './sealing-hub.ts';
import type {CacheUser, EpisodeCache} from './store/episode-cache.ts';
import {openCache, type OpenCacheOptions} from './store/open-cache.ts';
import {WebSocketHub} from './web-socket-hub.ts';

/** Another backend than the WebSocket hub: an adapter, which lives as long as it, or what makes one for each connection. */
export type HubAdapterSource = HubAdapter | ((who: HubMember) => HubAdapter);

export interface HubReplicaOptions extends EndpointOptions, OpenCacheOptions {
  /** `wss://host:port`, or `ws://host:port`. Not needed with a `hubAdapter`. */
  readonly endpoint?: string;
  readonly agentId: string;
  readonly token?: HubToken;
  readonly hubAdapter?: HubAdapterSource;
  readonly sessionId?: string | null;
  /** What the others see of this agent. */
  readonly presence?: PresenceNote | null;
  /** Signs what is stored, see `createSigner`; the first key of an agent that the hub learns of stays its key. */
  readonly signingKey?: Signer | undefined;
  /** Whether what others store is told at once, not only pulled by syncs. */
  readonly news?: boolean;
  /** Shared with others of the same tenant in this process, and closed by whoever opened it; instead of `memoryPath`. */
  readonly cache?: EpisodeCache;
  /**
   * Seals what episodes say (task, input, output, critique, tags), bodies of messages and what the agent says of itself before it leaves this process,
   * so that the hub never sees it; then only the cache is searched, and there are no shared documents.
   */
  readonly endToEnd?: EndToEndOptions;
  /** With `cache`: as whom it is used; without, as somebody new. Whoever joined as it also leaves as it. */
  readonly user?: CacheUser;
  /**
   * Nobody else's memory is in the hub's log: where the hub has lost it, or has an older one, what is here is pushed again. Without it, what
   * is here of a log that is no more is forgotten.
   */
  readonly ownsLog?: boolean;
  readonly alarms?: Alarms;
}

/** How long a follower may take to tell what it has, when the connection is ended, in milliseconds. */
const LAST_WORDS_MS = 2000;

export interface WaitOptions {
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * One agent's connection to a hub, with a cache of its own: what is stored is kept first and pushed later, what others store is pulled
 * from where the cache has got to. Connects again by itself until `disconnect`. Without the documents of `FederationHub`, which bring a
 * library along.
 */
export class HubReplica implements AsyncDisposable {
  readonly agentId: string;
  readonly tenantId: string;
  readonly db: MemoryDb;
  readonly #options: HubReplicaOptions;
  readonly #cache: EpisodeCache;
  readonly #user: CacheUser;
  readonly #replica: ReplicaSync;
  readonly #seal: TenantSeal | null;
  readonly #follower: HubFollower | null;
  #adapter: HubAdapter | null = null;
  #closed: Promise<void> | undefined;

  /** Opens the cache. Throws a HubError: `bad-option`, or `cache-unusable`. */
  constructor(options: HubReplicaOptions, follower: HubFollower | null = null) {
    const {agentId, tenantId, endpoint, hubAdapter, token, cache, sessionId = null} = options;
    if (agentId === '' || tenantId === '') throw badOption('agentId and tenantId are needed');
    if (hubAdapter === undefined) {
      if (endpoint === undefined)
        throw badOption('Give the endpoint of a hub, such as wss://hub.example:8080, or a hubAdapter');
      hubUrl(endpoint, options);
      if (token === undefined) throw badOption('Give a token, as text or as a function that gets one');
    }
    if (cache !== undefined && options.memoryPath !== undefined) {
      throw badOption('Give a cache or a memoryPath, not both');
    }
    this.agentId = agentId;
    this.tenantId = tenantId;
    this.#options = options;
    this.#follower = follower;
    this.#seal = tenantSeal(tenantId, options.endToEnd);
    this.#cache = cache ?? openCache(options);
    this.#user = this.#joinCache();
    const {signingKey: signer = null} = options;
    const alarms = options.alarms ?? PROCESS_ALARMS;
    const who = {agentId, tenantId};
    this.#replica = new ReplicaSync({
      cache: this.#cache,
      user: this.#user,
      who,
      signer,
      alarms,
      ownsLog: options.ownsLog,
    });
    this.db = new AgentMemory({
      cache: this.#cache,
      user: this.#user,
      who: {agentId, tenantId},
      signer,
      sessionId,
      seal: this.#seal,
      hub: () => {
        if (this.#adapter === null) return null;
        return {adapter: this.#adapter, isSynced: this.#replica.stats.lastSyncAtMs !== null};
      },
    });
  }

  /** For realtime messages over the same connection; null: not connecting. */
  get adapter(): HubAdapter | null {
    return this.#adapter;
  }

  /** Where the hub is; null: it is reached by an adapter. */
  get endpoint(): string | null {
    return this.#options.endpoint ?? null;
  }

  isConnected(): boolean {
    return this.#adapter?.isConnected ?? false;
  }

  /**
   * Resolves when the hub has welcomed us; a sync begins then by itself. Rejects with a HubError when the hub refuses us for good, and
   * after `deadlineMs` (10 s), when it goes on trying nevertheless.
   */
  async connect(options: WaitOptions = {}): Promise<HubWelcome> {
    return this.begin().connect(options);
  }

  /** Begins to connect, without waiting for it. */
  begin(): HubAdapter {
    if (this.#closed) throw new HubError('ended', 'This hub connection was closed: make a new one');
    if (this.#adapter !== null) return this.#adapter;
    const made = this.#newAdapter();
    const adapter =
      this.#seal === null ? made : new SealingHub(made, {seal: this.#seal, agentId: this.agentId, sign: this.#sign});
    this.#adapter = adapter;
    this.#replica.attach(adapter);
    this.#follower?.attach(adapter);
    // Whoever wants to know waits by `connect`; the stats say it, too.
    adapter.connect().catch(() => undefined);
    return adapter;
  }

  /**
   * Pushes what waits and pulls what is new; resolves when what was stored before is durable at the hub. Connects if it must, waits for
   * the connection, and tries again what passes by itself, for `deadlineMs` (30 s) at most.
   */
  async sync(options: WaitOptions = {}): Promise<SyncReport> {
    this.begin();
    return this.#replica.sync(options);
  }

  /** One try, if there is a connection; what goes wrong is told by the stats. */
  syncQuietly(): Promise<void> {
    return this.#replica.syncQuietly();
  }

  getSyncStats(): SyncStats {
    return this.#replica.stats;
  }

  /** Says goodbye to the hub; the cache stays usable, and `connect` connects again. */
  async disconnect(): Promise<void> {
    await this.#follower?.settle(LAST_WORDS_MS);
    const adapter = this.#adapter;
    this.#adapter = null;
    this.#replica.detach();
    this.#follower?.detach();
    await adapter?.close();
  }

  /** Disconnects, and closes the cache unless it is shared. Closing twice is the same as closing once. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Nothing can be asked of it any more. */
  protected get isClosed(): boolean {
    return this.#closed !== undefined;
  }

  protected get isSealed(): boolean {
    return this.#seal !== null;
  }

  async #close(): Promise<void> {
    try {
      await this.disconnect();
    } finally {
      this.#follower?.closeAll();
      // What waits in a cache that is closed falls to the next who opens it.
      if (this.#options.cache === undefined) this.#cache.close();
      else if (this.#options.user === undefined) this.#cache.leave(this.#user);
    }
  }

  #joinCache(): CacheUser {
    const {user, cache} = this.#options;
    const keys = this.#seal?.fingerprints ?? [];
    try {
      if (user === undefined) return this.#cache.join(keys);
      this.#cache.expectKeys(keys);
      return user;
    } catch (error) {
      if (cache === undefined) this.#cache.close();
      throw error;
    }
  }

  get #sign() {
    const {signingKey} = this.#options;
    return signingKey === undefined ? null : (episode: Episode) => signingKey.sign(episode, this.tenantId);
  }

  #newAdapter(): HubAdapter {
    const {agentId, tenantId, sessionId = null, hubAdapter, endpoint = '', token = '', news = true} = this.#options;
    const who: HubMember = {agentId, tenantId, sessionId};
    if (typeof hubAdapter === 'function') return hubAdapter(who);
    if (hubAdapter !== undefined) return hubAdapter;
    const {certPath, keyPath, caPath, allowPlaintext, presence = null, alarms, signingKey} = this.#options;
    return new WebSocketHub({
      ...who,
      endpoint,
      token,
      certPath,
      keyPath,
      caPath,
      presence: presence && this.#seal ? sealedPresence(this.#seal, presence, agentId) : presence,
      signingKey,
      allowPlaintext,
      // Whoever wants it, such as a realtime hub over this connection, asks for it.
      subscription: {news, topics: [], presence: false},
      ...(alarms && {alarms}),
    });
  }
}
