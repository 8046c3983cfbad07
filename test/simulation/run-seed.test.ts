import {describe, expect, test} from 'vitest';
import {runSeed} from '../../src/simulation/run-seed.ts';
import {seedReport} from './seed-report.ts';

/** Enough to notice most of what goes wrong at once; `many-seeds.rig.test.ts` runs many more. */
const SEEDS = 200;

test(`the real engine keeps every invariant in ${SEEDS} simulated worlds`, {timeout: 180_000}, () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const result = runSeed(seed);
    expect(result.ok ? null : seedReport(result)).toBeNull();
  }
});

describe('a seed', () => {
  test('always tells the same story', () => {
    for (const seed of [3, 14, 159, 265]) {
      const [once, again] = [runSeed(seed), runSeed(seed)];
      expect(once.stats).toEqual(again.stats);
      expect(once.stats.lines).toBeGreaterThan(20);
    }
  });

  test('tells another story than the next one', () => {
    const hashes = new Set([1, 2, 3, 4, 5].map(seed => runSeed(seed).stats.hash));
    expect(hashes.size).toBe(5);
  });

  test('gives the violation and the last lines when an invariant breaks', () => {
    const makesNothing = () => ({
      engine: {
        handle: () => ({records: [], effects: []}),
        nextDeadlineMs: () => null,
        view: () => null,
        standing: () => null,
        agents: () => [],
      },
      step: {records: [], effects: []},
    });
    const result = runSeed(1, {makeEngine: makesNothing});
    expect(result.ok).toBe(false);
    if (result.ok) return;
    expect(result.violation).toMatch(/every plan comes to its end|something always happens/);
    expect(result.trace.at(-1)).toMatch(/^ *\d+\.\d /);
  });
});
