import {readFileSync, statSync} from 'node:fs';
import path from 'node:path';
import {GodelError} from '../model/failure.ts';
import type {Cli} from './cli.ts';

export interface TaskTextOptions {
  readonly task?: string;
  readonly taskFile?: string;
}

const MAX_BYTES = 16 * 1024 * 1024;

/** What is to be done, from `--task` or `--task-file`; null when neither was given. */
export function taskText(cli: Cli, {task, taskFile}: TaskTextOptions): string | null {
  if (task !== undefined && taskFile !== undefined) {
    throw new GodelError({reason: 'usage', message: 'The task is given twice: as text and with --task-file'});
  }
  if (taskFile === undefined) return task ?? null;
  const file = path.resolve(cli.cwd, taskFile);
  try {
    const {size} = statSync(file);
    if (size > MAX_BYTES)
      throw new GodelError({reason: 'usage', message: `--task-file ${taskFile} is larger than 16 MiB`});
    return new TextDecoder('utf-8', {fatal: true}).decode(readFileSync(file));
  } catch (error) {
    if (error instanceof GodelError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const why =
      code === 'ENOENT'
        ? 'it does not exist'
        : code === 'EISDIR'
          ? 'it is a folder'
          : 'it is not text in UTF-8 that can be read';
    throw new GodelError({reason: 'usage', message: `--task-file ${taskFile}: ${why}`});
  }
}
