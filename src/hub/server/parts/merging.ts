import {sleep} from '../../../base/clock.ts';
import type {Embedder} from '../../recall/vector-index.ts';
import type {HybridClock} from '../../replica/hybrid-clock.ts';
import type {HubEvent} from '../hub-parts.ts';
import type {MergeReport} from '../store/episode-merges.ts';
import type {SqliteHubStore} from '../store/sqlite-hub-store.ts';
import {type TenantIndexes, vectorOf} from './tenant-indexes.ts';

/** What has come is looked at after so many milliseconds; and again, where vectors are still to be made, ever later. */
const SOON_MS = 500;
const LATEST_MS = 60_000;
/** Milliseconds of a slice, and between two at least: less of the hub's time while agents push. */
const SLICE_MS = 1.5;
const PAUSE_MS = 6;
const BUSY_PAUSE_MS = 60;
/** A pause is so many times as long as the slice before it, which one episode alone may make longer: a tenth, and a fortieth, of a core. */
const REST = 9;
const BUSY_REST = 39;
/** Neighbours that are looked at, and how alike their vectors are at least. */
const NEIGHBOURS = 32;
const MIN_SIMILARITY = 0.85;
const FAMILY_SIMILARITY = 0.4;

export interface MergingParts {
  readonly store: SqliteHubStore;
  readonly embedder: Pick<Embedder, 'id'>;
  readonly indexes: TenantIndexes;
  readonly clock: HybridClock;
  readonly quorum: number;
  /** Nothing more is merged; what was is still let go. */
  readonly onlyReleases: boolean;
  /** So many episodes of one task become one; null: none do. */
  readonly consolidate: number | null;
  /** Before something is written for oneself. */
  readonly settle: () => void;
  /** Makes durable what was written; false: it is given up. */
  readonly commit: () => boolean;
  readonly onEvent: (event: HubEvent) => void;
}

/** Has what says the same recalled as one, in the background, in slices between which others are served. */
export class Merging {
  readonly #parts: MergingParts;
  /** Tenants in which there may be something to do. */
  readonly #behind = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | null = null;
  #waitMs = SOON_MS;
  #isBusy = false;
  #isClosed = false;

  constructor(parts: MergingParts) {
    this.#parts = parts;
  }

  /** What an earlier run has left. */
  start(): void {
    for (const {name} of this.#parts.store.figures()) this.#behind.add(name);
    this.#later(SOON_MS);
  }

  /** Something has come into the log of this tenant. */
  wake(tenant: string): void {
    this.#isBusy = true;
    this.#behind.add(tenant);
    this.#waitMs = SOON_MS;
    this.#later(SOON_MS);
  }

  /** Resolves when nothing of it runs any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  #later(ms: number): void {
    if (this.#isClosed || this.#running !== null) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#running = this.#run().finally(() => {
        this.#running = null;
        if (this.#behind.size === 0) return;
        this.#later(this.#waitMs);
        this.#waitMs = Math.min(2 * this.#waitMs, LATEST_MS);
      });
    }, ms).unref();
  }

  async #run(): Promise<void> {
    try {
      for (const tenant of [...this.#behind]) await this.#follow(tenant);
    } catch (error) {
      this.#parts.onEvent({kind: 'unexpected', error});
    }
  }

  async #follow(tenant: string): Promise<void> {
    for (;;) {
      if (this.#isClosed) return;
      this.#behind.delete(tenant);
      if (!this.#parts.store.merges.isBehind(tenant, this.#parts)) return;
      const startedMs = performance.now();
      const done = await this.#slice(tenant);
      const tookMs = performance.now() - startedMs;
      if (done === 'all') return;
      this.#behind.add(tenant);
      // Waiting for vectors, or for room on the disk.
      if (done !== 'turn') return;
      await this.#pause(tookMs);
    }
  }

  async #slice(tenant: string): Promise<MergeReport['done'] | 'failed'> {
    const {store, embedder, indexes, clock, quorum, onlyReleases, consolidate, settle, commit, onEvent} = this.#parts;
    const index = await indexes.open(tenant);
    if (this.#isClosed) return 'failed';
    settle();
    const vectorAt = (position: number): Float32Array | null => {
      const [placed] = store.vectors.after(tenant, embedder.id, {since: position - 1, limit: 1});
      return placed?.position === position ? vectorOf(placed.bytes) : null;
    };
    const least = consolidate === null ? MIN_SIMILARITY : FAMILY_SIMILARITY;
    const neighbours = Math.max(NEIGHBOURS, 2 * (consolidate ?? 0));
    const untilMs = performance.now() + SLICE_MS;
    const report = store.merges.turn(tenant, {
      quorum,
      onlyReleases,
      consolidate,
      near: position => {
        const vector = vectorAt(position);
        if (vector === null) return null;
        const found = index.search(vector, neighbours);
        return found.filter(({similarity}) => similarity >= least).map(({key}) => key);
      },
      at: () => clock.now(),
      mayGoOn: () => performance.now() < untilMs,
    });
    if (report === null) {
      commit();
      return 'failed';
    }
    const {merged, released, isNews, done} = report;
    if (!isNews) return done;
    // Durable before anybody recalls by it.
    if (!commit()) return 'failed';
    if (merged.length + released.length > 0)
      onEvent({kind: 'merged', tenant, merged: merged.length, released: released.length});
    for (const position of merged) indexes.remove(tenant, position);
    for (const position of released) {
      const vector = vectorAt(position);
      if (vector !== null) indexes.add(tenant, position, vector);
    }
    return done;
  }

  #pause(tookMs: number): Promise<void> {
    const ms = this.#isBusy ? Math.max(BUSY_PAUSE_MS, BUSY_REST * tookMs) : Math.max(PAUSE_MS, REST * tookMs);
    this.#isBusy = false;
    return sleep(ms);
  }
}
