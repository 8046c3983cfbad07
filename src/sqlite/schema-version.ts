import type {Database} from 'better-sqlite3';

/** What marks the files of one kind of database, and the steps that lead to its present form. */
export interface DatabaseSchema {
  /** Four ASCII bytes, written to the file's `application_id`. */
  readonly applicationId: number;
  /** Append-only: what has been released is never edited. The number of a migration is its place, from 1. */
  readonly migrations: readonly string[];
}

export type SchemaFinding = 'usable' | {readonly newer: number} | 'foreign';

/** Whose database this is, and whether this program may use it. */
export function inspectSchema(db: Database, {applicationId, migrations}: DatabaseSchema): SchemaFinding {
  const version = Number(db.pragma('user_version', {simple: true}));
  const application = Number(db.pragma('application_id', {simple: true}));
  if (application !== applicationId) return isEmpty(db) ? 'usable' : 'foreign';
  return version > migrations.length ? {newer: version} : 'usable';
}

/** Runs what is missing, each migration in a transaction of its own that also records its number. */
export function migrate(db: Database, {applicationId, migrations}: DatabaseSchema): void {
  const done = Number(db.pragma('user_version', {simple: true}));
  for (const [index, sql] of migrations.entries()) {
    if (index < done) continue;
    db.transaction(() => {
      db.pragma(`user_version = ${index + 1}`);
      db.pragma(`application_id = ${applicationId}`);
      db.exec(sql);
    }).immediate();
  }
}

function isEmpty(db: Database): boolean {
  return db.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined;
}
