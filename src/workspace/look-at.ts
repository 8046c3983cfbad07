import {lstatSync, type Stats} from 'node:fs';

/** What lies there itself, links not followed; undefined: nothing, also where what should be its folder is a file. */
export function lookAt(path: string | Buffer): Stats | undefined {
  try {
    return lstatSync(path, {throwIfNoEntry: false});
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOTDIR') return undefined;
    throw error;
  }
}
