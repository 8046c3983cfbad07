import {closeSync, copyFileSync, existsSync, fsyncSync, openSync, renameSync, rmSync} from 'node:fs';
import {dirname} from 'node:path';
import Database from 'better-sqlite3';
import {fail, ok, type Result} from '../../../base/result.ts';
import type {Failure} from '../../../model/failure.ts';
import {BUSY_TIMEOUT_MS, isForeign, isNewer} from '../../../sqlite/open-database.ts';
import {makePrivate} from '../../../sqlite/private-file.ts';
import {inspectSchema} from '../../../sqlite/schema-version.ts';
import {storeFailure} from '../../../sqlite/sqlite-failure.ts';
import {Bodies, type Seal} from './bodies.ts';
import {DATA_KEYS, type DataKey} from './credentials.ts';
import type {Group} from './group.ts';
import {renewLogId} from './log-id.ts';
import {HUB_BUSY_HINT, HUB_SCHEMA} from './hub-schema.ts';
import {verifyDatabase, type VerifyReport, verifySteps} from './verify.ts';

/** Pages that are copied before others have their turn: 1 MiB. */
const PAGES_IN_ONE_GO = 256;
/** Waits no longer for who has it open than who opens it to write. */
const READING = {readonly: true, fileMustExist: true, timeout: BUSY_TIMEOUT_MS} as const;

export interface BackupSource {
  readonly db: Database.Database;
  readonly bodies: Bodies;
  readonly group: Group;
}

/**
 * Copies an open database into a new file, page by page between other work; what is written meanwhile is copied too. The copy
 * is read (rows, not pages: those are for `verifyBackup`) before it gets its name. Sealed stays sealed.
 */
export async function backUp({db, bodies, group}: BackupSource, to: string): Promise<Result<VerifyReport, Failure>> {
  if (existsSync(to)) return fail(isThere(to));
  const part = `${to}.part`;
  try {
    rmSync(part, {force: true});
    makePrivate(part);
    // SQLite copies nothing while the same connection has a transaction open.
    const {totalPages} = await group.hurry(() => db.backup(part, {progress: () => PAGES_IN_ONE_GO}));
    if (totalPages === 0) return fail(couldNot(to, 'the database was busy all the time'));
    const report = await readCopy(part, bodies);
    if (report.findings.length > 0) return fail(isDamaged(part, report));
    settle(part, to);
    return ok(report);
  } catch (error) {
    const failure = storeFailure(error, to, HUB_BUSY_HINT);
    if (failure === null) throw error;
    return fail(failure);
  } finally {
    rmSync(part, {force: true});
  }
}

/** Reads a database that no hub has open, all of it. */
export function verifyHubStore({file, seal}: {file: string; seal: Seal | null}): Result<VerifyReport, Failure> {
  try {
    const db = new Database(file, READING);
    try {
      const finding = inspectSchema(db, HUB_SCHEMA);
      if (finding === 'foreign' || isEmpty(db)) return fail(isForeign(file));
      if (finding !== 'usable') return fail(isNewer(file, finding.newer, HUB_SCHEMA.migrations.length));
      const isSealed = db.prepare<[], number>("SELECT value FROM meta WHERE key = 'sealed'").pluck().get() === 1;
      const bodies = isSealed && seal === null ? null : new Bodies(seal);
      return ok(verifyDatabase({db, bodies, pages: true}));
    } finally {
      db.close();
    }
  } catch (error) {
    const failure = storeFailure(error, file, HUB_BUSY_HINT);
    if (failure === null) throw error;
    return fail(failure);
  }
}

/** The data keys, wrapped as they are, that stand in a database which no hub has open. Throws on what is no such database. */
export function readDataKeys(file: string): readonly DataKey[] {
  const db = new Database(file, READING);
  try {
    return db.prepare<[], DataKey>(DATA_KEYS).all();
  } finally {
    db.close();
  }
}

/** Puts a backup where a hub looks for its database, once it has been verified. The hub must not be running there. */
export function restoreHubStore(options: {from: string; to: string; seal: Seal | null}): Result<VerifyReport, Failure> {
  const {from, to, seal} = options;
  for (const file of [to, `${to}-wal`]) if (existsSync(file)) return fail(isThere(file));
  const verified = verifyHubStore({file: from, seal});
  if (!verified.ok) return verified;
  if (verified.value.findings.length > 0) return fail(isDamaged(from, verified.value));
  const part = `${to}.part`;
  try {
    rmSync(part, {force: true});
    makePrivate(part);
    copyFileSync(from, part);
    renewLog(part);
    settle(part, to);
    return verified;
  } catch (error) {
    const failure = storeFailure(error, to, HUB_BUSY_HINT);
    if (failure === null) throw error;
    return fail(failure);
  } finally {
    rmSync(part, {force: true});
  }
}

async function readCopy(file: string, bodies: Bodies): Promise<VerifyReport> {
  const db = new Database(file);
  try {
    // One file, which can be read where nothing can be written.
    db.pragma('journal_mode = DELETE');
    renewLogId(db);
    const steps = verifySteps({db, bodies, pages: false});
    for (;;) {
      const {done, value} = steps.next();
      if (done === true) return value;
      await new Promise(resolve => setImmediate(resolve));
    }
  } finally {
    db.close();
  }
}

/** Whoever put the same backup back twice has two logs. */
function renewLog(file: string): void {
  const db = new Database(file);
  try {
    db.pragma('journal_mode = DELETE');
    renewLogId(db);
  } finally {
    db.close();
  }
}

/** Gives a whole file its name, so that it survives the death of the machine. */
function settle(part: string, to: string): void {
  sync(part);
  renameSync(part, to);
  sync(dirname(to));
}

function sync(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function isEmpty(db: Database.Database): boolean {
  return db.pragma('user_version', {simple: true}) === 0;
}

function isThere(path: string): Failure {
  const detail = 'it is there already, and nothing is written over it';
  return {reason: 'store-unusable', path, detail, hint: `Name another file, or move ${path} away.`};
}

function couldNot(path: string, detail: string): Failure {
  return {reason: 'store-unusable', path, detail: `the backup failed: ${detail}`, hint: 'Try again.'};
}

function isDamaged(path: string, {findings}: VerifyReport): Failure {
  const detail = `it is damaged: ${findings.slice(0, 3).join('; ')}`;
  return {reason: 'store-unusable', path, detail, hint: 'Use an older backup; `godel hub verify` tells more.'};
}
