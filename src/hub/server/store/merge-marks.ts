import type {GroupMember} from './group.ts';
import type {MergedEpisodes} from './merged-episodes.ts';

/**
 * Up to where each tenant's log was looked through. Where nothing new is merged, that is not kept: once something is to be, all of it is
 * looked at, and what is looked at twice is done once.
 */
export class MergeMarks implements GroupMember {
  readonly #merged: MergedEpisodes;
  /** By tenant. */
  readonly #releasedTo = new Map<number, number>();

  constructor(merged: MergedEpisodes) {
    this.#merged = merged;
  }

  of(tenant: number, onlyReleases: boolean): number {
    const mark = this.#merged.mark(tenant);
    return onlyReleases ? Math.max(mark, this.#releasedTo.get(tenant) ?? 0) : mark;
  }

  /** Only within a group. */
  set(tenant: number, position: number, onlyReleases: boolean): void {
    if (onlyReleases) this.#releasedTo.set(tenant, position);
    else this.#merged.setMark(tenant, position);
  }

  forget(): void {
    this.#releasedTo.clear();
  }
}
