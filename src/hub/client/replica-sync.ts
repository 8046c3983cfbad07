import {sleep} from '../../base/clock.ts';
import type {LogItem} from '../../model/episode.ts';
import type {HubRole} from '../../model/hub.ts';
import {speaksFor} from '../security/delegation.ts';
import {MAX_PULL_ENTRIES, MAX_PUSH_ITEMS, type PushResult} from '../../wire/hub-protocol.ts';
import type {Signer} from '../security/signer.ts';
import type {Alarms} from './alarms.ts';
import {Coalescing} from './coalescing.ts';
import type {HubAdapter, HubAdapterEvent, HubMember, HubWelcome} from './hub-adapter.ts';
import {HubError, hubErrorOf, isPassing} from './hub-error.ts';
import type {CacheUser, EpisodeCache, Refusal, Settled} from './store/episode-cache.ts';
import {within} from './within.ts';

/** Bytes of items in one push; frames may have four times as many. */
const PUSH_BYTES = 2 ** 20;
const SYNC_MS = 30_000;
const RETRY_MS = 100;
const MAX_RETRY_MS = 5000;
/** What the hub takes later is not pushed again for so long; its clock, too, may be set right. */
const MAX_HELD_MS = 60_000;

/** What one sync has done. */
export interface SyncReport {
  readonly pushed: number;
  readonly pulled: number;
  /** What the hub does not take, by id, with its code. */
  readonly refused: readonly {readonly id: string; readonly code: string; readonly message: string}[];
}

export interface SyncStats extends SyncReport {
  readonly connected: boolean;
  readonly syncs: number;
  readonly failedSyncs: number;
  /** Connections that have been made. */
  readonly connections: number;
  readonly pending: number;
  readonly episodes: number;
  /** Episodes that are sealed with a key that is not here: kept, and not shown. */
  readonly sealed: number;
  /** The last position of the hub's log up to which everything was seen. */
  readonly position: number;
  /** Wall time of the last sync that succeeded, Unix epoch in milliseconds; null: none has. */
  readonly lastSyncAtMs: number | null;
  /** How long it took; null: there was none. */
  readonly lastSyncMs: number | null;
  /** What went wrong last, also in the background; null: nothing since the last sync that succeeded. */
  readonly lastError: {readonly code: string; readonly message: string} | null;
}

/** As many of the last refusals are told by the stats. */
const MAX_REFUSALS = 100;

/** What the hub takes later, such as what was stamped by a clock that is ahead. */
interface Held {
  /** Everything that waits up to this place in the cache; it is not pushed again before `untilMs`. */
  readonly upTo: number;
  readonly untilMs: number;
  readonly error: HubError;
}

/** One agent's share of a cache, kept in step with a hub: pushes what the agent has stored, pulls what is new, takes in the news. */
export class ReplicaSync {
  readonly #cache: EpisodeCache;
  readonly #user: CacheUser;
  readonly #who: Pick<HubMember, 'agentId' | 'tenantId'>;
  readonly #signer: Signer | null;
  readonly #alarms: Alarms;
  readonly #ownsLog: boolean;
  readonly #syncing = new Coalescing<SyncReport>();
  #adapter: HubAdapter | null = null;
  #unlisten: () => void = () => undefined;
  #stats = {pushed: 0, pulled: 0, syncs: 0, failedSyncs: 0, connections: 0};
  #refused: SyncReport['refused'] = [];
  #last: {readonly atMs: number; readonly tookMs: number} | null = null;
  #lastError: HubError | null = null;
  #held: Held | null = null;

  constructor(given: {
    cache: EpisodeCache;
    user: CacheUser;
    who: Pick<HubMember, 'agentId' | 'tenantId'>;
    signer: Signer | null;
    alarms: Alarms;
    ownsLog?: boolean | undefined;
  }) {
    this.#cache = given.cache;
    this.#user = given.user;
    this.#who = given.who;
    this.#signer = given.signer;
    this.#alarms = given.alarms;
    this.#ownsLog = given.ownsLog ?? false;
  }

  get stats(): SyncStats {
    const {episodes, sealed, position} = this.#cache.counts;
    return {
      ...this.#stats,
      connected: this.#adapter?.isConnected ?? false,
      pending: this.#cache.isOpen ? this.#cache.pendingOf(this.#user) : 0,
      episodes,
      sealed,
      position,
      refused: this.#refused,
      lastSyncAtMs: this.#last?.atMs ?? null,
      lastSyncMs: this.#last?.tookMs ?? null,
      lastError: this.#lastError && {code: this.#lastError.code, message: this.#lastError.message},
    };
  }

