import {agentId, teamId} from '../../src/model/ids.ts';
import type {RunningView, TeamView} from '../../src/model/team-view.ts';
import {UNKNOWN_USAGE} from '../../src/model/usage.ts';

/** A team as the daemon would show it, for screens and texts. */
export function fabricatedView(change: Partial<TeamView> = {}): TeamView {
  return {
    v: 1,
    team: 'audit',
    teamId: teamId(1),
    state: 'running',
    traceId: '0'.repeat(32),
    endedBecause: null,
    repository: null,
    budget: null,
    warnings: [],
    agents: {requested: 50, ready: 50, busy: 50, starting: 0, failed: 0},
    tasks: {
      total: 1000,
      waiting: 8,
      ready: 530,
      running: 50,
      verifying: 0,
      reviewing: 0,
      merging: 0,
      succeeded: 409,
      failed: 2,
      skipped: 1,
      cancelled: 0,
    },
    attempts: 466,
    retries: 4,
    startedAtMs: 1_790_000_000_000,
    durationMs: 200_000,
    meanBusyAgents: 48.2,
    usage: {...UNKNOWN_USAGE, cpuSeconds: 812, maxRssBytes: 58_720_256},
    waiting: [{why: 'every agent is busy', tasks: 530}],
    running: Array.from({length: 50}, (_, index) => runningTask(index)),
    failures: [
      {
        task: 'check[node_modules/left-pad]',
        attempts: 3,
        failure: {reason: 'command-failed', exitCode: 1, signal: null, tail: 'no licence'},
        text: 'Its command exited with code 1: no licence',
      },
      {
        task: 'check[node_modules/@scope/a-package-with-quite-a-long-name]',
        attempts: 1,
        failure: {reason: 'timed-out', timeoutMs: 60_000},
        text: 'It ran longer than its timeout of 1 min and was stopped. Raise `timeout` in the plan if it needs more.',
      },
    ],
    outcome: null,
    ...change,
  };
}

function runningTask(index: number): RunningView {
  return {
    task: `check[node_modules/package-${index}]`,
    agent: agentId(`audit-${String(index + 1).padStart(2, '0')}`),
    attempt: index === 7 ? 2 : 1,
    verifying: index === 9,
    runtime: null,
    elapsedMs: 500 + index * 1700,
    lastLine: index % 3 === 0 ? `parsed ${index * 12} files of the entry point, no problem found so far` : null,
  };
}
