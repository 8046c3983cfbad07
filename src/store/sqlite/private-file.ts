import {chmodSync, closeSync, openSync, statSync} from 'node:fs';

/**
 * Makes a database readable and writable for its owner alone, also when it is new. An existing file is not opened here:
 * closing any descriptor of it would drop the locks that this process holds on it.
 */
export function makePrivate(file: string): void {
  const found = statSync(file, {throwIfNoEntry: false});
  if (found === undefined) closeSync(openSync(file, 'a', 0o600));
  else if ((found.mode & 0o077) !== 0) chmodSync(file, 0o600);
}
