import {describe, expect, test} from 'vitest';
import {parsePlan} from '../../src/plan/parse-plan.ts';

const parse = (eject: string) =>
  parsePlan({file: 'plan.yaml', bytes: Buffer.from(`version: 1\neject: ${eject}\ntasks: {a: {run: x}}\n`)});

function ejectionOf(eject: string) {
  const parsed = parse(eject);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.failure));
  return parsed.value.plan.ejection;
}

describe('when agents are left out', () => {
  test('is what the plan names; the rest is as the settings have it', () => {
    expect(ejectionOf('{failures: 3, time: 10s, share: 0.25, interval: 0.5}')).toEqual({
      failures: 3,
      timeMs: 10_000,
      share: 0.25,
      intervalMs: 500,
    });
    expect(ejectionOf('{time: 1h}')).toEqual({timeMs: 3_600_000});
    expect(ejectionOf('false')).toEqual({share: 0});
  });

  test.each([
    ['{failures: 0}', '`eject.failures` must be a whole number from 1 to 1000, not 0'],
    ['{failures: -1}', 'a whole number from 1 to 1000, not -1'],
    ['{failures: 1.0e+9}', 'a whole number from 1 to 1000, not 1000000000'],
    ['{failures: many}', 'a whole number from 1 to 1000, not "many"'],
    ['{time: 0}', '`eject.time` must be a time'],
    ['{time: 2h}', 'a time from 100 ms to 1 hour'],
    ['{time: -1s}', 'must be a time'],
    ['{interval: 1000000000}', '`eject.interval` must be a time'],
    ['{share: -1}', '`eject.share` must be a number from 0 to 1, not -1'],
    ['{share: 1.0e+9}', 'a number from 0 to 1, not 1000000000'],
    ['{share: half}', 'a number from 0 to 1, not "half"'],
    ['{falures: 3}', 'unknown key `falures` in `eject`'],
    ['true', '`eject` must be `false`, or a mapping with'],
  ])('%s is told of with what would be right', (eject, message) => {
    const parsed = parse(eject);
    if (parsed.ok || parsed.failure.reason !== 'plan-invalid') throw new Error('expected a problem');
    expect(parsed.failure.problems).toMatchObject([{line: 2, message: expect.stringContaining(message)}]);
  });
});
