import {describe, expect, test} from 'vitest';
import {parsePlan} from '../../src/plan/parse-plan.ts';

const parse = (text: string) => parsePlan({file: 'plan.yaml', bytes: Buffer.from(text)});

function limitsOf(text: string) {
  const parsed = parse(text);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.failure));
  return parsed.value.plan.tasks.map(({limits}) => limits);
}

function problemOf(task: string): string {
  const parsed = parse(`version: 1\ntasks:\n  a: {run: x, ${task}}\n`);
  if (parsed.ok || parsed.failure.reason !== 'plan-invalid') throw new Error('expected a problem');
  return parsed.failure.problems.map(({message}) => message).join('\n');
}

describe('limits', () => {
  test('are bytes, cores and milliseconds; what is not named is not limited', () => {
    const [all, none] = limitsOf(
      `version: 1
tasks:
  a: {run: x, workspace: worktree, silence: 90s, limits: {memory: 1.5GiB, cpus: 0.5, nice: 10, output: 64K, disk: 2 GB}}
  b: {run: x}
`.replace('64K', '64M'),
    );
    expect(all).toEqual({
      memoryBytes: 1.5 * 1024 ** 3,
      cpus: 0.5,
      nice: 10,
      outputBytes: 64 * 1024 ** 2,
      diskBytes: 2 * 1024 ** 3,
      silenceMs: 90_000,
    });
    expect(none).toBeUndefined();
  });

  test('come from the defaults one by one; that of the disk only where there is a worktree', () => {
    const limits = limitsOf(`version: 1
defaults: {silence: 5m, limits: {memory: 1GiB, nice: 3, disk: 1GiB}}
tasks:
  a: {run: x, limits: {memory: 2GiB}}
  b: {prompt: Do it., silence: 1h}
`);
    expect(limits).toEqual([
      {memoryBytes: 2 * 1024 ** 3, nice: 3, silenceMs: 300_000},
      {memoryBytes: 1024 ** 3, nice: 3, diskBytes: 1024 ** 3, silenceMs: 3_600_000},
    ]);
  });

  test.each([
    ['limits: {memory: lots}', 'a size such as'],
    ['limits: {memory: 0MB}', 'a size such as'],
    ['limits: {memory: 2000000}', 'a size such as'],
    ['limits: {cpus: 0}', 'more than 0'],
    ['limits: {nice: -3}', 'a whole number from 1 to 19'],
    ['limits: {memroy: 1GB}', 'memroy'],
    ['limits: 1GB', 'a mapping with'],
    ['limits: {tokens: 5}', 'a limit of `tokens`, and a command uses none'],
    ['limits: {tokens: -1}', 'a whole number from 1'],
    ['silence: never', 'a time such as'],
    ['limits: {disk: 1GB}', 'a limit of `disk`, and it runs in place'],
  ])('%s is wrong', (task, message) => {
    expect(problemOf(task)).toContain(message);
  });
});
