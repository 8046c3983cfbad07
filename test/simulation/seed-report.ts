import type {runSeed} from '../../src/simulation/run-seed.ts';

/** What went wrong in a simulated world, what happened before, and how to see it again. */
export function seedReport({seed, violation, trace}: Extract<ReturnType<typeof runSeed>, {ok: false}>): string {
  const replay = `npm run simulate -- --seed ${seed} --trace`;
  return [...trace.slice(-60), `seed ${seed}: ${violation}`, `replay: ${replay}`].join('\n');
}
