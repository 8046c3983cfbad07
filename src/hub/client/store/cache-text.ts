import type {Database} from 'better-sqlite3';
import type {Episode} from '../../../model/episode.ts';
import {anyWord, queryWords} from './query-words.ts';
import {textTable} from './schema/001-first.ts';

const PUT = `INSERT INTO text (rowid, task, input, output, critique, tags) VALUES (CAST(? AS INTEGER), ?, ?, ?, ?, ?)`;
const REMOVE = 'DELETE FROM text WHERE rowid = CAST(? AS INTEGER)';
const SEARCH = 'SELECT rowid AS key FROM text WHERE text MATCH ? ORDER BY rank LIMIT ?';
const COUNT = 'SELECT count(*) FROM (SELECT 1 FROM text WHERE text MATCH ? LIMIT ?)';
const LAST = 'SELECT max(id) FROM text_docsize';

/** Up to so many episodes every word of a query is ranked. */
const SMALL = 1500;
/** Words that are in more episodes are left out while there are rarer ones. */
const COMMON = 1000;
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

  /** What ranking takes grows with the episodes a word is in: in large caches the common ones are left out. */
  #choose(words: readonly string[], episodes: number): readonly string[] {
    if (episodes <= SMALL) return words;
    if (Math.max(episodes, this.#countedAt) > GROWTH * Math.min(episodes, this.#countedAt)) {
      this.#counts.clear();
      this.#countedAt = episodes;
    }
    const counted = words.map(word => ({word, count: this.#countOf(word)})).filter(({count}) => count > 0);
    const rare = counted.filter(({count}) => count < COMMON);
    if (rare.length > 0) return rare.map(({word}) => word);
    return counted.slice(0, 1).map(({word}) => word);
  }

  #countOf(word: string): number {
    const known = this.#counts.get(word);
    if (known !== undefined) return known;
    const count = this.#count.get(anyWord([word]), COMMON) ?? 0;
    if (this.#counts.size >= MAX_COUNTS) this.#counts.clear();
    // Rare words may become common between two counts, and cost little to count.
    if (count >= COMMON) this.#counts.set(word, count);
    return count;
  }
}
