import {readClock} from '../../base/clock.ts';
import type {FederationHub} from '../../hub/client/federation-hub.ts';
import type {CacheUser, EpisodeCache} from '../../hub/client/store/episode-cache.ts';
import type {LogItem, Memory} from '../../model/episode.ts';
import {failureOf} from '../../model/failure.ts';
import type {Log} from '../log.ts';
import type {AttemptMemory, Bearing, Lesson, Recall} from './attempt-memory.ts';

export interface CachedMemoryOptions {
  /** The database, or `:memory:`. */
  readonly file: string;
  /** Whose memory it is: the embedded tenant is the project. */
  readonly tenantId: string;
  readonly log: Log;
}

/** The memory of the project, for whoever looks at it or changes it by hand. */
export interface OpenMemory {
  readonly cache: EpisodeCache;
  readonly user: CacheUser;
  /** The connection to the hub, which may be down; null: there is none. */
  readonly hub: FederationHub | null;
}

/** What waits to be written; beyond it, lessons are lost. */
const MAX_WAITING = 10_000;
/** What is written in one turn of the event loop: each takes some tens of microseconds. */
const AT_ONCE = 10;

/**
 * The memory of a project in the cache of the hub's client, a file of its own: it works without a hub, and what is kept in it goes to
 * one when there is one. Opened when it is first used. Searches and writes take turns with everything else that the daemon does.
 */
export class CachedMemory implements AttemptMemory {
  readonly #options: CachedMemoryOptions;
  readonly #waiting: ((cache: EpisodeCache) => LogItem)[] = [];
  #opening: Promise<OpenMemory | null> | undefined;
  #turns: Promise<void> = Promise.resolve();
  #writing: Promise<void> | undefined;
  #isFull = false;
  #isClosed = false;

  constructor(options: CachedMemoryOptions) {
    this.#options = options;
  }

  prepare(): void {
    if (!this.#isClosed) void this.#open();
  }

  async recall({query, k, deadlineMs}: Recall): Promise<readonly Memory[]> {
    const untilMs = readClock().monoMs + deadlineMs;
    const opened = await this.#open();
    await this.#turn();
    // What the same tick has told comes first.
    await this.#writing;
    if (!opened?.cache.isOpen || readClock().monoMs > untilMs) return [];
    return opened.cache.search(query, k);
  }

  remember(lesson: Lesson): void {
    this.#keep(cache => {
      const episode = {...lesson, at: cache.stamp(), expiresAtMs: null, signature: null};
      return {kind: 'episode', episode};
    });
  }

  confirm(bearing: Bearing): void {
    this.#keep(cache => ({kind: 'change', change: {...bearing, kind: 'confirm', at: cache.stamp()}}));
  }

  /** Opens it if it is not; null: it cannot be opened, or is closed. */
  opened(): Promise<OpenMemory | null> {
    return this.#isClosed ? Promise.resolve(null) : this.#open();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#writing;
    (await this.#opening)?.cache.close();
  }

  #keep(make: (cache: EpisodeCache) => LogItem): void {
    if (this.#isClosed) return;
    if (this.#waiting.length >= MAX_WAITING) return this.#lost({waiting: MAX_WAITING}, 'too many lessons wait');
    this.#waiting.push(make);
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
  }

  async #write(): Promise<void> {
    const opened = await this.#open();
    while (this.#waiting.length > 0) {
      // Whoever closes it waits for this: then nothing else is to be done.
      if (!this.#isClosed) await this.#turn();
      for (const make of this.#waiting.splice(0, AT_ONCE)) if (opened) this.#add(opened, make(opened.cache));
    }
  }

  #add({cache, user}: OpenMemory, item: LogItem): void {
    if (item.kind === 'episode' && cache.get(item.episode.id) !== null) return;
    try {
      cache.add(user, item);
      this.#isFull = false;
    } catch (error) {
      this.#lost({error: failureOf(error)}, 'a lesson could not be kept');
    }
  }

  /** Said once, until something can be kept again. */
  #lost(facts: object, what: string): void {
    if (!this.#isFull) this.#options.log.warn(facts, `${what}: what attempts learn is lost for now`);
    this.#isFull = true;
  }

  /** Loaded when it is needed: a killed daemon is back sooner. */
  #open(): Promise<OpenMemory | null> {
    this.#opening ??= import('../../hub/client/store/open-cache.ts')
      .then(({openCache}) => {
        const cache = openCache({memoryPath: this.#options.file, tenantId: this.#options.tenantId});
        return {cache, user: cache.join(), hub: null};
      })
      .catch((error: unknown) => {
        this.#options.log.error({file: this.#options.file, error: failureOf(error)}, 'the memory cannot be opened');
        return null;
      });
    return this.#opening;
  }

  /** Resolves in a turn of the event loop that nobody else has. */
  #turn(): Promise<void> {
    this.#turns = this.#turns.then(() => new Promise(resolve => setImmediate(resolve)));
    return this.#turns;
  }
}
