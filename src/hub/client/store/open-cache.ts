import {mkdirSync} from 'node:fs';
import {dirname, resolve} from 'node:path';
import Database from 'better-sqlite3';
import {openDatabase, readFilesystemType} from '../../../sqlite/open-database.ts';
import {type DatabaseSchema, migrate} from '../../../sqlite/schema-version.ts';
import {storeFailure} from '../../../sqlite/sqlite-failure.ts';
import type {Failure} from '../../../model/failure.ts';
import {newTenantSecret} from '../../security/end-to-end.ts';
import {createPrivateFile, readPrivateFile} from '../../security/private-file.ts';
import {cacheUnusable, type HubError} from '../hub-error.ts';
import {type CacheLimits, cacheLimits} from './cache-limits.ts';
import {type BodyCode, newSalt, PLAIN, readCacheKey, SealedCode} from './cache-seal.ts';
import {BUSY_HINT} from './cache-writes.ts';
import {EpisodeCache} from './episode-cache.ts';
import {FIRST_SCHEMA} from './schema/001-first.ts';
import {FORGOTTEN_SCHEMA} from './schema/002-forgotten.ts';
import {TAGS_SCHEMA} from './schema/003-tags.ts';

export interface OpenCacheOptions {
  readonly tenantId: string;
  /** A file, made when there is none, in a folder that is made as well; or `:memory:`, which is gone with its process. */
  readonly memoryPath?: string | undefined;
  /** Seals what is kept in the file (AES-256-GCM); a file is sealed from its beginning or not at all. */
  readonly enableEncryption?: boolean;
  /** 32 random bytes as base64. Without it, the file `memoryPath` + `.key`, for its owner alone, which is made when there is none. */
  readonly encryptionKey?: string;
  readonly limits?: Partial<CacheLimits>;
  /** Wall time, Unix epoch in milliseconds. */
  readonly wallMs?: () => number;
}

/** A client's cache: "gdc1" in ASCII. */
const SCHEMA: DatabaseSchema = {
  applicationId: 0x67646331,
  migrations: [FIRST_SCHEMA, FORGOTTEN_SCHEMA, TAGS_SCHEMA],
};
const CHECK = 'check';

/** Throws a HubError: `bad-option`, or `cache-unusable` with why and what to do. The cache is ours alone until it is closed. */
export function openCache(options: OpenCacheOptions): EpisodeCache {
  const {tenantId, memoryPath = ':memory:', enableEncryption = false, wallMs = Date.now} = options;
  const limits = cacheLimits(options.limits ?? {});
  const isFile = memoryPath !== ':memory:';
  const db = isFile ? openFile(resolve(memoryPath)) : openMemory();
  try {
    const file = resolve(memoryPath);
    limitFile(db, limits.fileBytes);
    const code = isFile && enableEncryption ? sealedCode(db, file, options) : PLAIN;
    checkIsOurs(db, code, {file: memoryPath, tenantId, isSealed: code !== PLAIN});
    return new EpisodeCache(db, {file: memoryPath, limits, code, text: code === PLAIN ? 'main' : 'temp', wallMs});
  } catch (error) {
    db.close();
    const failure = storeFailure(error, memoryPath, BUSY_HINT);
    throw failure === null ? error : cacheUnusable(failure);
  }
}

function limitFile(db: Database.Database, bytes: number): void {
  const pageSize = Number(db.pragma('page_size', {simple: true}));
  db.pragma(`max_page_count = ${Math.max(1, Math.floor(bytes / pageSize))}`);
}

function openMemory(): Database.Database {
  const db = new Database(':memory:');
  migrate(db, SCHEMA);
  return db;
}

function openFile(file: string): Database.Database {
  try {
    mkdirSync(dirname(file), {recursive: true});
  } catch (error) {
    const failure = storeFailure(error, file, BUSY_HINT);
    throw failure === null ? error : cacheUnusable(failure);
  }
  const opened = openDatabase({file, filesystemType: readFilesystemType, schema: SCHEMA, busyHint: BUSY_HINT});
  if (!opened.ok) throw cacheUnusable(opened.failure);
  const db = opened.value;
  // What is lost with the machine is not lost with the process; what was acknowledged, the hub has.
  db.pragma('synchronous = NORMAL');
  db.pragma('temp_store = MEMORY');
  return db;
}

function sealedCode(db: Database.Database, file: string, {tenantId, encryptionKey}: OpenCacheOptions): BodyCode {
  const secret = readCacheKey(encryptionKey ?? keyBeside(file));
  const read = db.prepare<[], Buffer>("SELECT value FROM facts WHERE name = 'salt'").pluck();
  let salt = read.get();
  if (salt === undefined) {
    salt = newSalt();
    db.prepare<[Buffer]>("INSERT INTO facts (name, value) VALUES ('salt', ?)").run(salt);
  }
  return new SealedCode(secret, {salt, tenantId});
}

function keyBeside(file: string): string {
  const path = `${file}.key`;
  createPrivateFile(path, `${newTenantSecret()}\n`);
  return readPrivateFile(path) ?? '';
}

/** The file says, sealed as everything in it, whose it is. */
function checkIsOurs(
  db: Database.Database,
  code: BodyCode,
  {file, tenantId, isSealed}: {file: string; tenantId: string; isSealed: boolean},
): void {
  const found = db.prepare<[string], string | Buffer>('SELECT value FROM facts WHERE name = ?').pluck().get(CHECK);
  if (found === undefined) {
    db.prepare('INSERT INTO facts (name, value) VALUES (?, ?)').run(CHECK, code.encode(CHECK, tenantId));
    return;
  }
  const wasSealed = typeof found !== 'string';
  if (wasSealed && !isSealed) throw unusable(file, 'it is sealed', 'Give enableEncryption and its key.');
  if (!wasSealed && isSealed) {
    throw unusable(
      file,
      'it was begun without encryption',
      'Sync it and begin another file, or leave enableEncryption out.',
    );
  }
  let owner: string | null;
  try {
    owner = code.decode(CHECK, found);
  } catch {
    // Another key or another tenant: a sealed file does not say which.
    owner = null;
  }
  if (owner === tenantId) return;
  const whose =
    owner === null ? `its key is another one, or it is not of tenant ${tenantId}` : `it is of tenant ${owner}`;
  throw unusable(file, whose, 'Give the tenant and key it was begun with, or another memoryPath.');
}

function unusable(path: string, detail: string, hint: string): HubError {
  const failure: Failure = {reason: 'store-unusable', path, detail, hint};
  return cacheUnusable(failure);
}
