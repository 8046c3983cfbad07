import {defineConfig} from 'vitest/config';
import {LongestFirst} from './test/rig/longest-first.ts';

/** Twice the cores of the smallest machine: tests wait half of their time, most of it for other processes. */
const WORKERS = 4;

/**
 * Where nothing is isolated, no module keeps anything between tests that another could see; a process for each file would cost a
 * third of a second.
 *
 * `unit` runs in `npm run check` and needs nothing but Node and git; `rig` drives the built program for real; `clis` drives
 * the real coding-agent CLIs that `npm run test:clis` fetches.
 */
export default defineConfig({
  define: {GODEL_VERSION: JSON.stringify('0.0.0-test')},
  test: {
    sequence: {sequencer: LongestFirst},
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts', 'test/**/*.test.tsx'],
          exclude: ['test/**/*.rig.test.ts', 'test/**/*.clis.test.ts'],
          testTimeout: 60_000,
          isolate: false,
          maxWorkers: WORKERS,
        },
      },
      {
        extends: true,
        test: {
          name: 'rig',
          include: ['test/**/*.rig.test.ts'],
          globalSetup: ['test/rig/build-once.ts', 'test/model-server/fetch-clis.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          isolate: false,
          maxWorkers: WORKERS,
          sequence: {groupOrder: 1},
        },
      },
      {
        extends: true,
        test: {
          name: 'clis',
          include: ['test/**/*.clis.test.ts'],
          testTimeout: 120_000,
          maxWorkers: 1,
          sequence: {groupOrder: 2},
        },
      },
    ],
  },
});
