import {execFileSync} from 'node:child_process';
import {readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';

const TYPES = 'dist/types';

rmSync(TYPES, {recursive: true, force: true});

/** What the library (src/index.ts, src/hub.ts) exports, as declarations for programs that use it. */
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const config = fileURLToPath(new URL('tsconfig.types.json', import.meta.url));
execFileSync(process.execPath, [tsc, '--project', config], {stdio: 'inherit'});

// They name each other as our sources do, with `.ts`; that not every compiler finds.
for (const entry of readdirSync(TYPES, {recursive: true, withFileTypes: true})) {
  if (!entry.isFile()) continue;
  const file = join(entry.parentPath, entry.name);
  writeFileSync(
    file,
    readFileSync(file, 'utf8').replaceAll(/(\bfrom |\bimport\()'(\.{1,2}\/[^']+)\.tsx?'/g, "$1'$2.js'"),
  );
}
