import {randomUUID} from 'node:crypto';
import type {Entries} from './entries.ts';
import {KIND} from './hub-schema.ts';
import type {EpisodeLog} from './episode-log.ts';
import type {MergedEpisodes, Tally} from './merged-episodes.ts';
import type {Tenant} from './tenants.ts';

interface Writing {
  readonly tenant: Tenant;
  /** A new stamp each time. */
  readonly at: () => string;
}

/** How far sums are passed on from keeper to keeper. */
const DEEPEST = 100;

/** What each episode that stands for others has been credited with: how many they are, and their uses. All of it within a group. */
export class MergeCredits {
  readonly #log: EpisodeLog;
  readonly #entries: Entries;
  readonly #merged: MergedEpisodes;

  constructor({log, entries, merged}: {log: EpisodeLog; entries: Entries; merged: MergedEpisodes}) {
    this.#log = log;
    this.#entries = entries;
    this.#merged = merged;
  }

  /** The keeper of an episode is credited with it and its uses, as they are now; and so on. */
  credit(writing: Writing, key: number): void {
    let child = key;
    for (let depth = 0; depth < DEEPEST; depth += 1) {
      const known = this.#merged.of(child);
      const lesson = known && this.#log.lesson(writing.tenant, child);
      if (known === null || lesson === null) return;
      const worth = {merged: 1 + (lesson.state.merged ?? 0), uses: lesson.state.uses};
      if (worth.merged === known.merged && worth.uses === known.uses) return;
      const more = {merged: worth.merged - known.merged, uses: worth.uses - known.uses};
      // What was not taken is credited when it is next looked at.
      if (!this.#add(writing, known.keeper, more)) return;
      this.#merged.credit(child, worth);
      child = known.keeper;
    }
  }

  /** It stands for so many more, or fewer; and so does what stands for it. */
  tally(writing: Writing, key: number, more: Tally): void {
    this.#add(writing, key, more);
    this.credit(writing, key);
  }

  /** Whether it is written. Bounded, though a full tenant takes it: there is one for each change that was taken, and each release. */
  #add({tenant, at}: Writing, key: number, more: Tally): boolean {
    const row = this.#entries.at(key);
    if (row?.kind !== KIND.episode) return false;
    const known = this.#merged.tally(key);
    const sums = {merged: Math.max(0, known.merged + more.merged), uses: Math.max(0, known.uses + more.uses)};
    const said = {id: randomUUID(), episode: row.id, by: 'hub', at: at()};
    const change = {...said, kind: 'tally', ...sums} as const;
    return !('refused' in this.#log.append(tenant, {kind: 'change', change}, {isRelease: true}));
  }
}
