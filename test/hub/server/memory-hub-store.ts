import {randomUUID} from 'node:crypto';
import {type Result, fail, ok} from '../../../src/base/result.ts';
import type {EpisodeState, LogEntry, LogItem} from '../../../src/model/episode.ts';
import type {AppendResult, HubStore, HubStoreFailure} from '../../../src/hub/server/hub-store.ts';
import type {HubTotals} from '../../../src/hub/server/hub-parts.ts';

interface Log {
  readonly entries: LogEntry[];
  readonly positions: Map<string, number>;
  durable: number;
}

/** A store that forgets with its process, and fails when told to: what a hub can be tried against without a disk. */
export class MemoryHubStore implements HubStore, HubTotals {
  readonly log = randomUUID();
  readonly #logs = new Map<string, Log>();
  /** What the next flush answers instead of succeeding. */
  failure: HubStoreFailure | null = null;
  flushes = 0;
  capacity = Number.POSITIVE_INFINITY;

  append(tenant: string, items: readonly LogItem[]): readonly AppendResult[] {
    const log = this.#log(tenant);
    return items.map(item => {
      const id = item.kind === 'episode' ? item.episode.id : item.change.id;
      const known = log.positions.get(id);
      if (known !== undefined) return {id, position: known, isNew: false};
      if (item.kind === 'change' && !log.positions.has(item.change.episode)) {
        return {id, refused: 'not-found', message: `there is no episode ${item.change.episode}`};
      }
      if (log.entries.length >= this.capacity) return {id, refused: 'storage-full', message: 'the tenant is full'};
      const position = log.entries.length + 1;
      log.entries.push({...item, position});
      log.positions.set(id, position);
      return {id, position, isNew: true};
    });
  }

  flush(): Result<void, HubStoreFailure> {
    this.flushes += 1;
    const {failure} = this;
    for (const log of this.#logs.values()) {
      if (!failure) log.durable = log.entries.length;
      else {
        for (const lost of log.entries.splice(log.durable)) {
          log.positions.delete(lost.kind === 'episode' ? lost.episode.id : lost.change.id);
        }
      }
    }
    return failure ? fail(failure) : ok(undefined);
  }

  pull(tenant: string, since: number, limit: number, maxBytes: number): {entries: readonly LogEntry[]; more: boolean} {
    const {entries} = this.#log(tenant);
    const page: LogEntry[] = [];
    let bytes = 0;
    for (const entry of entries.slice(since, since + limit)) {
      bytes += JSON.stringify(entry).length;
      if (page.length > 0 && bytes > maxBytes) break;
      page.push(entry);
    }
    return {entries: page, more: since + page.length < entries.length};
  }

  get(tenant: string, episode: string): {entry: LogEntry; state: EpisodeState} | null {
    const log = this.#log(tenant);
    const entry = log.entries[(log.positions.get(episode) ?? 0) - 1];
    if (entry?.kind !== 'episode') return null;
    const state: EpisodeState = {
      up: 0,
      down: 0,
      uses: 0,
      tags: entry.episode.tags,
      critique: entry.episode.critique,
      confirmed: 0,
      refuted: 0,
      standing: 'active',
    };
    return {entry, state};
  }

  head(tenant: string): number {
    return this.#logs.get(tenant)?.entries.length ?? 0;
  }

  close(): void {
    this.#logs.clear();
  }

  episodes(tenant: string | null): number {
    const logs = tenant === null ? [...this.#logs.values()] : [this.#log(tenant)];
    return logs.flatMap(({entries}) => entries).filter(({kind}) => kind === 'episode').length;
  }

  tenants(): number {
    return this.#logs.size;
  }

  #log(tenant: string): Log {
    const log = this.#logs.get(tenant) ?? {entries: [], positions: new Map<string, number>(), durable: 0};
    this.#logs.set(tenant, log);
    return log;
  }
}
