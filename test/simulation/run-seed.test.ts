import {describe, expect, test} from 'vitest';
import {runSeed} from '../../src/simulation/run-seed.ts';

const SEEDS = 600;

describe('the real engine', () => {
  test(`keeps every invariant in ${SEEDS} simulated worlds, in which every fault happened`, {timeout: 180_000}, () => {
    const seen = new Map<string, number>();
    const failed: string[] = [];
    for (let seed = 1; seed <= SEEDS; seed++) {
      const result = runSeed(seed);
      if (!result.ok) failed.push(report(result));
      for (const [what, times] of Object.entries(result.stats.counts)) seen.set(what, (seen.get(what) ?? 0) + times);
    }
    expect(failed).toEqual([]);
    expect(EXERCISED.filter(what => !seen.has(what))).toEqual([]);
  });
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

const EXERCISED = [
  'attempt by an agent that is black hole',
  'attempt by an agent that is flaky',
  'attempt by an agent that is hanging',
  'attempt by an agent that is slow',
  'attempt held',
  'attempt turned away by a breaker',
  'budget raised',
  'event: attempt-speculated',
  'second attempt was first',
  'second attempt was outrun',
  'effect: close-agents',
  'effect: pause-attempts',
  'effect: probe-host',
  'event: attempt-failed, disk-exceeded',
  'event: attempt-failed, memory-exceeded',
  'event: attempt-failed, output-invalid',
  'event: attempt-failed, silent',
  'event: host-health, dead',
  'event: host-health, healthy',
  'event: host-health, suspect',
  'event: host-health, unhealthy',
  'event: round-begun',
  'event: team-revived',
  'event: team-scaled, asked',
  'event: team-scaled, burst',
  'event: team-scaled, idle',
  'event: team-scaled, limits',
  'event: team-scaled, queue',
  'event: team-scaled, width',
  'fault: attempt hangs',
  'fault: breakerPerS',
  'fault: hostHangPerS',
  'order: autoscale',
  'order: count',
  'order: drain',
  'order: kill',
  'order: pause',
  'order: pause-agent',
  'order: restart',
  'order: retry',
  'order: strategy',
  'plan given to an idle team',
  'team taken up again',
  'attempt brings a conflict together',
  'attempt goes on in a session',
  'attempt over its cap',
  'daemon crash after the effects',
  'daemon crash before handling',
  'daemon crash between acknowledgements and effects',
  'daemon crash between commit and acknowledgements',
  'daemon crash between handling and commit',
  'daemon crash between inputs',
  'daemon crash in the middle of the effects',
  'effect: kill-host',
  'effect: read-output',
  'effect: reap',
  'effect: stop-attempts',
  'event: attempt-limited',
  'event: merge-conflict, parked',
  'event: merge-conflict, resolve',
  'event: task-escalated',
  'event: task-failed, git-failed',
  'event: task-failed, merge-verify-failed',
  'event: task-failed, provider-limited',
  'event: task-failed, review-rejected',
  'event: task-reviewed, approved',
  'event: task-reviewed, sent back',
  'event: team-ending by budget',
  'event: team-ending by no-agents',
  'event: team-warning',
  'fault: acknowledgement lost',
  'fault: agents failed',
  'fault: daemonPausePerS',
  'fault: freezePerS',
  'fault: gateChangePerS',
  'fault: git trouble',
  'fault: host did not start',
  'fault: hostCrashPerS',
  'fault: forgedReportPerS',
  'fault: lateDuplicatePerS',
  'fault: host gave up waiting for a daemon',
  'fault: linkBreakPerS',
  'fault: long partition',
  'fault: memoryChangePerS',
  'fault: merge breaks the verify of the plan',
  'fault: merge conflict',
  'fault: output unreadable',
  'fault: permitChangePerS',
  'fault: process ignores SIGTERM',
  'fault: provider limits',
  'fault: reports reordered',
  'fault: stray process',
  'fault: wallJumpPerS',
  'merge found to be done',
  'stray process reaped',
  'teams failed',
  'teams killed',
  'teams succeeded',
];

function report({seed, violation, trace}: Extract<ReturnType<typeof runSeed>, {ok: false}>): string {
  const replay = `npm run simulate -- --seed ${seed} --trace`;
  return [...trace.slice(-60), `seed ${seed}: ${violation}`, `replay: ${replay}`].join('\n');
}
