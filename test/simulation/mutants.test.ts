import {describe, expect, test} from 'vitest';
import {runSeed} from '../../src/simulation/run-seed.ts';
import {MUTANTS, type Mutant} from './mutants.ts';

/** Far above what any of them needs today; the real engine passes many more. */
const SEEDS = 400;

describe('the simulation notices an engine or daemon that', () => {
  test.each(MUTANTS)('$name', mutant => {
    const caught = firstCaught(mutant);
    expect(caught, `not noticed in ${SEEDS} seeds`).not.toBeNull();
  });
});

function firstCaught({options}: Mutant): {seed: number; violation: string} | null {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const result = runSeed(seed, options(seed));
    if (!result.ok) return result;
  }
  return null;
}
