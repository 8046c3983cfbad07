import type {Database, Statement} from 'better-sqlite3';
import {isSealedText} from '../../security/end-to-end.ts';
import type {GroupMember} from './group.ts';
import {anyOf, taggedWith, wordsOf} from './text-query.ts';

const MARK = 'SELECT position FROM text_marks WHERE tenant = ?';
const SET_MARK = 'INSERT OR REPLACE INTO text_marks (tenant, position) VALUES (?, ?)';
const EXISTS = 'SELECT 1 FROM sqlite_schema WHERE name = ?';

/** Words that are in more episodes than this are counted no further. */
const COMMON = 5000;
/** The most (word, episode) pairs that one search ranks: what it takes grows with them. */
const MAX_RANKED = 8000;
/** The same where only those with a tag are ranked: the others are but counted, to weigh the words. */
const MAX_WEIGHED = 24_000;
/** The most pairs that are counted to learn which words of one search are common. */
const MAX_COUNTED = 20_000;
/** Tenants with fewer episodes are searched for every word. */
const SMALL = 1000;
/** Words in fewer episodes are counted each time. */
const RARE = 100;
/** Counts are taken again when the tenant has grown by this. */
const GROWTH = 1.25;
/** Episodes with a tag that are looked through one by one. Where more have it, the best found have it soon enough. */
const MAX_TAGGED = 8000;
const MAX_REMEMBERED_COUNTS = 20_000;
const MAX_OPEN_TENANTS = 200;
/** What a word says of an episode in its task, input, output, critique and tags. */
const WITH_TAGS = 'bm25(4.0, 1.0, 1.0, 2.0, 3.0)';
const WITHOUT_TAGS = 'bm25(4.0, 1.0, 1.0, 2.0, 0.0)';

/** What of an episode is searched. */
export interface SearchableText {
  readonly task: string;
  readonly input: string;
  readonly output: string;
  readonly critique: string | null;
  readonly tags: readonly string[];
}

export interface TextHits {
  /** Best first. The score is that of BM25; 0 where all words were too common to tell episodes apart, then newest first. */
  readonly hits: readonly {readonly position: number; readonly score: number}[];
  /** The words that were searched for. */
  readonly words: readonly string[];
}

interface TenantText {
  readonly put: Statement<TextParameters>;
  readonly remove: Statement<TextParameters>;
  readonly search: Statement<[string, number], {position: number; score: number}>;
  readonly newest: Statement<[string, number], number>;
  readonly searchTagged: Statement<[string, number], {position: number; score: number}>;
  readonly tagged: Statement<[string, number], number>;
  readonly count: Statement<[string, number], number>;
  readonly total: Statement<[], number>;
}

type TextParameters = [number, string, string, string, string, string];

/**
 * Full text by tenant, each in an FTS5 table of its own: what others remember changes neither what a tenant finds nor how
 * long it takes. Without content: taking something out needs the words that were put in, and takes them from the file.
 */
export class TextIndex implements GroupMember {
  readonly #db: Database;
  readonly #mark;
  readonly #setMark;
  readonly #exists;
  readonly #tenants = new Map<number, TenantText>();
  readonly #counts = new Map<string, {readonly count: number; readonly total: number}>();

  constructor(db: Database) {
    this.#db = db;
    this.#mark = db.prepare<[number], number>(MARK).pluck();
    this.#setMark = db.prepare<[number, number]>(SET_MARK);
    this.#exists = db.prepare<[string], number>(EXISTS).pluck();
  }

  /** Everything up to this position has been put in. */
  mark(tenant: number): number {
    return this.#mark.get(tenant) ?? 0;
  }

  setMark(tenant: number, position: number): void {
    this.#setMark.run(tenant, position);
  }

  put(tenant: number, position: number, text: SearchableText): void {
    this.#open(tenant, true)?.put.run(...parameters(position, text));
  }

  /** The text must be the one that was put in. */
  remove(tenant: number, position: number, text: SearchableText): void {
    this.#open(tenant, false)?.remove.run(...parameters(position, text));
  }

  /** Episodes that are searchable; null: there was never one. */
  count(tenant: number): number | null {
    return this.#open(tenant, false)?.total.get() ?? null;
  }

  /** Begins anew: nothing is searchable until it is put in again. */
  drop(tenant: number): void {
    this.#tenants.delete(tenant);
    this.#db.exec(`DROP TABLE IF EXISTS text_${tenant}`);
    this.#setMark.run(tenant, 0);
  }

  search(tenant: number, query: string, k: number): TextHits {
    const text = this.#open(tenant, false);
    const words = wordsOf(query);
    if (text === null || words.length === 0) return {hits: [], words: []};
    const chosen = this.#choose(tenant, text, {words, mostPairs: MAX_RANKED});
    if (chosen.length > 0) return {hits: text.search.all(anyOf(chosen), k), words: chosen};
    const hits = text.newest.all(anyOf(words), k).map(position => ({position, score: 0}));
    return {hits, words};
  }

  /** The same among those that may have all of these tags, of which `tagged` knows the positions. What is in tags does not rank. */
  searchTagged(tenant: number, query: string, k: number, tags: readonly string[]): TextHits {
    const text = this.#open(tenant, false);
    const words = wordsOf(query);
    const tagged = taggedWith(tags);
    if (text === null || words.length === 0 || tagged === null) return {hits: [], words: []};
    const chosen = this.#choose(tenant, text, {words, mostPairs: MAX_WEIGHED});
    if (chosen.length > 0) {
      return {hits: text.searchTagged.all(`${tagged} AND (${anyOf(chosen)})`, k), words: chosen};
    }
    const newest = text.newest.all(`${tagged} AND (${anyOf(words)})`, k);
    return {hits: newest.map(position => ({position, score: 0})), words};
  }

