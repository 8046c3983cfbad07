import type {Memory} from '../../model/episode.ts';
import type {PresenceNote} from '../../model/hub.ts';
import type {Signer} from '../security/signer.ts';
import {AgentMemory, type EpisodeInput, type MemoryDb, type QueryOptions} from './agent-memory.ts';
import {type Alarms, PROCESS_ALARMS} from './alarms.ts';
import {type EndToEndOptions, tenantSeal} from './end-to-end.ts';
import {FederationHub} from './federation-hub.ts';
import type {HubAdapterSource, WaitOptions} from './hub-replica.ts';
import type {EndpointOptions} from './hub-endpoint.ts';
import type {HubDocument} from './hub-document.ts';
import {badOption, HubError, hubErrorOf} from './hub-error.ts';
import type {HubToken} from './hub-token.ts';
import {nameAgent} from './name-agent.ts';
import type {SyncReport, SyncStats} from './replica-sync.ts';
import type {CacheUser, EpisodeCache} from './store/episode-cache.ts';
import {LEAST_SYNC_MS, SyncPlan} from './sync-plan.ts';
import {openCache, type OpenCacheOptions} from './store/open-cache.ts';

export interface EphemeralAgentOptions extends EndpointOptions, OpenCacheOptions {
  /** Without it: the one its JSON Web Token names, for which a function is asked once, or a new one. */
  readonly agentId?: string;
  /** Seconds until it ends by itself. */
  readonly lifetime?: number;
  /** `wss://host:port` or `ws://host:port`; without it, and without a hubAdapter, the agent keeps to itself. */
  readonly hubEndpoint?: string;
  readonly token?: HubToken;
  readonly hubAdapter?: HubAdapterSource;
  /** Milliseconds between two syncs; without it, what the hub says, and 5000 where it says nothing. */
  readonly syncInterval?: number;
  /** Milliseconds the last sync may take when it ends. */
  readonly finalSyncMs?: number;
  readonly sessionId?: string | null;
  readonly presence?: PresenceNote | null;
  /** As `FederationHubOptions.signingKey`. */
  readonly signingKey?: Signer | undefined;
  /** Whether what others store is told at once, not only with the next sync. */
  readonly news?: boolean;
  /** Shared with others of the same tenant in this process; instead of `memoryPath`. */
  readonly cache?: EpisodeCache;
  /** As of `FederationHub`: what episodes say is sealed before it leaves this process. */
  readonly endToEnd?: EndToEndOptions;
  /** Ends it when aborted. */
  readonly signal?: AbortSignal;
  readonly alarms?: Alarms;
}

export interface AgentContext {
  readonly agentId: string;
  readonly tenantId: string;
  /** Unix epoch, milliseconds. */
  readonly expiresAt: number;
  /** Aborted when the agent ends. */
  readonly signal: AbortSignal;
}

export interface AgentInfo {
  readonly agentId: string;
  readonly tenantId: string;
  /** Unix epoch, milliseconds. */
  readonly spawnedAt: number;
  readonly expiresAt: number;
  readonly alive: boolean;
  /** Why it ended; null: it has not. */
  readonly endedBy: EndReason | null;
  /** Null: it has no hub. */
  readonly sync: SyncStats | null;
}

export type EndReason = 'destroyed' | 'expired' | 'aborted';

/** What became of what the agent had stored. */
export interface AgentEnd {
  readonly reason: EndReason;
  /** Episodes and changes that the hub has not acknowledged. With a file they wait in it for the next agent; in memory they are gone. */
  readonly unsynced: number;
  /** Why they are not synced; null: the last sync succeeded, or there is no hub. */
  readonly error: HubError | null;
}

const LIFETIME_S = 300;
const FINAL_SYNC_MS = 5000;
/** Ten years: longer is a mistake. */
const MAX_LIFETIME_S = 315_360_000;

/** An agent that lives for a while and remembers: what it stores is kept at once, and goes to the hub by itself. */
export class EphemeralAgent implements AsyncDisposable {
  readonly agentId: string;
  readonly tenantId: string;
  readonly db: MemoryDb;
  /** Its connection; null: it has no hub. */
  readonly hub: FederationHub | null;
  readonly #options: EphemeralAgentOptions;
  readonly #alarms: Alarms;
  readonly #cache: EpisodeCache;
  readonly #user: CacheUser | null;
  readonly #life = new AbortController();
  readonly #spawnedAt = Date.now();
  readonly #dueMs: number;
  readonly #cancels = new Set<() => void>();
  #endedBy: EndReason | null = null;
  #end: Promise<AgentEnd> | undefined;

