import type {Database} from 'better-sqlite3';
import {storeFailure} from '../../../sqlite/sqlite-failure.ts';
import {cacheUnusable} from '../hub-error.ts';
import type {CacheContents} from './cache-contents.ts';
import type {LogCursor} from './log-cursor.ts';

export const BUSY_HINT =
  'One process at a time may use a cache: end the other one, or give each process a memoryPath of its own.';

/** Transactions of a cache: all of what one does is kept, or nothing, in the file and in what is counted beside it. */
export class CacheWrites {
  readonly #db: Database;
  readonly #file: string;
  readonly #contents: CacheContents;
  readonly #cursor: LogCursor;

  /** `file`: for messages. */
  constructor(db: Database, {file, contents, cursor}: {file: string; contents: CacheContents; cursor: LogCursor}) {
    this.#db = db;
    this.#file = file;
    this.#contents = contents;
    this.#cursor = cursor;
  }

  /**
   * When there is no room, some of what the hub has is forgotten, and it is tried once more. Throws a HubError `cache-unusable` on what the
   * file or the disk says, and what `act` throws.
   */
  run<T>(act: () => T): T {
    try {
      return this.#transact(act);
    } catch (error) {
      if (!isFull(error) || !this.#makesRoom()) throw this.#told(error);
    }
    try {
      return this.#transact(act);
    } catch (error) {
      throw this.#told(error);
    }
  }

  #makesRoom(): boolean {
    try {
      return this.#transact(() => this.#contents.forgetSome());
    } catch (error) {
      if (isFull(error)) return false;
      throw this.#told(error);
    }
  }

  #transact<T>(act: () => T): T {
    const {marks} = this.#contents;
    const cursor = this.#cursor.marks;
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      const answer = act();
      const {position} = this.#cursor;
      if (position !== cursor.position) this.#contents.rows.setFact.run('position', position);
      this.#db.exec('COMMIT');
      return answer;
    } catch (error) {
      if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
      this.#contents.goBackTo(marks);
      this.#cursor.goBackTo(cursor);
      throw error;
    }
  }

  #told(error: unknown): unknown {
    const failure = storeFailure(error, this.#file, BUSY_HINT);
    return failure === null ? error : cacheUnusable(failure);
  }
}

function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'SQLITE_FULL';
}
