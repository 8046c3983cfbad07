import {randomUUID} from 'node:crypto';
import {readClock} from '../../base/clock.ts';
import type {HubReplica} from '../../hub/client/hub-replica.ts';
import type {CacheUser, EpisodeCache} from '../../hub/client/store/episode-cache.ts';
import type {LogItem, Memory} from '../../model/episode.ts';
import {failureOf} from '../../model/failure.ts';
import type {Log} from '../log.ts';
import type {AttemptMemory, Bearing, Lesson, Recall, Use} from './attempt-memory.ts';
import {joinMemories} from './join-memories.ts';
import type {HubLine, HubTrouble} from './hub-line.ts';
import {nameBeneath} from './name-beneath.ts';
import type {HubSource} from './hub-source.ts';
import {UseTally} from './use-tally.ts';

export interface CachedMemoryOptions {
  /** The database, or `:memory:`. */
  readonly file: string;
  /** Whose memory it is. */
  readonly tenantId: string;
  /** The hub it is shared with; null: with none. */
  readonly source: HubSource | null;
  readonly log: Log;
  /** How long after it was opened for attempts it begins to look for its hub, in milliseconds: they start first. */
  readonly hubDelayMs?: number;
  /** How long after it could not be opened that is tried again, in milliseconds. */
  readonly openAgainMs?: number;
}

/** The memory of the project, for whoever looks at it or changes it by hand. */
export interface OpenMemory {
  readonly cache: EpisodeCache;
  readonly user: CacheUser;
  /** The connection to the hub, which may be down; null: there is none. */
  readonly hub: HubReplica | null;
  /** Whether it goes to a hub, found or not. */
  readonly hasHub: boolean;
  /** Why it cannot be had; null: nothing is known to speak against it. */
  readonly hubTrouble: string | null;
  readonly file: string;
  /** How somebody of this project is called in it. */
  readonly nameOf: (agent: string) => string;
  /** Keeps an item, and sends it to the hub if there is one. Throws a HubError as `EpisodeCache.add` does. */
  readonly keep: (item: LogItem) => void;
}

interface Parts {
  readonly cache: EpisodeCache;
  readonly user: CacheUser;
  readonly line: HubLine | null;
}

type Make = (cache: EpisodeCache, speaker: string) => LogItem;

/** What waits to be written, in its order. */
interface Lane {
  readonly waiting: Make[];
  writing: Promise<void> | undefined;
}

/** What waits to be written; beyond it, lessons are lost. */
const MAX_WAITING = 10_000;
/** What is written in one turn of the event loop: each takes some tens of microseconds. */
const AT_ONCE = 10;
const HUB_DELAY_MS = 2000;
const OPEN_AGAIN_MS = 30_000;
/** Of the time that is left, so much is the hub's, which then has shown that it is too slow for this and for what comes soon. */
const HUB_SHARE = 0.6;
const SLOW_MS = 2000;
/** How long somebody who asks for a hub waits for the connection, in milliseconds. */
const REACH_MS = 2000;

/**
 * The memory of a project in the cache of the hub's client, a file of its own: it works without a hub, and what is kept in it goes to
 * one when there is one. Opened when it is first used. Searches and writes take turns with everything else that the daemon does.
 */
export class CachedMemory implements AttemptMemory {
  readonly #options: CachedMemoryOptions;
  readonly #lessons: Lane = {waiting: [], writing: undefined};
  /** No attempt waits for these. */
  readonly #uses: Lane = {waiting: [], writing: undefined};
  readonly #tally = new UseTally((episode, count) => this.#used(episode, count));
  #opening: Promise<Parts | null> | undefined;
  #line: HubLine | null = null;
  #turns: Promise<void> = Promise.resolve();
  #lookingForHub: NodeJS.Timeout | undefined;
  #hubSlowUntilMs = Number.NEGATIVE_INFINITY;
  /** When opening it is tried again, after it failed. */
  #openAgainMs = Number.POSITIVE_INFINITY;
  #isUnusable = false;
  #isFull = false;
  #isClosed = false;

