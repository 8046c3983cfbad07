import {randomBytes} from 'node:crypto';
import {createReadStream} from 'node:fs';
import {type FileHandle, open, rename, rm, stat} from 'node:fs/promises';
import path from 'node:path';
import {GodelError} from '../model/failure.ts';

/** Writes a file that is there whole or not at all: beside it first, to the disk, and then under its name. For its owner alone. */
export async function writeWhole(file: string, write: (append: (text: string) => Promise<void>) => Promise<void>) {
  const temporary = `${file}.${randomBytes(4).toString('hex')}.tmp`;
  if ((await stat(file).catch(() => null))?.isDirectory() === true) {
    throw new GodelError({reason: 'usage', message: `${file} is a folder`, hint: 'Give the name of a file in it.'});
  }
  let handle: FileHandle | undefined;
  try {
    handle = await open(temporary, 'wx', 0o600);
    const opened = handle;
    await write(async text => {
      await opened.write(text);
    });
    await handle.sync();
    await handle.close();
    await rename(temporary, file);
    await syncFolder(path.dirname(file));
  } catch (error) {
    await handle?.close().catch(() => undefined);
    await rm(temporary, {force: true}).catch(() => undefined);
    throw fileError(error, 'write', file);
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  await handle.sync().finally(() => handle.close());
}

export interface FileLine {
  /** From 1. */
  readonly number: number;
  readonly text: string;
}

/** A longer one is none of ours. */
const MAX_LINE_BYTES = 32 * 1024 * 1024;
const NEWLINE = 10;

/** The lines of a text, which may be larger than memory; empty ones say nothing. Refuses what is no text, with where. */
export async function* readLines(file: string): AsyncGenerator<FileLine> {
  const decoder = new TextDecoder('utf-8', {fatal: true});
  let rest: Buffer[] = [];
  let restBytes = 0;
  let number = 0;
  const lineOf = (bytes: Buffer): FileLine => {
    number += 1;
    return {number, text: textOf(bytes, {decoder, place: `${file}:${number}`})};
  };
  try {
    for await (const chunk of createReadStream(file)) {
      let bytes = Buffer.from(chunk as Buffer);
      for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE)) {
        const line = lineOf(Buffer.concat([...rest, bytes.subarray(0, end)]));
        [rest, restBytes] = [[], 0];
        bytes = bytes.subarray(end + 1);
        if (line.text !== '') yield line;
      }
      rest.push(bytes);
      restBytes += bytes.length;
      if (restBytes > MAX_LINE_BYTES) throw noMemories(`${file}:${number + 1}`, 'the line is too long');
    }
  } catch (error) {
    throw fileError(error, 'read', file);
  }
  const last = lineOf(Buffer.concat(rest));
  if (last.text !== '') yield last;
}

function textOf(bytes: Buffer, {decoder, place}: {decoder: InstanceType<typeof TextDecoder>; place: string}): string {
  if (bytes.includes(0)) throw noMemories(place, 'it is a binary file');
  try {
    return decoder.decode(bytes).trim();
  } catch {
    throw noMemories(place, 'it is no UTF-8 text');
  }
}

function noMemories(place: string, why: string): GodelError {
  const hint = 'Memories are JSON lines, as `godel memory export` writes them.';
  return new GodelError({reason: 'usage', message: `${place}: ${why}`, hint});
}

function fileError(error: unknown, what: 'read' | 'write', file: string): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error;
  const why = REASONS[String(error.code)] ?? error.message;
  return new GodelError({reason: 'usage', message: `Cannot ${what} ${file}: ${why}`});
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of the path is no folder',
  EACCES: 'you may not',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
};
