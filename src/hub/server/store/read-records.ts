import Database from 'better-sqlite3';
import {fail, ok, type Result} from '../../../base/result.ts';
import type {Failure} from '../../../model/failure.ts';
import {BUSY_TIMEOUT_MS, isForeign, isNewer} from '../../../sqlite/open-database.ts';
import {inspectSchema} from '../../../sqlite/schema-version.ts';
import {storeFailure} from '../../../sqlite/sqlite-failure.ts';
import {type AuditRow, type AuditWanted, readAudit, takenNotes} from './audit-log.ts';
import {Bodies, type Seal} from './bodies.ts';
import {HUB_BUSY_HINT, HUB_SCHEMA} from './hub-schema.ts';
import {readSessions, type SessionRow, type SessionsWanted} from './sessions.ts';

interface Source {
  readonly file: string;
  /** Null: it is not sealed. */
  readonly seal: Seal | null;
}

interface ReadAudit {
  readonly rows: readonly AuditRow[];
  /** Names of notes that are rows already, though they may still lie where they waited. */
  readonly taken: ReadonlySet<string>;
}

/** The audit log of a database that no hub has open, which is left as it is. */
export function readAuditLog(source: Source, wanted: AuditWanted): Result<ReadAudit, Failure> {
  return reading(source, (db, bodies) => {
    const isSealed = db.prepare<[], number>("SELECT value FROM meta WHERE key = 'sealed'").pluck().get() === 1;
    if (isSealed && source.seal === null) return fail(isClosed(source.file));
    return ok({rows: readAudit(db, bodies, wanted), taken: takenNotes(db)});
  });
}

/** The sessions of a database that no hub has open, which is left as it is: who seems to be connected was so when its hub was killed. */
export function readSessionLog(source: Source, wanted: SessionsWanted): Result<readonly SessionRow[], Failure> {
  return reading(source, db => ok(readSessions(db, wanted)));
}

function reading<T>(
  {file, seal}: Source,
  read: (db: Database.Database, bodies: Bodies) => Result<T, Failure>,
): Result<T, Failure> {
  try {
    const db = new Database(file, {readonly: true, fileMustExist: true, timeout: BUSY_TIMEOUT_MS});
    try {
      const finding = inspectSchema(db, HUB_SCHEMA);
      if (finding === 'foreign' || db.pragma('user_version', {simple: true}) === 0) return fail(isForeign(file));
      if (finding !== 'usable') return fail(isNewer(file, finding.newer, HUB_SCHEMA.migrations.length));
      return read(db, new Bodies(seal));
    } finally {
      db.close();
    }
  } catch (error) {
    const failure = storeFailure(error, file, HUB_BUSY_HINT);
    if (failure === null) throw error;
    return fail(failure);
  }
}

function isClosed(path: string): Failure {
  const detail = 'its audit log is sealed, and there is no key';
  return {reason: 'store-unusable', path, detail, hint: 'Give the key it was sealed with: --master-key-file.'};
}
