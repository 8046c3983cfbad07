import {chmodSync, lstatSync, mkdirSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fail, ok, type Result} from '../base/result.ts';
import type {Failure} from '../model/failure.ts';
import type {ProjectPaths} from './project-paths.ts';

/**
 * Makes `.godel` (0700, ignoring itself in git) and the runtime folder (0700). The runtime folder holds sockets and
 * secrets in a place where others can write, so one that is not ours alone is refused, never repaired.
 */
export function prepareFolders(paths: ProjectPaths): Result<void, Failure> {
  const prepared = prepareGodelFolder(paths.godelFolder);
  return prepared.ok ? prepareRuntimeFolder(paths.runtimeFolder) : prepared;
}

/** That the project is another user's, whose `.godel` we cannot look into; null when it is ours or nobody's yet. */
export function foreignProject({godelFolder}: Pick<ProjectPaths, 'godelFolder'>): Failure | null {
  const uid = lstatSync(godelFolder, {throwIfNoEntry: false})?.uid;
  return uid === undefined || uid === process.getuid?.() ? null : notOurs(godelFolder, uid);
}

function prepareGodelFolder(folder: string): Result<void, Failure> {
  try {
    mkdirSync(folder, {mode: 0o700, recursive: true});
    const foreign = foreignProject({godelFolder: folder});
    if (foreign) return fail(foreign);
    const {mode} = lstatSync(folder);
    if ((mode & 0o077) !== 0) chmodSync(folder, 0o700);
    writeOnce(join(folder, '.gitignore'), '*\n');
    return ok(undefined);
  } catch (error) {
    return fail(unusable(folder, error));
  }
}

function prepareRuntimeFolder(folder: string): Result<void, Failure> {
  try {
    mkdirSync(folder, {mode: 0o700, recursive: true});
    const stats = lstatSync(folder);
    const detail = !stats.isDirectory()
      ? 'is not a folder'
      : stats.uid !== process.getuid?.()
        ? `belongs to user ${stats.uid}`
        : (stats.mode & 0o077) !== 0
          ? `can be entered by others (mode ${(stats.mode & 0o777).toString(8)})`
          : null;
    if (detail === null) return ok(undefined);
    const hint = `Remove ${folder}, or set XDG_RUNTIME_DIR to a folder that only you can enter.`;
    return fail({reason: 'project-unusable', path: folder, detail, hint});
  } catch (error) {
    return fail(unusable(folder, error));
  }
}

function writeOnce(file: string, text: string): void {
  try {
    writeFileSync(file, text, {flag: 'wx', mode: 0o600});
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}

function notOurs(folder: string, uid: number): Failure {
  return {
    reason: 'project-unusable',
    path: folder,
    detail: `belongs to user ${uid}`,
    hint: 'Each project is run by one user: use a copy of the project of your own, or ask that user.',
  };
}

/** What can be done when a folder or file of the project cannot be written, by error code. */
export function unusable(path: string, error: unknown): Failure {
  const code = codeOf(error);
  const hints: Record<string, string> = {
    ENOSPC: 'The disk is full: free some space, then try again.',
    EDQUOT: 'Your disk quota is used up: free some space, then try again.',
    EROFS: 'The file system is read-only: work in a copy of the project that can be written.',
    EACCES: `Make ${dirname(path)} and ${path} writable for you, then try again.`,
    EPERM: `Make ${dirname(path)} and ${path} writable for you, then try again.`,
    ENOTDIR: `Move the file that is in the way of ${path}.`,
    EEXIST: `Move the file that is in the way of ${path}.`,
    EISDIR: `Move the folder that is in the way of ${path}.`,
  };
  const detail = error instanceof Error ? error.message : String(error);
  return {reason: 'project-unusable', path, detail, hint: hints[code] ?? `Check that ${path} can be written.`};
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
