import type {Database} from 'better-sqlite3';

/** Highest numbers given out, kept when the rows that bore them are deleted, so that none is ever given out again. */
export type HighWaterMark = 'last_cursor' | 'last_attempt' | 'last_team';

const READ = 'SELECT value FROM meta WHERE key = ?';
const WRITE_ONCE = 'INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT DO NOTHING';
const RAISE = `INSERT INTO meta (key, value) VALUES (?, ?)
  ON CONFLICT DO UPDATE SET value = max(value, excluded.value)`;

/** The few facts that belong to the store as a whole. */
export class Meta {
  readonly #read;
  readonly #writeOnce;
  readonly #raise;

  constructor(db: Database) {
    this.#read = db.prepare<[string]>(READ).pluck();
    this.#writeOnce = db.prepare<[string, string]>(WRITE_ONCE);
    this.#raise = db.prepare<[string, number]>(RAISE);
  }

  /** The store's id; `fresh` becomes it when there is none yet. */
  storeId(fresh: string): string {
    this.#writeOnce.run('store_id', fresh);
    return String(this.#read.get('store_id'));
  }

  mark(name: HighWaterMark): number {
    return Number(this.#read.get(name) ?? 0);
  }

  raise(name: HighWaterMark, to: number): void {
    this.#raise.run(name, to);
  }
}
