import type {HybridClock} from '../../replica/hybrid-clock.ts';
import type {HubEvent} from '../hub-parts.ts';
import type {SqliteHubStore} from '../store/sqlite-hub-store.ts';

/** What is done again and again, in milliseconds. */
const TICK_MS = 1000;
const RETENTION_MS = 60_000;
const TEXT_MS = 15;

/** Milliseconds given to making entries searchable, and episodes forgotten, in one go. */
const TEXT_SLICE_MS = 3;
const RETIRE_CHUNK = 100;
/** Outcomes forgotten each minute. */
const PRUNE_CHUNK = 1000;

export interface Retention {
  /** How long an episode is kept that says nothing of it itself, in milliseconds; null: for ever. */
  readonly lifetimeMs: number | null;
  /** Of one tenant; beyond it those of the oldest that are worth least are forgotten. null: as many as the store takes. */
  readonly maxEpisodes: number | null;
}

export interface UpkeepParts {
  readonly store: SqliteHubStore;
  readonly clock: HybridClock;
  readonly retention: Retention;
  /** What is written with each tick. */
  readonly save: () => void;
  /** That is durable now. */
  readonly saved: () => void;
  /** Answers and makes durable what agents have pushed in this turn. */
  readonly settle: () => void;
  readonly forgotten: (tenant: string, episodes: readonly string[]) => void;
  readonly expire: () => void;
  readonly onEvent: (event: HubEvent) => void;
}

/** The hub's own work in the background, in small pieces: nobody waits for it longer than for a few milliseconds. */
export class Upkeep {
  readonly #parts: UpkeepParts;
  #tick: NodeJS.Timeout | undefined;
  #minute: NodeJS.Timeout | undefined;
  #text: NodeJS.Timeout | undefined;
  #retiring: Promise<void> | null = null;
  #isStopped = false;

  constructor(parts: UpkeepParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#tick = setInterval(() => this.#guard(() => this.tick()), TICK_MS).unref();
    this.#minute = setInterval(() => void this.retire(), RETENTION_MS).unref();
  }

  /** Resolves when nothing of it runs any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#tick);
    clearInterval(this.#minute);
    clearTimeout(this.#text);
    await this.#retiring;
  }

  /** What has come is made searchable soon. */
  textSoon(): void {
    if (this.#isStopped) return;
    this.#text ??= setTimeout(() => {
      this.#text = undefined;
      this.#guard(() => {
        this.#parts.settle();
        if (this.#parts.store.followTextFor(TEXT_SLICE_MS) > 0) this.textSoon();
      });
    }, TEXT_MS).unref();
  }

  /** False: what was written since the last commit is given up. */
  tick(): boolean {
    const {store, save, saved, settle, onEvent} = this.#parts;
    settle();
    save();
    const flushed = store.flush();
    if (flushed.ok) saved();
    else onEvent({kind: 'flush-failed', full: flushed.failure.kind === 'full', detail: flushed.failure.detail});
    return flushed.ok;
  }

  /** Forgets what the policy says. One run at a time. */
  retire(): Promise<void> {
    this.#retiring ??= this.#retireAll().finally(() => {
      this.#retiring = null;
    });
    return this.#retiring;
  }

  async #retireAll(): Promise<void> {
    const {store, settle, expire, onEvent} = this.#parts;
    try {
      settle();
      expire();
      for (const {name: tenant} of store.figures()) {
        store.pruneOutcomes(tenant, PRUNE_CHUNK);
        // With a disk that is full nothing can be forgotten in any tenant: the next run tries again.
        if (!(await this.#retireFrom(tenant))) return;
      }
    } catch (error) {
      onEvent({kind: 'unexpected', error});
    }
  }

  /** False: the database could not be written. */
  async #retireFrom(tenant: string): Promise<boolean> {
    const {store, settle, forgotten, clock, retention, onEvent} = this.#parts;
    let episodes = 0;
    let isWritten = true;
    for (let more = true; more && !this.#isStopped; ) {
      settle();
      const gone = store.retire(tenant, {...retention, by: 'hub', at: clock.now(), limit: RETIRE_CHUNK});
      if (gone?.length === 0) break;
      // Durable before it is taken from the index and others are told.
      isWritten = this.tick();
      if (gone === null || !isWritten) break;
      forgotten(tenant, gone);
      episodes += gone.length;
      more = gone.length >= RETIRE_CHUNK;
      await new Promise(resolve => setImmediate(resolve));
    }
    if (episodes > 0) onEvent({kind: 'retired', tenant, episodes});
    return isWritten;
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#parts.onEvent({kind: 'unexpected', error});
    }
  }
}
