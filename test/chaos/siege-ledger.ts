import type {LogEntry} from '../../src/model/episode.ts';
import type {PushResult} from '../../src/wire/hub-protocol.ts';

/** What a hub has to have at one moment: ids at their positions, and ids wherever they are. */
interface Promised {
  readonly placed: ReadonlyMap<string, number>;
  readonly somewhere: ReadonlySet<string>;
}

interface Page {
  readonly entries: readonly LogEntry[];
  readonly more: boolean;
}

/** What clients have been told by a hub, to be compared with its log. */
export class SiegeLedger {
  readonly #placed = new Map<string, number>();
  readonly #synced = new Set<string>();
  readonly #stored = new Set<string>();
  readonly #waiting: {readonly at: number; readonly resolve: () => void}[] = [];
  #frames = 0;
  #acknowledged = 0;
  #keptUnanswered = 0;

  get acknowledged(): number {
    return this.#acknowledged;
  }

  get keptUnanswered(): number {
    return this.#keptUnanswered;
  }

  /** A frame was sent or has come. */
  frame(): void {
    this.#frames += 1;
    for (const waiting of [...this.#waiting]) {
      if (waiting.at > this.#frames) continue;
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
      waiting.resolve();
    }
  }

  afterFrames(count: number): Promise<void> {
    return new Promise(resolve => this.#waiting.push({at: this.#frames + count, resolve}));
  }

  /** What was answered to a push. `again`: it had been pushed before, and not been answered. */
  answered(results: readonly PushResult[], {again, head}: {again: boolean; head: number}): void {
    for (const result of results) {
      if (!('position' in result)) throw new Error(`refused: ${JSON.stringify(result)}`);
      this.#place(result.id, result.position);
      this.#acknowledged += 1;
      if (again && result.position <= head) this.#keptUnanswered += 1;
    }
  }

  /** Somebody has pulled this. */
  shown(entries: readonly LogEntry[], since: number): void {
    for (const [index, entry] of entries.entries()) {
      if (entry.position !== since + index + 1) throw new Error(`after ${since + index} came ${entry.position}`);
      this.#place(idOf(entry), entry.position);
    }
  }

  /** In a cache, on its way to the hub. */
  stored(id: string): void {
    this.#stored.add(id);
  }

  synced(id: string): void {
    this.#synced.add(id);
    this.#acknowledged += 1;
  }

  allStoredAreSynced(): void {
    for (const id of this.#stored) this.synced(id);
    this.#stored.clear();
  }

  promised(): Promised {
    return {placed: new Map(this.#placed), somewhere: new Set(this.#synced)};
  }

  /** Reads the whole log, and throws at the first thing that is not as it has to be; how many entries there are. */
  async compare({placed, somewhere}: Promised, pull: (since: number) => Promise<Page>): Promise<number> {
    const positions = new Map<string, number>();
    for (let more = true; more; ) {
      const since = positions.size;
      const page = await pull(since);
      this.shown(page.entries, since);
      for (const entry of page.entries) {
        const id = idOf(entry);
        const other = positions.get(id);
        if (other !== undefined) throw new Error(`${id} is there twice, at ${other} and ${entry.position}`);
        positions.set(id, entry.position);
      }
      more = page.more;
    }
    for (const [id, position] of placed) {
      const found = positions.get(id);
      if (found !== position) throw new Error(`${id} was at ${position}, and is ${found ?? 'gone'}`);
    }
    for (const id of somewhere) if (!positions.has(id)) throw new Error(`${id} was acknowledged, and is gone`);
    return positions.size;
  }

  #place(id: string, position: number): void {
    const known = this.#placed.get(id);
    if (known !== undefined && known !== position) throw new Error(`${id} was at ${known}, and is told at ${position}`);
    this.#placed.set(id, position);
  }
}

function idOf(entry: LogEntry): string {
  return entry.kind === 'episode' ? entry.episode.id : entry.change.id;
}
