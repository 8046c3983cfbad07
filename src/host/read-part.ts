import {open, realpath} from 'node:fs/promises';
import {join, sep} from 'node:path';

/** The most that one request gets. */
export const MAX_PART_BYTES = 1024 * 1024;

export interface Part {
  readonly data: Buffer;
  /** The whole file's size now, null when there is no such file inside the folder. */
  readonly size: number | null;
}

const NOTHING: Part = {data: Buffer.alloc(0), size: null};

/** Reads a piece of a file that lies, links followed, inside `folder`. */
export async function readPart({
  folder,
  file,
  offset,
  length,
}: {
  folder: string;
  file: string;
  offset: number;
  length: number;
}): Promise<Part> {
  try {
    const [realFolder, realFile] = await Promise.all([realpath(folder), realpath(join(folder, file))]);
    if (!realFile.startsWith(realFolder + sep)) return NOTHING;
    const handle = await open(realFile, 'r');
    try {
      const {size} = await handle.stat();
      const wanted = Math.max(0, Math.min(length, MAX_PART_BYTES, size - offset));
      const {buffer, bytesRead} = await handle.read(Buffer.alloc(wanted), 0, wanted, offset);
      return {data: buffer.subarray(0, bytesRead), size};
    } finally {
      await handle.close();
    }
  } catch {
    // Not there (yet), or not readable: to the asker that is the same.
    return NOTHING;
  }
}