  private constructor(options: EphemeralAgentOptions, agentId: string) {
    const {tenantId, lifetime = LIFETIME_S, hubEndpoint, hubAdapter, sessionId = null, alarms} = options;
    this.#options = options;
    this.#alarms = alarms ?? PROCESS_ALARMS;
    this.agentId = agentId;
    this.tenantId = tenantId;
    this.#cache = options.cache ?? openCache(options);
    if (hubEndpoint === undefined && hubAdapter === undefined) {
      this.hub = null;
      const seal = this.#orClose(() => tenantSeal(tenantId, options.endToEnd));
      const user = this.#orClose(() => this.#cache.join(seal?.fingerprints));
      const {signingKey: signer = null} = options;
      const who = {agentId, tenantId};
      this.#user = user;
      this.db = new AgentMemory({cache: this.#cache, user, who, signer, sessionId, seal, hub: () => null});
    } else {
      const endpoint = hubEndpoint === undefined ? {} : {endpoint: hubEndpoint};
      this.#user = null;
      this.hub = this.#openHub({
        ...options,
        ...endpoint,
        memoryPath: undefined,
        agentId,
        cache: this.#cache,
        news: options.news ?? false,
      });
      this.db = this.hub.db;
    }
    this.#dueMs = this.#alarms.nowMs() + lifetime * 1000;
    this.#begin(lifetime);
  }

  /**
   * Resolves when the agent is there, with its cache; it connects meanwhile. Rejects with a HubError: `bad-option`, `cache-unusable`, or
   * `ended` when the signal is aborted already.
   */
  static async spawn(options: EphemeralAgentOptions): Promise<EphemeralAgent> {
    EphemeralAgent.#check(options);
    const {agentId, ...named} = await nameAgent(options);
    if (options.signal?.aborted) throw abortedBefore();
    return new EphemeralAgent({...options, ...named}, agentId);
  }

