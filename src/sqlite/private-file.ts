import {accessSync, chmodSync, closeSync, constants, openSync, statSync} from 'node:fs';
import {dirname} from 'node:path';

/**
 * Makes a database readable and writable for its owner alone, also when it is new. Throws the system's error when it
 * cannot be written or no file made beside it, which SQLite would notice later and say less clearly. An existing file is not opened here:
 * closing any descriptor of it would drop the locks that this process holds on it.
 */
export function makePrivate(file: string): void {
  const found = statSync(file, {throwIfNoEntry: false});
  if (found === undefined) closeSync(openSync(file, 'a', 0o600));
  else if ((found.mode & 0o077) !== 0) chmodSync(file, 0o600);
  accessSync(file, constants.R_OK | constants.W_OK);
  accessSync(dirname(file), constants.W_OK | constants.X_OK);
}
