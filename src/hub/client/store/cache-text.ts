import type {Database} from 'better-sqlite3';
import type {Episode} from '../../../model/episode.ts';
import {anyWord, queryWords} from './query-words.ts';
import {textTable} from './schema/001-first.ts';

const PUT = `INSERT INTO text (rowid, task, input, output, critique, tags) VALUES (CAST(? AS INTEGER), ?, ?, ?, ?, ?)`;
const REMOVE = 'DELETE FROM text WHERE rowid = CAST(? AS INTEGER)';
const SEARCH = 'SELECT rowid AS key FROM text WHERE text MATCH ? ORDER BY rank LIMIT ?';
const COUNT = 'SELECT count(*) FROM (SELECT 1 FROM text WHERE text MATCH ? LIMIT ?)';
const LAST = 'SELECT max(id) FROM text_docsize';

/** The most (word, episode) pairs that one search ranks, or a fifth of the episodes: what it takes grows with them. */
const MIN_RANKED = 250;
const RANKED_SHARE = 0.2;
/** Counts of words are forgotten when the cache has grown or shrunk by this. */
const GROWTH = 1.25;
const MAX_COUNTS = 5000;

/** Full text of the cached episodes. */
export class CacheText {
  readonly #put;
  readonly #remove;
  readonly #search;
  readonly #count;
  readonly #last;
  readonly #counts = new Map<string, number>();
  #countedAt = 0;

  constructor(db: Database, where: 'main' | 'temp') {
    db.exec(textTable(where));
    this.#put = db.prepare<[number, string, string, string, string, string]>(PUT);
    this.#remove = db.prepare<[number]>(REMOVE);
    this.#search = db.prepare<[string, number], {key: number}>(SEARCH);
    this.#count = db.prepare<[string, number], number>(COUNT).pluck();
    this.#last = db.prepare<[], number | null>(LAST).pluck();
  }

  /** The highest key that was put in and is still there; 0: none. */
  last(): number {
    return this.#last.get() ?? 0;
  }

  put(key: number, {task, input, output, critique, tags}: Episode): void {
    this.#put.run(key, task, input, output, critique ?? '', tags.join(' '));
  }

  remove(key: number): void {
    this.#remove.run(key);
  }

  /** Best first, by BM25. `episodes`: how many there are to search. */
  search(query: string, limit: number, episodes: number): readonly number[] {
    const words = this.#choose(queryWords(query), episodes);
    if (words.length === 0) return [];
    return this.#search.all(anyWord(words), limit).map(({key}) => key);
  }

  /**
   * The rarest words, as many as can be ranked in time, and at least one that is somewhere. To BM25, what most episodes have in common
   * says next to nothing.
   */
  #choose(words: readonly string[], episodes: number): readonly string[] {
    if (Math.max(episodes, this.#countedAt) > GROWTH * Math.min(episodes, this.#countedAt)) {
      this.#counts.clear();
      this.#countedAt = episodes;
    }
    const most = Math.max(MIN_RANKED, Math.floor(episodes * RANKED_SHARE));
    const counted = words.map(word => ({word, count: this.#countOf(word, most)})).toSorted((a, b) => a.count - b.count);
    let ranked = 0;
    return counted.flatMap(({word, count}) => {
      const isFirst = ranked === 0;
      ranked += count;
      return isFirst || ranked <= most ? [word] : [];
    });
  }

  /** As of when the counts were begun, which is near enough for an order; more than can be ranked is not counted. */
  #countOf(word: string, most: number): number {
    const known = this.#counts.get(word);
    if (known !== undefined) return known;
    const count = this.#count.get(anyWord([word]), most + 1) ?? 0;
    if (this.#counts.size >= MAX_COUNTS) this.#counts.clear();
    this.#counts.set(word, count);
    return count;
  }
}
