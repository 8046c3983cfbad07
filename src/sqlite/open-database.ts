import {statfsSync, statSync} from 'node:fs';
import {dirname} from 'node:path';
import Database from 'better-sqlite3';
import {fail, ok, type Result} from '../base/result.ts';
import type {Failure} from '../model/failure.ts';
import {networkFilesystem} from './network-filesystem.ts';
import {makePrivate} from './private-file.ts';
import {type DatabaseSchema, inspectSchema, migrate} from './schema-version.ts';
import {storeFailure} from './sqlite-failure.ts';

/** How long a predecessor that is just ending may still hold the file, in milliseconds. */
export const BUSY_TIMEOUT_MS = 1000;

export interface OpenDatabaseOptions {
  readonly file: string;
  /** The statfs type of a folder; given by tests that have no network file system at hand. */
  readonly filesystemType: (folder: string) => number;
  readonly schema: DatabaseSchema;
  /** What to do when another process has it open. */
  readonly busyHint: string;
}

export function readFilesystemType(folder: string): number {
  return statfsSync(folder).type;
}

/** Opens the file as ours alone, readable for the user alone, with its schema up to date. */
export function openDatabase(options: OpenDatabaseOptions): Result<Database.Database, Failure> {
  const {file, filesystemType, busyHint} = options;
  try {
    const network = networkFilesystem(filesystemType(dirname(file)));
    if (network !== null) return fail(onNetwork(file, network));
    if (statSync(file, {throwIfNoEntry: false})?.isDirectory() === true) return fail(isFolder(file));
    makePrivate(file);
    return openFile(options);
  } catch (error) {
    const failure = storeFailure(error, file, busyHint);
    if (failure === null) throw error;
    return fail(failure);
  }
}

function openFile({file, schema}: OpenDatabaseOptions): Result<Database.Database, Failure> {
  const db = new Database(file, {timeout: BUSY_TIMEOUT_MS});
  let opened = false;
  try {
    const failure = prepare(db, file, schema);
    if (failure !== null) return fail(failure);
    opened = true;
    return ok(db);
  } finally {
    if (!opened) db.close();
  }
}

function prepare(db: Database.Database, file: string, schema: DatabaseSchema): Failure | null {
  // Before the first access: then WAL needs no shared memory, and the lock that is taken below is kept until closing.
  db.pragma('locking_mode = EXCLUSIVE');
  const finding = inspectSchema(db, schema);
  if (finding === 'foreign') return isForeign(file);
  if (finding !== 'usable') return isNewer(file, finding.newer, schema.migrations.length);
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  // macOS flushes to the platter only when asked to; elsewhere these do nothing.
  db.pragma('fullfsync = ON');
  db.pragma('checkpoint_fullfsync = ON');
  db.pragma('journal_size_limit = 67108864');
  db.exec('BEGIN IMMEDIATE; COMMIT');
  migrate(db, schema);
  return null;
}

function onNetwork(path: string, network: string): Failure {
  return {
    reason: 'store-unusable',
    path,
    detail: `its folder is on a network file system (${network}), where locks cannot be relied on`,
    hint: 'Put it on a local disk.',
  };
}

function isFolder(path: string): Failure {
  return {
    reason: 'store-unusable',
    path,
    detail: 'it is a folder, not a file',
    hint: `Move the folder ${path} away, then try again.`,
  };
}

export function isForeign(path: string): Failure {
  return {
    reason: 'store-unusable',
    path,
    detail: "it is another program's database",
    hint: `Move ${path} away, then try again.`,
  };
}

export function isNewer(path: string, version: number, known: number): Failure {
  return {
    reason: 'store-unusable',
    path,
    detail: `it was written by a newer godel (schema ${version}, this one knows up to ${known})`,
    hint: `Update godel, or move ${path} away to start afresh.`,
  };
}
