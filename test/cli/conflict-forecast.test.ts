import {expect, test} from 'vitest';
import {conflictLines} from '../../src/cli/conflict-forecast.ts';
import {compilePlan} from '../../src/plan/compile-plan.ts';

function lines(tasks: Record<string, unknown>): readonly string[] {
  const plan = compilePlan({version: 1, tasks}, 'test');
  if (!plan.ok) throw new Error(JSON.stringify(plan.failure));
  return conflictLines(plan.value);
}

test('tasks that may change the same files at the same time are named before anything runs', () => {
  expect(
    lines({
      a: {prompt: 'x', touches: ['src/**']},
      b: {prompt: 'x', touches: ['src/b.ts']},
      c: {prompt: 'x', touches: ['docs/**']},
    }),
  ).toEqual([expect.stringMatching(/^Tasks a and b may change the same files \(src\/\*\* and src\/b\.ts\)/)]);
});

test('tasks that wait for each other, however indirectly, are no conflict', () => {
  expect(
    lines({
      a: {prompt: 'x', touches: ['src/**']},
      b: {run: 'true', needs: ['a']},
      c: {prompt: 'x', needs: ['b'], touches: ['src/**']},
    }),
  ).toEqual([]);
});
