import {randomUUID} from 'node:crypto';
import type {Database} from 'better-sqlite3';

const READ = "SELECT value FROM meta WHERE key = 'log'";
const WRITE = "INSERT OR REPLACE INTO meta (key, value) VALUES ('log', ?)";

/**
 * Which log the positions of this database count in: made with it, and made anew in each copy that may become a database, since what
 * came after the copy has other positions there.
 */
export function logIdOf(db: Database): string {
  const known = db.prepare<[], string>(READ).pluck().get();
  return known ?? renewLogId(db);
}

export function renewLogId(db: Database): string {
  const made = randomUUID();
  db.prepare<[string]>(WRITE).run(made);
  return made;
}