  static #check(options: EphemeralAgentOptions): void {
    const {tenantId, lifetime = LIFETIME_S, syncInterval = LEAST_SYNC_MS, signal} = options;
    const {finalSyncMs = FINAL_SYNC_MS} = options;
    if (typeof tenantId !== 'string' || tenantId === '') throw badOption('tenantId is needed: whose memory is it?');
    if (!(lifetime > 0 && lifetime <= MAX_LIFETIME_S)) throw badOption(`lifetime is ${lifetime}: use seconds above 0`);
    if (!(syncInterval >= LEAST_SYNC_MS)) {
      throw badOption(`syncInterval is ${syncInterval}: use milliseconds from ${LEAST_SYNC_MS}`);
    }
    if (!(finalSyncMs >= 0)) throw badOption(`finalSyncMs is ${finalSyncMs}: use milliseconds from 0`);
    if (signal?.aborted) throw abortedBefore();
    if (options.cache !== undefined && options.memoryPath !== undefined) {
      throw badOption('Give a cache or a memoryPath, not both');
    }
  }

  /** Runs a task with the agent's memory. Rejects with what it throws, and with a HubError `ended` as soon as the agent ends. */
  async execute<T>(task: (db: MemoryDb, context: AgentContext) => T | Promise<T>): Promise<T> {
    const {signal} = this.#life;
    if (signal.aborted) throw this.#endedError();
    let onEnd: () => void = () => undefined;
    const ended = new Promise<never>((_, reject) => {
      onEnd = () => reject(this.#endedError());
      signal.addEventListener('abort', onEnd, {once: true});
    });
    const context: AgentContext = {agentId: this.agentId, tenantId: this.tenantId, expiresAt: this.#expiresAt, signal};
    try {
      return await Promise.race([ended, (async () => task(this.db, context))()]);
    } finally {
      signal.removeEventListener('abort', onEnd);
    }
  }

  async queryMemories(task: string, k?: number, options?: QueryOptions): Promise<readonly Memory[]> {
    this.#expectAlive();
    return this.db.queryMemories(task, k, options);
  }

  async storeEpisode(episode: EpisodeInput): Promise<string> {
    this.#expectAlive();
    return this.db.storeEpisode(episode);
  }

  /** As `FederationHub.sync`. Rejects with `bad-option` when it has no hub. */
  async sync(options: WaitOptions = {}): Promise<SyncReport> {
    this.#expectAlive();
    if (this.hub === null) throw badOption('This agent has no hub: give a hubEndpoint');
    return this.hub.sync(options);
  }

  /** As `FederationHub.document`. Throws a HubError `bad-option` when it has no hub. */
  document(name: string): HubDocument {
    this.#expectAlive();
    if (this.hub === null) throw badOption('This agent has no hub to share a document by: give a hubEndpoint');
    return this.hub.document(name);
  }

  /** Seconds, 0 when it has ended. */
  getRemainingLifetime(): number {
    return this.isAlive() ? Math.max(0, (this.#dueMs - this.#alarms.nowMs()) / 1000) : 0;
  }

  isAlive(): boolean {
    return this.#endedBy === null;
  }

  getInfo(): AgentInfo {
    return {
      agentId: this.agentId,
      tenantId: this.tenantId,
      spawnedAt: this.#spawnedAt,
      expiresAt: this.#expiresAt,
      alive: this.isAlive(),
      endedBy: this.#endedBy,
      sync: this.hub?.getSyncStats() ?? null,
    };
  }

  /** Syncs a last time, then it is gone. The first reason to end counts, and all get the same answer; it never rejects. */
  destroy(): Promise<AgentEnd> {
    return this.#endBy('destroyed');
  }

  /** Resolves when it is gone, for whatever reason. */
  whenGone(): Promise<AgentEnd> {
    if (this.#end) return this.#end;
    return new Promise(resolve => {
      this.#life.signal.addEventListener('abort', () => resolve(this.#endBy('destroyed')), {once: true});
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.destroy();
  }

  get #expiresAt(): number {
    return this.#spawnedAt + (this.#options.lifetime ?? LIFETIME_S) * 1000;
  }

  #openHub(options: ConstructorParameters<typeof FederationHub>[0]): FederationHub {
    return this.#orClose(() => new FederationHub(options));
  }

  #orClose<T>(act: () => T): T {
    try {
      return act();
    } catch (error) {
      if (this.#options.cache === undefined) this.#cache.close();
      throw error;
    }
  }

  #begin(lifetime: number): void {
    const {signal} = this.#options;
    this.#cancels.add(this.#alarms.after(lifetime * 1000, () => void this.#endBy('expired')));
    const onAbort = () => void this.#endBy('aborted');
    signal?.addEventListener('abort', onAbort, {once: true});
    this.#cancels.add(() => signal?.removeEventListener('abort', onAbort));
    if (this.hub === null) return;
    const {hub} = this;
    const own = this.#options.syncInterval;
    const plan = new SyncPlan({alarms: this.#alarms, own, sync: () => hub.syncQuietly()});
    this.#cancels.add(() => plan.stop());
    plan.begin(hub.begin());
  }

  #endBy(reason: EndReason): Promise<AgentEnd> {
    if (this.#end) return this.#end;
    this.#endedBy = reason;
    this.#end = this.#finish(reason);
    for (const cancel of this.#cancels) cancel();
    this.#cancels.clear();
    this.#life.abort(this.#endedError());
    return this.#end;
  }

  async #finish(reason: EndReason): Promise<AgentEnd> {
    const {hub} = this;
    let error: HubError | null = null;
    let unsynced = hub === null && this.#user !== null ? this.#cache.pendingOf(this.#user) : 0;
    if (hub !== null) {
      try {
        if (hub.getSyncStats().pending > 0) await hub.sync({deadlineMs: this.#options.finalSyncMs ?? FINAL_SYNC_MS});
      } catch (problem) {
        error = hubErrorOf(problem);
      }
      unsynced = hub.getSyncStats().pending;
      // A connection that cannot be closed in order is cut; there is nothing else to do about it.
      await hub.close().catch(() => undefined);
    }
    if (this.#user !== null) this.#cache.leave(this.#user);
    if (this.#options.cache === undefined) this.#cache.close();
    return {reason, unsynced, error};
  }

  #expectAlive(): void {
    if (!this.isAlive()) throw this.#endedError();
  }

  #endedError(): HubError {
    return new HubError('ended', `The agent ${this.agentId} has ended (${this.#endedBy ?? 'destroyed'})`);
  }
}

function abortedBefore(): HubError {
  return new HubError('ended', 'The signal of this agent was aborted before it began');
}
