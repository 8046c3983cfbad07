import {realpathSync} from 'node:fs';

/** Where a path leads when its links are followed; the path itself when it leads nowhere. */
export function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // It does not exist: then no link is in the way either.
    return path;
  }
}
