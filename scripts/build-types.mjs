import {execFileSync} from 'node:child_process';
import {copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join, relative} from 'node:path';
import {fileURLToPath} from 'node:url';

const TYPES = 'dist/types';

rmSync(TYPES, {recursive: true, force: true});

/** What the library (src/index.ts, src/hub.ts) exports, as declarations for programs that use it. */
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const config = fileURLToPath(new URL('tsconfig.types.json', import.meta.url));
execFileSync(process.execPath, [tsc, '--project', config], {stdio: 'inherit'});

// better-sqlite3 is installed with us, but has no types of its own; ours name them.
const sqliteTypes = join(TYPES, 'better-sqlite3.d.cts');
copyFileSync('node_modules/@types/better-sqlite3/index.d.ts', sqliteTypes);

// They name each other as our sources do, with `.ts`; that not every compiler finds.
for (const entry of readdirSync(TYPES, {recursive: true, withFileTypes: true})) {
  const file = join(entry.parentPath, entry.name);
  if (!entry.isFile() || file === sqliteTypes) continue;
  const sqlite = relative(entry.parentPath, sqliteTypes).replace('.d.cts', '.cjs');
  writeFileSync(
    file,
    readFileSync(file, 'utf8')
      .replaceAll(/(\bfrom |\bimport\()'(\.{1,2}\/[^']+)\.tsx?'/g, "$1'$2.js'")
      .replaceAll("'better-sqlite3'", `'${sqlite}'`),
  );
}