  /**
   * The positions of all episodes that may have all of these tags; some may have tags that only have the same words. null: too
   * many, or tags without a word.
   */
  tagged(tenant: number, tags: readonly string[]): readonly number[] | null {
    const text = this.#open(tenant, false);
    if (text === null) return [];
    const sought = taggedWith(tags);
    if (sought === null) return null;
    const positions = text.tagged.all(sought, MAX_TAGGED + 1);
    return positions.length > MAX_TAGGED ? null : positions;
  }

  /** Tables and what was counted in them may be gone. */
  forget(): void {
    this.#tenants.clear();
    this.#counts.clear();
  }

  /** The rarest words, as many as can be ranked in time; those that are in no episode are left out too. */
  #choose(
    tenant: number,
    text: TenantText,
    {words, mostPairs}: {words: readonly string[]; mostPairs: number},
  ): readonly string[] {
    const total = this.mark(tenant);
    if (total <= SMALL) return words;
    const counted: {word: string; count: number}[] = [];
    let rest = MAX_COUNTED;
    for (const word of words) {
      const known = this.#counts.get(`${tenant} ${word}`);
      const isFresh = known !== undefined && total <= known.total * GROWTH;
      if (!isFresh && rest <= 0) continue;
      const count = isFresh ? known.count : this.#count(tenant, text, {word, total, limit: Math.min(COMMON, rest)});
      if (!isFresh) rest -= count;
      if (count > 0 && count < COMMON) counted.push({word, count});
    }
    let ranked = 0;
    const rarestFirst = counted.toSorted((a, b) => a.count - b.count);
    return rarestFirst.filter(({count}) => (ranked += count) <= mostPairs).map(({word}) => word);
  }

  #count(tenant: number, text: TenantText, {word, total, limit}: {word: string; total: number; limit: number}): number {
    const count = text.count.get(anyOf([word]), limit) ?? 0;
    // A count that was cut short says nothing of the word but that there was no time left for it.
    if (count >= limit && limit < COMMON) return COMMON;
    if (this.#counts.size >= MAX_REMEMBERED_COUNTS) this.#counts.clear();
    // Rare words are counted again each time: it costs little, and they may become common at once.
    if (count >= RARE) this.#counts.set(`${tenant} ${word}`, {count, total});
    return count;
  }

  #open(tenant: number, makes: boolean): TenantText | null {
    const known = this.#tenants.get(tenant);
    if (known !== undefined) return known;
    const table = `text_${tenant}`;
    if (this.#exists.get(table) === undefined) {
      if (!makes) return null;
      makeTable(this.#db, table);
    }
    const oldest = this.#tenants.keys().next();
    if (this.#tenants.size >= MAX_OPEN_TENANTS && !oldest.done) this.#tenants.delete(oldest.value);
    const opened = prepared(this.#db, table);
    this.#tenants.set(tenant, opened);
    return opened;
  }
}

function parameters(position: number, {task, input, output, critique, tags}: SearchableText): TextParameters {
  return [position, words(task), words(input), words(output), words(critique ?? ''), tags.join(' ')];
}

/** What was sealed end to end has none. */
function words(text: string): string {
  return isSealedText(text) ? '' : text;
}

/** Words of the task and tags say most of what an episode is about. */
function makeTable(db: Database, table: string): void {
  db.exec(`CREATE VIRTUAL TABLE ${table}
    USING fts5(task, input, output, critique, tags, content = '', tokenize = 'porter unicode61');
  INSERT INTO ${table} (${table}, rank) VALUES ('secure-delete', 1);
  INSERT INTO ${table} (${table}, rank) VALUES ('rank', '${WITH_TAGS}');`);
}

function prepared(db: Database, table: string): TenantText {
  const columns = 'rowid, task, input, output, critique, tags';
  // FTS5 takes for a row id only what is an integer to SQLite, and large numbers of JavaScript are none.
  const values = 'CAST(? AS INTEGER), ?, ?, ?, ?, ?';
  const match = `FROM ${table} WHERE ${table} MATCH ?`;
  return {
    put: db.prepare(`INSERT INTO ${table} (${columns}) VALUES (${values})`),
    remove: db.prepare(`INSERT INTO ${table} (${table}, ${columns}) VALUES ('delete', ${values})`),
    search: db.prepare(`SELECT rowid AS position, -rank AS score ${match} ORDER BY rank LIMIT ?`),
    newest: db.prepare<[string, number], number>(`SELECT rowid ${match} ORDER BY rowid DESC LIMIT ?`).pluck(),
    searchTagged: db.prepare(
      `SELECT rowid AS position, -rank AS score ${match} AND rank MATCH '${WITHOUT_TAGS}' ORDER BY rank LIMIT ?`,
    ),
    tagged: db.prepare<[string, number], number>(`SELECT rowid ${match} LIMIT ?`).pluck(),
    count: db.prepare<[string, number], number>(`SELECT count(*) FROM (SELECT 1 ${match} LIMIT ?)`).pluck(),
    total: db.prepare<[], number>(`SELECT count(*) FROM ${table}_docsize`).pluck(),
  };
}