  /** Follows this adapter from now on, and syncs by itself whenever it comes up. */
  attach(adapter: HubAdapter): void {
    this.detach();
    this.#adapter = adapter;
    this.#unlisten = adapter.listen(event => this.#onEvent(adapter, event));
    if (adapter.welcome !== null) this.#onUp(adapter.welcome);
  }

  detach(): void {
    this.#unlisten();
    this.#adapter = null;
  }

  /**
   * Resolves when what was stored before is durable at the hub and what the hub had is here. Waits for the connection and tries again what
   * passes by itself; rejects with a HubError after `deadlineMs`, and at once when trying again would not help. What the hub takes only later
   * keeps neither the rest nor what is new from coming through, but it rejects then, too.
   */
  async sync({
    deadlineMs = SYNC_MS,
    signal,
  }: {
    deadlineMs?: number;
    signal?: AbortSignal | undefined;
  } = {}): Promise<SyncReport> {
    const untilMs = this.#alarms.nowMs() + deadlineMs;
    for (let tries = 1; ; tries += 1) {
      this.#held = null;
      try {
        const adapter = this.#expectAdapter();
        await adapter.connect({deadlineMs: Math.max(0, untilMs - this.#alarms.nowMs()), signal});
        const syncing = this.#syncing.call(() => this.#run(adapter));
        return await within(syncing, {
          ms: Math.max(0, untilMs - this.#alarms.nowMs()),
          alarms: this.#alarms,
          signal,
          why: () => new HubError('timed-out', `The hub did not take everything within ${deadlineMs} ms`),
        });
      } catch (error) {
        if (signal?.aborted) throw error;
        const failure = this.#failed(error);
        const pauseMs = failure.retryAfterMs ?? Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** Math.min(tries, 10));
        if (!isPassing(failure) || untilMs - this.#alarms.nowMs() <= pauseMs) throw failure;
        await sleep(pauseMs, {signal});
      }
    }
  }

  /** One try, whose failure is only noted. Does nothing while there is no connection. */
  async syncQuietly(): Promise<void> {
    const adapter = this.#adapter;
    if (!adapter?.isConnected || !this.#cache.isOpen) return;
    try {
      await this.#syncing.call(() => this.#run(adapter));
    } catch (error) {
      this.#failed(error);
    }
  }

  #expectAdapter(): HubAdapter {
    if (this.#adapter !== null) return this.#adapter;
    throw new HubError('ended', 'There is no hub to sync with: connect to one first');
  }

  #failed(error: unknown): HubError {
    const failure = hubErrorOf(error);
    this.#stats.failedSyncs += 1;
    this.#lastError = failure;
    return failure;
  }

  #onEvent(adapter: HubAdapter, event: HubAdapterEvent): void {
    if (adapter !== this.#adapter || !this.#cache.isOpen) return;
    switch (event.kind) {
      case 'up':
        return this.#onUp(event.welcome);
      case 'down':
      case 'given-up':
      case 'warning':
        this.#lastError = event.error;
        return;
      case 'news':
        return this.#onNews(event);
      case 'presence':
      case 'message':
      case 'document':
        return;
    }
  }

  #onNews({entries, head, recall}: Extract<HubAdapterEvent, {kind: 'news'}>): void {
    if (recall !== undefined) this.#guard(() => this.#cache.obey(recall));
    // What was not taken is pulled by the next sync.
    this.#guard(() => {
      const before = this.#cache.position;
      const isWhole = this.#cache.applyNews(entries, head);
      this.#stats.pulled += this.#cache.position - before;
      if (!isWhole) void this.syncQuietly();
    });
  }

  /** For what nobody waits for, and what may go wrong, such as a full disk. */
  #guard(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#failed(error);
    }
  }

  #onUp({head, log, recall}: HubWelcome): void {
    this.#stats.connections += 1;
    if (log !== undefined) this.#guard(() => this.#cache.follow(log, this.#ownsLog ? this.#user : null));
    if (recall !== undefined) this.#guard(() => this.#cache.obey(recall));
    const {position, limits} = this.#cache;
    // A new cache begins with as much as it can hold: what is older would be forgotten again at once.
    if (position === 0 && head > limits.episodes) {
      this.#guard(() => this.#cache.startAfter(head - limits.episodes));
    }
    void this.syncQuietly();
  }

  async #run(adapter: HubAdapter): Promise<SyncReport> {
    const startedMs = this.#alarms.nowMs();
    const {pushed, refused} = await this.#push(adapter);
    const pulled = await this.#cache.pulls.call(() => this.#pull(adapter));
    if (this.#held !== null) throw this.#held.error;
    this.#stats.syncs += 1;
    this.#last = {atMs: Date.now(), tookMs: this.#alarms.nowMs() - startedMs};
    this.#lastError = null;
    return {pushed, pulled, refused};
  }

  async #push(adapter: HubAdapter): Promise<Pick<SyncReport, 'pushed' | 'refused'>> {
    // Only the hub says whom we may speak for; what goes in another name now goes in it for good.
    const role = adapter.welcome?.role;
    if (role === undefined) throw new HubError('not-connected', 'The connection to the hub ended');
    const refused: SyncReport['refused'][number][] = [];
    let pushed = 0;
    if (this.#held !== null && this.#held.untilMs <= this.#alarms.nowMs()) this.#held = null;
    // What was stored before this sync began, and not what is stored meanwhile, or a busy agent would never be done.
    let left = this.#cache.pendingOf(this.#user);
    while (left > 0) {
      const items = this.#cache.pending(this.#user, Math.min(MAX_PUSH_ITEMS, left), PUSH_BYTES, this.#held?.upTo);
      if (items.length === 0) break;
      const results = await this.#pushAll(
        adapter,
        items.map(item => this.#own(item, role)),
      );
      const settled = this.#cache.settle(results);
      pushed += settled.taken;
      this.#stats.pushed += settled.taken;
      refused.push(...settled.refused);
      this.#refused = [...this.#refused, ...settled.refused].slice(-MAX_REFUSALS);
      left -= items.length;
      this.#hold(settled.held);
      if (settled.stopped !== null) throw told(settled.stopped);
      if (results.length < items.length)
        throw new HubError('internal', 'The hub answered fewer items than it was given');
    }
    return {pushed, refused};
  }

  #hold(held: Settled['held']): void {
    for (const refusal of held) {
      const {untilMs = Number.POSITIVE_INFINITY, error = told(refusal)} = this.#held ?? {};
      const pauseMs = Math.min(MAX_HELD_MS, refusal.retryAfterMs ?? MAX_HELD_MS);
      this.#held = {upTo: refusal.key, untilMs: Math.min(untilMs, this.#alarms.nowMs() + pauseMs), error};
    }
  }

  /** One item that the hub cannot read does not keep the others from it. */
  async #pushAll(adapter: HubAdapter, items: readonly LogItem[]): Promise<readonly PushResult[]> {
    try {
      return await adapter.push(items);
    } catch (error) {
      const failure = hubErrorOf(error);
      const {code} = failure;
      if (code !== 'bad-frame' && code !== 'too-large') throw failure;
      const [item] = items;
      if (items.length === 1 && item !== undefined) return [{id: idOf(item), code, message: failure.message}];
      const middle = Math.ceil(items.length / 2);
      const first = await this.#pushAll(adapter, items.slice(0, middle));
      return [...first, ...(await this.#pushAll(adapter, items.slice(middle)))];
    }
  }

  /**
   * What an agent that is gone has left here goes to the hub in the name of who found it, unless that one may speak for it. What is
   * not signed yet is signed, if there is something to sign with.
   */
  #own(item: LogItem, role: HubRole): LogItem {
    const {agentId} = this.#who;
    const name = item.kind === 'episode' ? item.episode.agentId : item.change.by;
    if (!speaksFor({agentId, role}, name)) return this.#cache.rewrite(this.#signed(renamed(item, agentId)));
    if (item.kind === 'change' || item.episode.signature !== null || this.#signer === null) return item;
    return this.#cache.rewrite(this.#signed(item));
  }

  #signed(item: LogItem): LogItem {
    if (item.kind === 'change' || this.#signer === null) return item;
    return {kind: 'episode', episode: this.#signer.sign(item.episode, this.#who.tenantId)};
  }

  async #pull(adapter: HubAdapter): Promise<number> {
    let pulled = 0;
    for (;;) {
      const since = this.#cache.position;
      const page = await adapter.pull(since, MAX_PULL_ENTRIES);
      if (page.recall !== undefined) this.#cache.obey(page.recall);
      if (page.head < since) {
        // Asked for here and not of the welcome, behind which others who share the cache may have moved on.
        this.#cache.restart();
        continue;
      }
      this.#cache.applyPage(page.entries);
      pulled += page.entries.length;
      this.#stats.pulled += page.entries.length;
      if (!page.more || page.entries.length === 0) return pulled;
    }
  }
}

function renamed(item: LogItem, agentId: string): LogItem {
  if (item.kind === 'change') return {kind: 'change', change: {...item.change, by: agentId}};
  return {kind: 'episode', episode: {...item.episode, agentId, signature: null}};
}

function idOf(item: LogItem): string {
  return item.kind === 'episode' ? item.episode.id : item.change.id;
}

function told({code, message, retryAfterMs}: Refusal): HubError {
  return new HubError(code, `The hub: ${message}`, {retryAfterMs: retryAfterMs ?? null});
}
