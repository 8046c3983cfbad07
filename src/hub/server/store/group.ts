import Database from 'better-sqlite3';
import {fail, ok, type Result} from '../../../base/result.ts';
import {GodelError} from '../../../model/failure.ts';
import {storeFailure} from '../../../sqlite/sqlite-failure.ts';
import type {HubStoreFailure} from '../hub-store.ts';
import {HUB_BUSY_HINT} from './hub-schema.ts';
import {WriteAheadLog} from './write-ahead-log.ts';

/** What is held in memory beside the rows of the transaction. */
export interface GroupMember {
  /** Before the commit: writes what is to be part of it. */
  save?(): void;
  /** After the commit. */
  saved?(): void;
  /** The transaction is undone: what memory says of it is wrong, and read again when needed. */
  forget(): void;
}

/**
 * Many writes in one transaction: it is begun by the first, and ended by `flush`. Once a write has failed, everything since
 * the last flush is undone and nothing more is written until `flush` has told so.
 */
export class Group {
  readonly #databases: readonly Database.Database[];
  readonly #main: Database.Database;
  readonly #file: string;
  readonly #log: WriteAheadLog;
  readonly #members: GroupMember[] = [];
  readonly #begin;
  readonly #commit;
  #failed: HubStoreFailure | null = null;
  /** For good. */
  #broken: {readonly failure: HubStoreFailure; readonly error: GodelError} | null = null;
  #isOpen = false;
  #isWriting = false;
  #hurrying = 0;
  #scrubs = false;

  /** The database in memory, where there is one, follows what becomes of the one on disk. */
  constructor(main: Database.Database, memory: Database.Database | null, file: string) {
    this.#main = main;
    this.#databases = memory === null ? [main] : [main, memory];
    this.#file = file;
    this.#log = new WriteAheadLog(main, file);
    this.#begin = this.#databases.map(db => db.prepare('BEGIN IMMEDIATE'));
    this.#commit = this.#databases.map(db => db.prepare('COMMIT'));
  }

  add(member: GroupMember): void {
    this.#members.push(member);
  }

  /** null: not written, for this or an earlier write of the group has failed; `flush` says why. Throws on bugs only. */
  write<T>(body: () => T): T | null {
    if (this.#failed !== null) return null;
    // A write of a write: what fails there is a failure of the outer one.
    if (this.#isWriting) return body();
    this.#isWriting = true;
    try {
      if (!this.#isOpen) this.#open();
      return body();
    } catch (error) {
      this.#fail(error);
      return null;
    } finally {
      this.#isWriting = false;
    }
  }

  /** As `write`, for what may as well be done later: where nothing else was written, its failure is nobody's concern. */
  attempt<T>(body: () => T): T | null {
    const isAlone = !this.#isOpen && this.#failed === null;
    const value = this.write(body);
    if (value === null && isAlone && this.#broken === null) this.#failed = null;
    return value;
  }

  /** What SQLite says while reading becomes a `GodelError` that says what to do. */
  read<T>(body: () => T): T {
    if (this.#broken !== null) throw this.#broken.error;
    try {
      return body();
    } catch (error) {
      const failure = storeFailure(error, this.#file, HUB_BUSY_HINT);
      throw failure === null ? error : new GodelError(failure, {cause: error});
    }
  }

  /** Rows that are deleted in this group are not to stay in free pages, nor in the write-ahead log beside the file. */
  scrub(): void {
    this.#scrubs = true;
    this.#main.pragma('secure_delete = ON');
  }

  flush(): Result<void, HubStoreFailure> {
    const failed = this.commit();
    if (this.#broken === null) this.#failed = null;
    return failed === null ? ok(undefined) : fail(failed);
  }

  /** Nothing is written any more. */
  close(): void {
    this.#log.close();
  }

  /** Ends the group for who has not written it: a failure stays one until `flush` has told it to who has. */
  commit(): HubStoreFailure | null {
    if (this.#isOpen) this.write(() => this.#end());
    return this.#failed;
  }

  /**
   * While this lasts, no group stays open longer than the task that began it: who copies the database page by page would
   * otherwise find it busy whenever its turn comes.
   */
  async hurry<T>(during: () => Promise<T>): Promise<T> {
    this.#hurrying += 1;
    try {
      this.commit();
      return await during();
    } finally {
      this.#hurrying -= 1;
    }
  }

  #open(): void {
    this.#isOpen = true;
    for (const begin of this.#begin) begin.run();
    if (this.#hurrying > 0) queueMicrotask(() => this.commit());
  }

  #end(): void {
    for (const member of this.#members) member.save?.();
    for (const commit of this.#commit) commit.run();
    this.#isOpen = false;
    this.#sync();
    for (const member of this.#members) member.saved?.();
    if (this.#scrubs) this.#forgetDeleted();
  }

  /**
   * Where the disk says that it has not taken what was committed, nobody knows what of it is there, and trying again would not tell:
   * nothing more is taken, nor shown, until the database is opened anew.
   */
  #sync(): void {
    try {
      this.#log.sync();
    } catch (error) {
      const hint = 'Look at the disk, and start the hub again.';
      const detail = `the disk did not take what was written (${String(error)})`;
      const failure = {reason: 'store-unusable', path: this.#file, detail, hint} as const;
      this.#broken = {
        failure: {kind: 'broken', detail: `${detail}. ${hint}`},
        error: new GodelError(failure, {cause: error}),
      };
      throw this.#broken.error;
    }
  }

  #forgetDeleted(): void {
    this.#main.pragma('secure_delete = FAST');
    try {
      this.#main.pragma('wal_checkpoint(TRUNCATE)');
      this.#scrubs = false;
    } catch (error) {
      // What was to be written is durable; the log is emptied after the next group instead.
      if (!(error instanceof Database.SqliteError)) throw error;
    }
  }

  #fail(error: unknown): void {
    if (this.#broken !== null) {
      // What memory says to be durable is; what is in the file may not be.
      this.#failed = this.#broken.failure;
      return;
    }
    const failure = storeFailure(error, this.#file, HUB_BUSY_HINT);
    const isFull = error instanceof Database.SqliteError && error.code === 'SQLITE_FULL';
    const told = failure?.reason === 'store-unusable' ? `${failure.detail}. ${failure.hint}` : null;
    this.#failed = {kind: isFull ? 'full' : 'broken', detail: told ?? `Internal error: ${String(error)}`};
    this.#undo();
    if (failure === null && !(error instanceof GodelError)) throw error;
  }

  #undo(): void {
    this.#isOpen = false;
    // SQLite has already rolled back after some errors, a full disk for one.
    for (const db of this.#databases) if (db.inTransaction) db.exec('ROLLBACK');
    for (const member of this.#members) member.forget();
    this.#main.pragma('secure_delete = FAST');
  }
}
