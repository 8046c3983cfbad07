import {defineConfig} from 'vitest/config';

/** `unit` touches no process and no socket and runs in `npm run check`; `rig` drives the built program for real. */
export default defineConfig({
  define: {GODEL_VERSION: JSON.stringify('0.0.0-test')},
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts', 'test/**/*.test.tsx'],
          exclude: ['test/**/*.rig.test.ts'],
          testTimeout: 20_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'rig',
          include: ['test/**/*.rig.test.ts'],
          globalSetup: ['test/rig/build-once.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
          sequence: {groupOrder: 1},
        },
      },
    ],
  },
});
