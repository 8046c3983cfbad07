import {existsSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';

/** The built program of the daemon, of a host or of a hub; this module may be in `dist`, in one of its chunks, or in `src`. */
export function programFile(program: 'daemon' | 'host' | 'hub'): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const folders = [here, dirname(here), join(here, '..', '..', 'dist')];
  const file = folders.map(folder => join(folder, `${program}.js`)).find(candidate => existsSync(candidate));
  if (file === undefined)
    throw new Error(`${program}.js is missing beside ${here}: run \`npm run build\`, or install godel again`);
  return file;
}
