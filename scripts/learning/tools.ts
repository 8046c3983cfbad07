import {accessSync, constants} from 'node:fs';
import {delimiter, join} from 'node:path';

const TOOLS = `awk base64 bash bzip2 cmp cut grep gunzip gzip perl sed sort tr wc xz zstd`.split(' ');

/** Programs that the tasks use and that are not in the PATH. `sort` must be that of GNU for `-h`, `-V` and `-g`. */
export function missingTools(): readonly string[] {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return TOOLS.filter(tool => !folders.some(folder => isProgram(join(folder, tool))));
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
