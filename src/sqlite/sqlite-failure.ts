import Database from 'better-sqlite3';
import type {Failure} from '../model/failure.ts';

type Advice = {readonly detail: string; readonly hint: (path: string, busyHint: string) => string};

const BUSY: Advice = {
  detail: 'another process has it open',
  hint: (_path, busyHint) => busyHint,
};
const DAMAGED: Advice = {
  detail: 'it is damaged or not a database',
  hint: path => `Move ${path} and ${path}-wal away to start afresh, or restore them from a backup.`,
};
const FULL: Advice = {
  detail: 'the disk is full',
  hint: path => `Free some space on the disk of ${path}, then try again.`,
};
const UNREADABLE: Advice = {
  detail: 'the disk reported an error',
  hint: path => `Check the disk of ${path} (free space, quota, file size limit, \`dmesg\`), then try again.`,
};
const READ_ONLY: Advice = {
  detail: 'it cannot be written',
  hint: path => `Make ${path} and its folder writable for your user (\`ls -ld\`, \`mount\`), then try again.`,
};
const UNOPENABLE: Advice = {
  detail: 'it or the files beside it cannot be opened',
  hint: path => `See that the folder of ${path} exists and is writable for your user, then try again.`,
};

/** By the first part of SQLite's result code, or the code of a system error while the file is prepared. */
const BY_CODE: Readonly<Record<string, Advice>> = {
  BUSY,
  LOCKED: BUSY,
  NOTADB: DAMAGED,
  CORRUPT: DAMAGED,
  FULL,
  ENOSPC: FULL,
  EDQUOT: FULL,
  IOERR: UNREADABLE,
  EIO: UNREADABLE,
  READONLY: READ_ONLY,
  PERM: READ_ONLY,
  AUTH: READ_ONLY,
  EROFS: READ_ONLY,
  EACCES: READ_ONLY,
  EPERM: READ_ONLY,
  CANTOPEN: UNOPENABLE,
  ENOENT: UNOPENABLE,
  ENOTDIR: UNOPENABLE,
};

/** The failure behind an error of SQLite or of the file system; null when the error is none of theirs, hence a bug. */
export function storeFailure(error: unknown, path: string, busyHint: string): Failure | null {
  if (!(error instanceof Error)) return null;
  const code = codeOf(error);
  const advice = code === null ? undefined : BY_CODE[code];
  if (advice === undefined) return null;
  return {
    reason: 'store-unusable',
    path,
    detail: `${advice.detail} (${error.message})`,
    hint: advice.hint(path, busyHint),
  };
}

function codeOf(error: Error): string | null {
  if (error instanceof Database.SqliteError) return /^SQLITE_([A-Z]+)/.exec(error.code)?.[1] ?? null;
  return 'code' in error && typeof error.code === 'string' ? error.code : null;
}
