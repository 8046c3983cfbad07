import {statSync} from 'node:fs';
import {join} from 'node:path';
import Database from 'better-sqlite3';
import {fail, ok, type Result} from '../../../base/result.ts';
import type {Failure} from '../../../model/failure.ts';
import {openDatabase, readFilesystemType} from '../../../sqlite/open-database.ts';
import {storeFailure} from '../../../sqlite/sqlite-failure.ts';
import type {Seal} from './bodies.ts';
import {HUB_BUSY_HINT, HUB_SCHEMA} from './hub-schema.ts';
import {DEFAULT_LIMITS, type HubStoreLimits} from './limits.ts';
import {TEXT_MARKS} from './schema/001-first.ts';
import {SqliteHubStore} from './sqlite-hub-store.ts';

export interface HubStoreOptions {
  /** Absolute path of the database; its folder exists. */
  readonly file: string;
  /** Whether and how what is kept is encrypted; a database is sealed from its beginning or not at all. */
  readonly seal?: Seal | null;
  readonly limits?: Partial<HubStoreLimits>;
  /** Wall time, Unix epoch in milliseconds. */
  readonly nowMs?: () => number;
  /** The statfs type of a folder, to refuse network file systems. */
  readonly filesystemType?: (folder: string) => number;
}

/** Files up to this size are checked whole when they are opened; of larger ones only the small tables. */
const CHECKED_WHOLE_BYTES = 64 * 2 ** 20;
const SMALL_TABLES = ['meta', 'tenants', 'embedders', 'text_marks', 'agent_keys', 'revoked_tokens', 'data_keys'];

const READ_SEALED = "SELECT value FROM meta WHERE key = 'sealed'";
const WRITE_SEALED = "INSERT INTO meta (key, value) VALUES ('sealed', ?)";

/** Pages of the write-ahead log after which it is written back. Larger than SQLite's 1000: a batch of episodes is large. */
const CHECKPOINT_PAGES = 4000;

/** Opens the hub's database, making it when there is none. It is ours alone until it is closed or the process ends. */
export function openHubStore(options: HubStoreOptions): Result<SqliteHubStore, Failure> {
  const {file, seal = null, filesystemType = readFilesystemType} = options;
  const opened = openDatabase({file, filesystemType, schema: HUB_SCHEMA, busyHint: HUB_BUSY_HINT});
  if (!opened.ok) return opened;
  const db = opened.value;
  let failure: Failure | null = null;
  try {
    failure = checkQuickly(db, file) ?? checkSealed(db, file, seal !== null);
    if (failure === null) return ok(storeOf(db, options));
  } catch (error) {
    failure = storeFailure(error, file, HUB_BUSY_HINT);
    if (failure === null) {
      db.close();
      throw error;
    }
  }
  db.close();
  return fail(failure);
}

function storeOf(db: Database.Database, options: HubStoreOptions): SqliteHubStore {
  const {file, seal = null, nowMs = Date.now} = options;
  const limits = {...DEFAULT_LIMITS, ...options.limits};
  db.pragma('secure_delete = FAST');
  db.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  limitFile(db, limits.fileBytes);
  const store = new SqliteHubStore({file, db, memory: seal === null ? null : memoryIndex(), seal, limits, nowMs});
  store.sessions.endAll();
  // With sealing this makes everything searchable anew; otherwise what a sudden end has left.
  store.followText(Number.POSITIVE_INFINITY);
  store.flush();
  return store;
}

function memoryIndex(): Database.Database {
  const memory = new Database(':memory:');
  memory.exec(TEXT_MARKS);
  return memory;
}

function limitFile(db: Database.Database, bytes: number | null): void {
  if (bytes === null) return;
  const pageSize = Number(db.pragma('page_size', {simple: true}));
  db.pragma(`max_page_count = ${Math.max(1, Math.floor(bytes / pageSize))}`);
}

/** Whether pages and rows are where they belong; what rows contain is checked as they are read. */
function checkQuickly(db: Database.Database, file: string): Failure | null {
  const size = statSync(file).size;
  const tables = size <= CHECKED_WHOLE_BYTES ? [null] : SMALL_TABLES;
  for (const table of tables) {
    const said = String(db.pragma(table === null ? 'quick_check(1)' : `quick_check(${table})`, {simple: true}));
    if (said !== 'ok') return isDamaged(file, said);
  }
  return null;
}

function checkSealed(db: Database.Database, file: string, seals: boolean): Failure | null {
  const read = db.prepare<[], number>(READ_SEALED).pluck();
  const sealed = read.get();
  if (sealed === undefined) db.prepare<[number]>(WRITE_SEALED).run(Number(seals));
  else if (sealed === 1 && !seals) return isSealed(file);
  else if (sealed === 0 && seals) return isPlain(file);
  return null;
}

function isDamaged(path: string, said: string): Failure {
  return {
    reason: 'store-unusable',
    path,
    detail: `it is damaged (${said})`,
    hint: `Put back a backup with \`godel hub restore\`, or move ${path} and ${path}-wal away to start afresh.`,
  };
}

function isSealed(path: string): Failure {
  return {
    reason: 'store-unusable',
    path,
    detail: 'it is sealed, and the hub was given no key',
    hint: 'Start the hub with the key it was sealed with.',
  };
}

function isPlain(path: string): Failure {
  return {
    reason: 'store-unusable',
    path,
    detail: 'it was begun without sealing, and what is in it would stay readable',
    hint: `Start the hub without sealing, or with a new database beside ${join(path, '..')}.`,
  };
}
