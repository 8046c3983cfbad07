import type {Database} from 'better-sqlite3';
import type {EpisodeChange} from '../../../model/episode.ts';
import {concurrentWithLast, MAX_CRITIQUES} from '../../replica/critiques.ts';
import type {Entries} from './entries.ts';
import {positionOf} from './hub-schema.ts';

const ADD = 'INSERT OR IGNORE INTO critiques (episode, at, id, key) VALUES (?, ?, ?, ?)';
const LATEST = 'SELECT key FROM critiques WHERE episode = ? ORDER BY at DESC, id DESC';
const DROP_EARLIEST = `DELETE FROM critiques WHERE episode = @episode AND (at, id) IN (
  SELECT at, id FROM critiques WHERE episode = @episode ORDER BY at DESC, id DESC LIMIT -1 OFFSET ${MAX_CRITIQUES})`;
const REMOVE = 'DELETE FROM critiques WHERE episode = ?';

/** What is known of the last critiques of each episode; the semantics are those of `Critiques`. */
export class LastCritiques {
  readonly #entries: Entries;
  readonly #add;
  readonly #latest;
  readonly #dropEarliest;
  readonly #remove;

  constructor(db: Database, entries: Entries) {
    this.#entries = entries;
    this.#add = db.prepare<[number, string, string, number]>(ADD);
    this.#latest = db.prepare<[number], number>(LATEST).pluck();
    this.#dropEarliest = db.prepare<[{episode: number}]>(DROP_EARLIEST);
    this.#remove = db.prepare<[number]>(REMOVE);
  }

  /** `key`: of the change's entry. Only within a group. */
  put(episode: number, {at, id}: EpisodeChange, key: number): void {
    this.#add.run(episode, at, id, key);
    this.#dropEarliest.run({episode});
  }

  /** What was said beside the last word; see `concurrentWithLast`. */
  others(tenant: string, episode: number): readonly string[] {
    const keys = this.#latest.all(episode);
    if (keys.length < 2) return [];
    return concurrentWithLast(
      keys.map(key => {
        const {at, id: tie, text, clock = null} = this.#entries.critiqueAt(tenant, key);
        return {at, tie, text, clock, position: positionOf(key)};
      }),
    );
  }

  remove(episode: number): void {
    this.#remove.run(episode);
  }
}
