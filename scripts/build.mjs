import {rmSync} from 'node:fs';
import {build} from 'esbuild';

rmSync('dist', {recursive: true, force: true});

/** One bundle per process, so that each starts fast; packages stay outside and are loaded from node_modules. */
await build({
  entryPoints: {
    cli: 'src/cli/entry.ts',
    daemon: 'src/daemon/entry.ts',
    host: 'src/host/entry.ts',
    // For other programs, see docs/library.md.
    index: 'src/index.ts',
    // Loaded by pi, not by us.
    'pi-guard': 'src/runtimes/pi-guard/entry.ts',
  },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  packages: 'external',
  chunkNames: 'chunks/[name]-[hash]',
  sourcemap: 'linked',
  define: {
    GODEL_VERSION: JSON.stringify(JSON.parse((await import('node:fs')).readFileSync('package.json', 'utf8')).version),
  },
  logLevel: 'warning',
});
