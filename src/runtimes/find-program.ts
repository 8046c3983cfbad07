import {constants} from 'node:fs';
import {access, stat} from 'node:fs/promises';
import {delimiter, isAbsolute, join} from 'node:path';

/**
 * The absolute path of a program, looked for as the OS would, without a shell; null when there is none. Folders of PATH that
 * are not absolute are passed over: what they hold depends on the folder one stands in, which may be a stranger's repository.
 */
export async function findProgram(name: string, path: string | undefined): Promise<string | null> {
  if (isAbsolute(name)) return (await isProgram(name)) ? name : null;
  if (name.includes('/')) return null;
  for (const folder of (path ?? '').split(delimiter)) {
    const file = join(folder, name);
    if (isAbsolute(folder) && (await isProgram(file))) return file;
  }
  return null;
}

async function isProgram(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    // Not there, or not ours to run: both mean that it is not this one.
    return false;
  }
}
