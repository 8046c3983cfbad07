import type {LogEntry} from '../../model/episode.ts';
import {MAX_PULL_ENTRIES} from '../../wire/hub-protocol.ts';
import type {HubAdapter} from './hub-adapter.ts';
import {hubErrorOf, isPassing} from './hub-error.ts';

/** The log of the hub from now on, each entry once and in order, whether it is told or has to be pulled. */
export class MemoryNews {
  readonly #adapter: HubAdapter;
  readonly #tell: (entry: LogEntry) => void;
  /** Null: not connected yet; what was there before is no news. */
  #position: number | null = null;
  /** How far the log goes, as far as we know. */
  #head = 0;
  #isPulling = false;

  constructor(adapter: HubAdapter, tell: (entry: LogEntry) => void) {
    this.#adapter = adapter;
    this.#tell = tell;
  }

  up(head: number): void {
    // A shorter log is another one, such as one from a backup.
    if (this.#position === null || head < this.#position) this.#position = head;
    this.#head = head;
    if (head > this.#position) void this.#pull();
  }

  heard(entries: readonly LogEntry[], head: number): void {
    this.#head = Math.max(this.#head, head);
    // What is being pulled comes before these, and reaches them.
    if (this.#isPulling || this.#position === null) return;
    if (entries.length === 0 && head > this.#position) void this.#pull();
    else this.#take(entries);
  }

  #take(entries: readonly LogEntry[]): void {
    for (const entry of entries) {
      if (entry.position <= (this.#position ?? 0)) continue;
      this.#position = entry.position;
      this.#tell(entry);
    }
  }

  async #pull(): Promise<void> {
    if (this.#isPulling) return;
    this.#isPulling = true;
    try {
      while (this.#position !== null && this.#position < this.#head) {
        const page = await this.#adapter.pull(this.#position, MAX_PULL_ENTRIES);
        this.#take(page.entries);
        if (page.entries.length === 0) break;
      }
    } catch (error) {
      // The next connection goes on from our position. What passes on this one is met again with the next news.
      if (!isPassing(hubErrorOf(error))) this.#position = null;
    } finally {
      this.#isPulling = false;
    }
  }
}