  constructor(options: CachedMemoryOptions) {
    this.#options = options;
  }

  prepare(): void {
    if (this.#isClosed) return;
    void this.#open();
    const {source, hubDelayMs = HUB_DELAY_MS} = this.#options;
    if (source !== null) this.#lookingForHub ??= setTimeout(() => void this.#lookForHub(), hubDelayMs).unref();
  }

  async recall({query, k, deadlineMs}: Recall): Promise<readonly Memory[]> {
    const untilMs = readClock().monoMs + deadlineMs;
    const parts = await this.#open();
    await this.#turn();
    // What the same tick has told comes first.
    await this.#lessons.writing;
    if (!parts?.cache.isOpen || readClock().monoMs > untilMs) return [];
    const {cache, line} = parts;
    const here = cache.search(query, k);
    const there = line?.hub?.isConnected() ? await this.#ask(line.hub, {query, k, untilMs}) : null;
    // What the hub has, it judges by more than we can.
    return there === null
      ? here
      : joinMemories(
          there,
          here.filter(({episode}) => cache.isLocal(episode.id)),
          k,
        );
  }

  remember(lesson: Lesson): void {
    this.#keep(this.#lessons, (cache, speaker) => {
      const agentId = nameBeneath(speaker, lesson.agentId);
      return {kind: 'episode', episode: {...lesson, agentId, at: cache.stamp(), expiresAtMs: null, signature: null}};
    });
  }

  confirm(bearing: Bearing): void {
    this.#keep(this.#lessons, (cache, speaker) => {
      const by = nameBeneath(speaker, bearing.by);
      return {kind: 'change', change: {...bearing, by, kind: 'confirm', at: cache.stamp()}};
    });
  }

  use(use: Use): void {
    if (!this.#isClosed) this.#tally.add(use);
  }

  /** Opens it if it is not, and begins to look for its hub; null: it cannot be opened, or is closed. */
  async opened(): Promise<OpenMemory | null> {
    if (this.#isClosed) return null;
    const parts = await this.#open();
    if (parts === null) return null;
    void this.#lookForHub();
    return {
      cache: parts.cache,
      user: parts.user,
      hub: parts.line?.hub ?? null,
      hasHub: parts.line !== null,
      hubTrouble: parts.line?.trouble?.text ?? null,
      file: this.#options.file,
      nameOf: agent => nameBeneath(this.speaker, agent),
      keep: item => this.#add(parts, item),
    };
  }

  /** As whom it is known at its hub; '': it has none. */
  get speaker(): string {
    return this.#options.source?.agentId ?? '';
  }

  /** Why its hub cannot be had at present; null: nothing is known to speak against it, or it has none. */
  get hubTrouble(): HubTrouble | null {
    const expiresAtMs = this.#options.source?.expiresAtMs() ?? null;
    if (expiresAtMs !== null && expiresAtMs <= Date.now())
      return {text: 'The token has expired.', isToken: true, sinceMs: expiresAtMs};
    return this.#line?.trouble ?? null;
  }

  /** As `opened`, once its hub is connected or was waited for: for somebody who asks for that hub. */
  async reached(): Promise<OpenMemory | null> {
    await this.#lookForHub();
    await (await this.#opening)?.line?.reach(REACH_MS);
    return this.opened();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#tally.flush();
    this.#isClosed = true;
    clearTimeout(this.#lookingForHub);
    await Promise.all([this.#lessons.writing, this.#uses.writing]);
    const parts = await this.#opening;
    await parts?.line?.close();
    parts?.cache.close();
  }

  async #lookForHub(): Promise<void> {
    clearTimeout(this.#lookingForHub);
    const parts = await this.#open();
    if (!this.#isClosed) parts?.line?.open();
  }

  /** Null: it did not answer in time, or cannot. */
  async #ask(
    hub: HubReplica,
    {query, k, untilMs}: {readonly query: string; readonly k: number; readonly untilMs: number},
  ): Promise<readonly Memory[] | null> {
    const nowMs = readClock().monoMs;
    if (nowMs < this.#hubSlowUntilMs) return null;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<null>(resolve => {
      timer = setTimeout(resolve, Math.max(0, untilMs - nowMs) * HUB_SHARE, null);
    });
    try {
      const found = await Promise.race([hub.db.queryMemories(query, k, {from: 'hub'}), late]);
      if (found === null) this.#hubSlowUntilMs = readClock().monoMs + SLOW_MS;
      return found;
    } catch {
      // It is away, or does not search: what is here is what there is.
      return null;
    } finally {
      clearTimeout(timer);
    }
  }

  #used(episode: string, count: number): void {
    const id = randomUUID();
    this.#keep(this.#uses, (cache, speaker) => {
      const by = speaker === '' ? DAEMON : speaker;
      return {kind: 'change', change: {id, episode, by, at: cache.stamp(), kind: 'use', count}};
    });
  }

  #keep(lane: Lane, make: Make): void {
    if (this.#isClosed) return;
    if (lane.waiting.length >= MAX_WAITING) return this.#lost({waiting: MAX_WAITING}, 'too many lessons wait');
    lane.waiting.push(make);
    lane.writing ??= this.#write(lane).finally(() => {
      lane.writing = undefined;
    });
  }

  async #write({waiting}: Lane): Promise<void> {
    const parts = await this.#open();
    while (waiting.length > 0) {
      // Whoever closes it waits for this: then nothing else is to be done.
      if (!this.#isClosed) await this.#turn();
      for (const make of waiting.splice(0, AT_ONCE)) if (parts) this.#tryToAdd(parts, make(parts.cache, this.speaker));
    }
  }

  #tryToAdd(parts: Parts, item: LogItem): void {
    try {
      this.#add(parts, item);
      this.#isFull = false;
    } catch (error) {
      this.#lost({error: failureOf(error)}, 'a lesson could not be kept');
    }
  }

  #add({cache, user, line}: Parts, item: LogItem): void {
    if (item.kind === 'episode' && cache.get(item.episode.id) !== null) return;
    // Told twice, and still on its way.
    if (item.kind === 'change' && cache.isPending(item.change.id)) return;
    if (line === null) return cache.keep(item);
    cache.add(user, item);
    line.pushSoon();
  }

  /** Said once, until something can be kept again. */
  #lost(facts: object, what: string): void {
    if (!this.#isFull) this.#options.log.warn(facts, `${what}: what attempts learn is lost for now`);
    this.#isFull = true;
  }

  /** Loaded when it is needed: a killed daemon is back sooner. */
  #open(): Promise<Parts | null> {
    if (this.#opening === undefined || readClock().monoMs > this.#openAgainMs) {
      this.#openAgainMs = Number.POSITIVE_INFINITY;
      this.#opening = this.#load().catch((error: unknown) => {
        const {file, log, openAgainMs = OPEN_AGAIN_MS} = this.#options;
        if (!this.#isUnusable) log.error({file, error: failureOf(error)}, 'the memory cannot be opened');
        this.#isUnusable = true;
        // A full disk, or somebody else who has it open, passes.
        this.#openAgainMs = readClock().monoMs + openAgainMs;
        return null;
      });
    }
    return this.#opening;
  }

  async #load(): Promise<Parts> {
    const {file, tenantId, source, log} = this.#options;
    const {openCache} = await import('../../hub/client/store/open-cache.ts');
    const cache = openCache({memoryPath: file, tenantId});
    const user = cache.join();
    this.#isUnusable = false;
    if (source === null) return {cache, user, line: null};
    // Such as what was learned before there was a hub.
    cache.takeOver(user);
    const {HubLine} = await import('./hub-line.ts');
    this.#line = new HubLine({source, tenantId, cache, user, log});
    return {cache, user, line: this.#line};
  }

  /** Resolves in a turn of the event loop that nobody else has. */
  #turn(): Promise<void> {
    this.#turns = this.#turns.then(() => new Promise(resolve => setImmediate(resolve)));
    return this.#turns;
  }
}

/** Who counts uses where there is no hub to say as whom. */
const DAEMON = 'godel';
