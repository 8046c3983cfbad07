import type {Database} from 'better-sqlite3';
import {FIRST_SCHEMA} from './schema/001-first.ts';
import {AGENTS_SCHEMA} from './schema/002-agents.ts';
import {TEAMS_SCHEMA} from './schema/003-teams.ts';
import {TWINS_SCHEMA} from './schema/004-twins.ts';
import {REPOSITORIES_SCHEMA} from './schema/005-repositories.ts';

/** Append-only: what has been released is never edited. The number of a migration is its place, from 1. */
const MIGRATIONS: readonly string[] = [FIRST_SCHEMA, AGENTS_SCHEMA, TEAMS_SCHEMA, TWINS_SCHEMA, REPOSITORIES_SCHEMA];

export const SCHEMA_VERSION = MIGRATIONS.length;

/** Marks the file as a godel store: "gdl1" in ASCII. */
export const APPLICATION_ID = 0x67646c31;

export type SchemaFinding = 'usable' | {readonly newer: number} | 'foreign';

/** Whose database this is, and whether this program may use it. */
export function inspectSchema(db: Database): SchemaFinding {
  const version = Number(db.pragma('user_version', {simple: true}));
  const application = Number(db.pragma('application_id', {simple: true}));
  if (application !== APPLICATION_ID) return isEmpty(db) ? 'usable' : 'foreign';
  return version > SCHEMA_VERSION ? {newer: version} : 'usable';
}

/** Runs what is missing, each migration in a transaction of its own that also records its number. */
export function migrate(db: Database): void {
  const done = Number(db.pragma('user_version', {simple: true}));
  for (const [index, sql] of MIGRATIONS.entries()) {
    if (index < done) continue;
    db.transaction(() => {
      db.pragma(`user_version = ${index + 1}`);
      db.pragma(`application_id = ${APPLICATION_ID}`);
      db.exec(sql);
    }).immediate();
  }
}

function isEmpty(db: Database): boolean {
  return db.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined;
}
