import {sleep} from '../../../base/clock.ts';
import type {Episode} from '../../../model/episode.ts';
import type {Embedder} from '../../recall/vector-index.ts';
import type {HubEvent} from '../hub-parts.ts';
import type {EpisodeVectors, PlacedVector} from '../store/episode-vectors.ts';
import {bytesOf, type TenantIndexes} from './tenant-indexes.ts';

/** Episodes embedded in one go; a recall waits for one batch at most. */
const BATCH = 16;
/** Between two batches while more comes in, in milliseconds: who pushes goes first. */
const STORM_PAUSE_MS = 5;
const RETRY_MS = 1000;
const LONGEST_RETRY_MS = 60_000;

export interface VectorFollowerParts {
  readonly vectors: EpisodeVectors;
  readonly embedder: Embedder;
  readonly indexes: TenantIndexes;
  /** Before something is written into the store for oneself. */
  readonly settle: () => void;
  readonly onEvent: (event: HubEvent) => void;
}

/** Makes the vectors of what has come into the log, in the background, oldest first in each tenant. */
export class VectorFollower {
  readonly #parts: VectorFollowerParts;
  #running: Promise<void> | null = null;
  #isWoken = false;
  /** Something has come in since the last batch was begun. */
  #isStorm = false;
  #isClosed = false;
  #retryMs = RETRY_MS;
  #retry: NodeJS.Timeout | undefined;

  constructor(parts: VectorFollowerParts) {
    this.#parts = parts;
  }

  /** There may be something to do. */
  wake(): void {
    this.#isWoken = true;
    this.#isStorm = true;
    if (this.#running !== null || this.#isClosed || this.#retry !== undefined) return;
    this.#running = this.#run().finally(() => {
      this.#running = null;
      if (this.#isWoken) this.wake();
    });
  }

  /** Resolves when the batch that is being made has been given up or written. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    await this.#running;
  }

  async #run(): Promise<void> {
    // Whoever wakes is not made to wait.
    await nextTurn();
    try {
      this.#isWoken = false;
      this.#isStorm = false;
      while (!this.#isClosed && (await this.#followBatch())) await this.#pause();
      this.#retryMs = RETRY_MS;
    } catch (error) {
      if (this.#isClosed) return;
      const detail = error instanceof Error ? error.message : String(error);
      this.#parts.onEvent({kind: 'upkeep-failed', what: 'vectors', detail});
      this.#retry = setTimeout(() => {
        this.#retry = undefined;
        this.wake();
      }, this.#retryMs).unref();
      this.#retryMs = Math.min(this.#retryMs * 2, LONGEST_RETRY_MS);
    }
  }

  #pause(): Promise<void> {
    if (!this.#isStorm) return nextTurn();
    this.#isStorm = false;
    return sleep(STORM_PAUSE_MS);
  }

  /** False: there is nothing left to do. */
  async #followBatch(): Promise<boolean> {
    const {vectors, embedder, indexes, settle} = this.#parts;
    const found = vectors.unembedded(embedder.id, BATCH);
    if (found.length === 0) return false;
    const made = await embedder.embed(found.map(({episode}) => embeddedText(episode)));
    if (this.#isClosed) return false;
    settle();
    const placed = new Map<string, PlacedVector[]>();
    for (const [index, {tenant, position}] of found.entries()) {
      const vector = made[index];
      if (vector === undefined) throw new Error(`The embedder ${embedder.id} gave ${made.length} of ${found.length}`);
      indexes.add(tenant, position, vector);
      const known = placed.get(tenant);
      const one = {position, bytes: bytesOf(vector)};
      if (known === undefined) placed.set(tenant, [one]);
      else known.push(one);
    }
    for (const [tenant, some] of placed) vectors.set(tenant, embedder.id, some);
    return true;
  }
}

/** What of an episode is compared; embedders look at the beginning only, so what says most comes first. */
export function embeddedText({task, tags, critique, input, output}: Episode): string {
  return [task, tags.join(' '), critique ?? '', output, input].filter(part => part !== '').join('\n');
}

function nextTurn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}
