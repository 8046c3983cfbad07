import {readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {build} from 'esbuild';

/**
 * Packages that a daemon or a host loads at its start. Within the bundle they cost a third of the time that finding and
 * reading them file by file takes; how long a killed daemon or host is away is mostly that.
 */
const BUNDLED = ['@dagrejs/graphlib', '@hono/node-server', 'hono', 'p-queue', 'pino', 'ws', 'zod'];

const {version, dependencies} = JSON.parse(readFileSync('package.json', 'utf8'));
rmSync('dist', {recursive: true, force: true});

const COMMON = {
  outdir: 'dist',
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  sourcemap: 'linked',
  logLevel: 'warning',
};

/** One bundle per process, so that each starts fast; the other packages are loaded from node_modules. */
const {metafile} = await build({
  ...COMMON,
  entryPoints: {
    cli: 'src/cli/entry.ts',
    daemon: 'src/daemon/entry.ts',
    host: 'src/host/entry.ts',
    hub: 'src/hub/process/entry.ts',
    // For other programs, see docs/library.md and docs/hub.md.
    index: 'src/index.ts',
    'hub-server': 'src/hub.ts',
    'hub-client': 'src/hub-client.ts',
  },
  splitting: true,
  // The last two make `ws` faster where somebody has installed them.
  external: [...Object.keys(dependencies).filter(name => !BUNDLED.includes(name)), 'bufferutil', 'utf-8-validate'],
  // Some of the packages are CommonJS and require modules of Node.
  banner: {js: "import {createRequire as requireFor} from 'node:module'; const require = requireFor(import.meta.url);"},
  metafile: true,
  chunkNames: 'chunks/[name]-[hash]',
  define: {
    GODEL_VERSION: JSON.stringify(version),
  },
});

/** Loaded by pi, not by us, in a way of its own: one file that needs nothing. */
await build({...COMMON, entryPoints: {'pi-guard': 'src/runtimes/pi-guard/entry.ts'}});

/** The licenses of what is in the bundle, and of the types that build-types.mjs copies, as they ask for. */
const folders = Object.keys(metafile.inputs).flatMap(
  file => /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file)?.[0] ?? [],
);
folders.push('node_modules/@types/better-sqlite3');
const licenses = [...new Set(folders)].sort().map(folder => {
  const {name} = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find(each => /^licen[cs]e/i.test(each));
  if (file === undefined) throw new Error(`package ${name} has no license file, so it cannot be bundled`);
  return `${name}\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
});
writeFileSync('dist/licenses.txt', licenses.join(`\n${'-'.repeat(80)}\n\n`));
