import type {Episode} from '../../../model/episode.ts';
import type {EpisodeLog} from './episode-log.ts';
import type {Group} from './group.ts';
import type {Tenants} from './tenants.ts';
import type {Vectors} from './vectors.ts';

export interface EpisodeVectorsParts {
  readonly group: Group;
  readonly tenants: Tenants;
  readonly log: EpisodeLog;
  readonly vectors: Vectors;
}

export interface PlacedVector {
  readonly position: number;
  /** As its embedder's index has it: floats or quantised. */
  readonly bytes: Buffer;
}

/** Vectors follow the log when they are made, and outlive the hub: a restart embeds nothing anew. */
export class EpisodeVectors {
  readonly #parts: EpisodeVectorsParts;

  constructor(parts: EpisodeVectorsParts) {
    this.#parts = parts;
  }

  /** Episodes without a vector of this embedder, oldest first in each tenant, with what is to be embedded. */
  unembedded(
    embedder: string,
    limit: number,
  ): readonly {readonly tenant: string; readonly position: number; readonly episode: Episode}[] {
    const {group, tenants, log, vectors} = this.#parts;
    return group.read(() => {
      const found: {tenant: string; position: number; episode: Episode}[] = [];
      for (const tenant of tenants.all()) {
        if (found.length >= limit) break;
        const positions = vectors.missing(tenant, embedder, limit - found.length);
        for (const {entry} of log.at(tenant, positions)) {
          if (entry.kind !== 'episode') continue;
          found.push({tenant: tenant.name, position: entry.position, episode: entry.episode});
        }
      }
      return found;
    });
  }

  /** How many episodes have no vector of this embedder. */
  unembeddedCount(embedder: string): number {
    const {tenants, vectors} = this.#parts;
    let episodes = 0;
    for (const tenant of tenants.all()) episodes += tenant.episodes;
    return Math.max(0, episodes - vectors.count(embedder));
  }

  /** The same of one tenant. */
  unembeddedOf(name: string, embedder: string): number {
    const {group, tenants, vectors} = this.#parts;
    const tenant = tenants.find(name);
    return tenant === null ? 0 : group.read(() => vectors.missingCount(tenant, embedder));
  }

  /**
   * Replaces vectors of any embedder; positions without an episode, forgotten meanwhile for instance, are passed over. Durable
   * with the next `flush`.
   */
  set(name: string, embedder: string, placed: readonly PlacedVector[]): void {
    const {group, tenants, log, vectors} = this.#parts;
    const tenant = tenants.find(name);
    if (tenant === null) return;
    group.write(() => {
      for (const {position, bytes} of placed) {
        const id = log.idAt(tenant, position);
        if (id !== null) vectors.set(tenant, embedder, {position, id, bytes});
      }
      vectors.advance(tenant, embedder);
    });
  }

  /** Those of an embedder after a position, in the order of positions, without merged ones: what an index is rebuilt from, page by page. */
  after(
    name: string,
    embedder: string,
    page: {readonly since: number; readonly limit: number},
  ): readonly PlacedVector[] {
    const {group, tenants, vectors} = this.#parts;
    const tenant = tenants.find(name);
    return tenant === null ? [] : group.read(() => vectors.after(tenant, embedder, page));
  }
}
