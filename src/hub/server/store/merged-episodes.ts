import type {Database} from 'better-sqlite3';
import type {EpisodeChange} from '../../../model/episode.ts';
import {entryKey} from './hub-schema.ts';
import {isLater, type Stamp} from './stamps.ts';

const KEEPER = 'SELECT keeper, merged, uses FROM merged WHERE episode = ?';
const MERGE = 'INSERT OR REPLACE INTO merged (episode, keeper, agent, merged, uses) VALUES (?, ?, ?, 0, 0)';
const CREDIT = 'UPDATE merged SET merged = ?, uses = ? WHERE episode = ?';
const PART = 'DELETE FROM merged WHERE episode = ?';
const OF_KEEPER = 'SELECT episode FROM merged WHERE keeper = ? ORDER BY episode LIMIT ?';
const OF_AGENT = 'SELECT episode FROM merged WHERE agent = ? AND episode > ? AND episode <= ? ORDER BY episode LIMIT ?';
const ANY = 'SELECT 1 FROM merged WHERE episode > ? AND episode <= ? LIMIT 1';
const TALLY = 'SELECT at, id, merged, uses FROM tallies WHERE episode = ?';
const SET_TALLY = 'INSERT OR REPLACE INTO tallies (episode, at, id, merged, uses) VALUES (?, ?, ?, ?, ?)';
const REMOVE_TALLY = 'DELETE FROM tallies WHERE episode = ?';
const MARK = 'SELECT position FROM merge_marks WHERE tenant = ?';
const SET_MARK = 'INSERT OR REPLACE INTO merge_marks (tenant, position) VALUES (?, ?)';

/** How many were merged into an episode, and their uses. */
export interface Tally {
  readonly merged: number;
  readonly uses: number;
}

/** What an episode was merged into, and what that one has been credited with for it. */
export interface Merged extends Tally {
  readonly keeper: number;
}

const NONE: Tally = {merged: 0, uses: 0};

/** Which episode is recalled in the place of which, by the keys of their entries. Everything that writes is within a group. */
export class MergedEpisodes {
  readonly #keeper;
  readonly #merge;
  readonly #credit;
  readonly #part;
  readonly #ofKeeper;
  readonly #ofAgent;
  readonly #any;
  readonly #tally;
  readonly #setTally;
  readonly #removeTally;
  readonly #mark;
  readonly #setMark;

  constructor(db: Database) {
    this.#keeper = db.prepare<[number], Merged>(KEEPER);
    this.#merge = db.prepare<[number, number, string]>(MERGE);
    this.#credit = db.prepare<[number, number, number]>(CREDIT);
    this.#part = db.prepare<[number]>(PART);
    this.#ofKeeper = db.prepare<[number, number], number>(OF_KEEPER).pluck();
    this.#ofAgent = db.prepare<[string, number, number, number], number>(OF_AGENT).pluck();
    this.#any = db.prepare<[number, number], number>(ANY).pluck();
    this.#tally = db.prepare<[number], Stamp & Tally>(TALLY);
    this.#setTally = db.prepare<[number, string, string, number, number]>(SET_TALLY);
    this.#removeTally = db.prepare<[number]>(REMOVE_TALLY);
    this.#mark = db.prepare<[number], number>(MARK).pluck();
    this.#setMark = db.prepare<[number, number]>(SET_MARK);
  }

  /** null: it is not merged. */
  of(episode: number): Merged | null {
    return this.#keeper.get(episode) ?? null;
  }

  /** `agent`: of the keeper. */
  merge(episode: number, {key, agent}: {key: number; agent: string}): void {
    this.#merge.run(episode, key, agent);
  }

  credit(episode: number, {merged, uses}: Tally): void {
    this.#credit.run(merged, uses, episode);
  }

  part(episode: number): void {
    this.#part.run(episode);
  }

  tally(episode: number): Tally {
    const found = this.#tally.get(episode);
    return found === undefined ? NONE : {merged: found.merged, uses: found.uses};
  }

  /** The last word counts. */
  note(episode: number, {at, id, merged, uses}: Extract<EpisodeChange, {kind: 'tally'}>): void {
    const known = this.#tally.get(episode);
    if (known === undefined || isLater({at, id}, known)) this.#setTally.run(episode, at, id, merged, uses);
  }

  /** Nothing is left of it but what was merged into it, which is to be looked at. */
  remove(episode: number): void {
    this.#part.run(episode);
    this.#removeTally.run(episode);
  }

  into(keeper: number, limit: number): readonly number[] {
    return this.#ofKeeper.all(keeper, limit);
  }

  /** Merged into any episode of an agent. */
  intoAnyOf({tenant, agent, limit}: {tenant: number; agent: string; limit: number}): readonly number[] {
    return this.#ofAgent.all(agent, entryKey(tenant, 0), entryKey(tenant + 1, 0) - 1, limit);
  }

  /** Whether anything is merged in a tenant. */
  hasAny(tenant: number): boolean {
    return this.#any.get(entryKey(tenant, 0), entryKey(tenant + 1, 0) - 1) !== undefined;
  }

  mark(tenant: number): number {
    return this.#mark.get(tenant) ?? 0;
  }

  setMark(tenant: number, position: number): void {
    this.#setMark.run(tenant, position);
  }
}
