import {closeSync, fdatasyncSync, openSync} from 'node:fs';
import type {Database} from 'better-sqlite3';

/**
 * Makes commits durable. SQLite's own way (`synchronous = FULL`) is an fsync after each commit, which on Linux waits for the file's times
 * to be in the journal of the file system too. All that a commit needs is the bytes of the write-ahead log: so a commit only
 * writes them (`NORMAL`: SQLite itself still syncs before and after it moves them into the database), and `sync` has them on the disk.
 */
export class WriteAheadLog {
  readonly #file: string;
  /** Whether there is one; without it SQLite is left to its own way. */
  readonly #isUsed: boolean;
  #descriptor: number | null = null;

  constructor(db: Database, file: string) {
    this.#file = `${file}-wal`;
    this.#isUsed = db.pragma('journal_mode', {simple: true}) === 'wal';
    if (this.#isUsed) db.pragma('synchronous = NORMAL');
  }

  /** All that was committed is durable when it returns. Throws when the disk says that it is not. */
  sync(): void {
    if (!this.#isUsed) return;
    this.#descriptor ??= openSync(this.#file, 'r+');
    fdatasyncSync(this.#descriptor);
  }

  close(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor);
    this.#descriptor = null;
  }
}
