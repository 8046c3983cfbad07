import {describe, expect, test} from 'vitest';
import {runSeed} from '../../src/simulation/run-seed.ts';
import {MUTANTS, type Mutant} from './mutants.ts';

/** Far above what any of them needs today; the real engine passes many more. */
const SEEDS = 400;

/** Where they were noticed when last somebody looked, so that it need not be searched for. */
const NOTICED_IN = new Map([
  ['has a disk that forgets the newest commit in a crash', 6],
  ['tries once too often', 5],
  ['forgets open attempts in a restart', 6],
  ['uses a fencing token again after a restart', 6],
  ['ignores priorities', 5],
  ['lets what has lost its race run on', 28],
  ['starts a second attempt of what may not run twice', 23],
  ['records the success of both of two attempts', 28],
  ['ignores fail-fast', 13],
  ['ignores max-failures', 20],
  ['forgets to tell of tasks that failed', 5],
  ['takes a rejection for an approval', 13],
  ['sends a task back once too often', 24],
  ['forgets in a restart what is being merged', 9],
  ['merges other work than was reviewed', 13],
  ['forgets in a restart what has been used of the budget', 9],
  ['gives work to agents without the skill', 9],
  ['gives prompts to any coding agent', 7],
  ['has no preferences', 18],
  ['never escalates', 13],
  ['forgets sessions in a restart', 9],
  ['forgets in a restart who has left', 13],
  ['stops what those do who are to leave', 18],
  ['holds nothing when a team is paused', 13],
  ['does not hear signs of life', 5],
  ['takes what works for silent', 5],
  ['takes every host for stopped', 19],
  ['ignores what an hour may cost', 20],
  ['takes work away with an agent that is only to leave', 39],
]);

describe('the simulation notices an engine or daemon that', () => {
  test.each(MUTANTS)('$name', mutant => {
    const caught = firstCaught(mutant);
    expect(caught, `not noticed in ${SEEDS} seeds`).not.toBeNull();
  });
});

test('where a mutant was noticed is said only of those there are', () => {
  const names = MUTANTS.map(({name}) => name);
  expect([...NOTICED_IN.keys()].filter(name => !names.includes(name))).toEqual([]);
});

function firstCaught({name, options}: Mutant): {seed: number; violation: string} | null {
  const likely = NOTICED_IN.get(name) ?? 1;
  for (let tried = 0; tried < SEEDS; tried++) {
    // All of them, from the likely one on.
    const seed = ((likely - 1 + tried) % SEEDS) + 1;
    const result = runSeed(seed, options(seed));
    if (!result.ok) return result;
  }
  return null;
}
