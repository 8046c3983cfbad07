import {closeSync, fstatSync, openSync, readSync} from 'node:fs';

const MAX_BYTES = 256 * 1024;

/** The last lines of a file, oldest first; of a huge file those within its last 256 KiB. Empty when it is not there. */
export function logTail(file: string, lines: number): readonly string[] {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch {
    return [];
  }
  try {
    const {size} = fstatSync(fd);
    const length = Math.min(size, MAX_BYTES);
    const buffer = Buffer.alloc(length);
    const read = readSync(fd, buffer, 0, length, size - length);
    const text = buffer.toString('utf8', 0, read).trimEnd();
    return text === '' ? [] : text.split('\n').slice(-lines);
  } finally {
    closeSync(fd);
  }
}
