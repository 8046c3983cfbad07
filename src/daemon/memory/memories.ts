import {createHash} from 'node:crypto';
import {dirname, join} from 'node:path';
import type {RemoteHub} from '../../model/memory.ts';
import type {TeamSpec} from '../../model/team.ts';
import type {Log} from '../log.ts';
import type {AttemptMemory} from './attempt-memory.ts';
import {CachedMemory} from './cached-memory.ts';
import {type HubSource, PROJECT_TENANT, remoteSource} from './hub-source.ts';

export interface MemoriesOptions {
  /** The file of the project's own memory; those of other hubs lie beside it. */
  readonly file: string;
  /** The project's own hub; null: it has none. */
  readonly own: HubSource | null;
  /** The hub of those who are not told otherwise; null: the project's own. */
  readonly usual: RemoteHub | null;
  readonly log: Log;
}

/** The memories that the teams of a daemon use: the project's own, and one for each other hub and tenant. */
export class Memories {
  readonly #options: MemoriesOptions;
  readonly #open = new Map<string, CachedMemory>();

  constructor(options: MemoriesOptions) {
    this.#options = options;
  }

  /** That of whoever is not told otherwise. */
  get usual(): CachedMemory {
    return this.#of(this.#options.usual);
  }

  of({hub}: Pick<TeamSpec, 'hub'>): AttemptMemory {
    return this.#of(hub ?? null);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map(memory => memory.close()));
  }

  #of(hub: RemoteHub | null): CachedMemory {
    const {file, own, log} = this.#options;
    const key = hub === null ? '' : createHash('sha256').update(JSON.stringify(hub)).digest('hex').slice(0, 12);
    const there = this.#open.get(key);
    if (there) return there;
    const memory = new CachedMemory({
      file: hub === null ? file : join(dirname(file), `memory-${key}.db`),
      tenantId: hub?.tenantId ?? PROJECT_TENANT,
      source: hub === null ? own : remoteSource(hub),
      log,
    });
    this.#open.set(key, memory);
    return memory;
  }
}
