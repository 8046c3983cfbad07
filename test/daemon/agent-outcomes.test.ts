import {expect, test} from 'vitest';
import {agentOutcomes} from '../../src/daemon/agent-outcomes.ts';
import type {Failure} from '../../src/model/failure.ts';
import {agentId, attemptId, hostId, taskSeq, teamId} from '../../src/model/ids.ts';
import type {AttemptRow} from '../../src/model/row.ts';
import {UNKNOWN_USAGE} from '../../src/model/usage.ts';

const ended = (agent: string, durationMs: number, failure: Failure | null = null): AttemptRow => ({
  id: attemptId(1),
  teamId: teamId(1),
  task: taskSeq(0),
  taskId: 'a',
  number: 1,
  agentId: agentId(agent),
  hostId: hostId('h'),
  leasedAtMs: 0,
  endedAtMs: 1,
  outcome: {
    result: failure === null ? {ok: true} : {ok: false, failure},
    durationMs,
    usage: UNKNOWN_USAGE,
    outputBytes: null,
  },
});

test('successes make the mean, failures the error rate, and newer ones weigh more', () => {
  const crash: Failure = {reason: 'command-failed', exitCode: 1, signal: null, tail: ''};
  const facts = agentOutcomes([ended('a', 1000), ended('a', 2000), ended('a', 5, crash), ended('b', 10, crash)]);
  expect(facts.get(agentId('a'))).toMatchObject({succeeded: 2, failed: 1, meanMs: 1100});
  expect(facts.get(agentId('a'))?.errorRate).toBeCloseTo(0.1);
  expect(facts.get(agentId('b'))).toEqual({succeeded: 0, failed: 1, meanMs: null, errorRate: 1});
});

test('what was lost, stopped or turned away by a provider says nothing of an agent', () => {
  const limited: Failure = {
    reason: 'provider-limited',
    provider: 'p',
    kind: 'quota',
    retryAfterMs: null,
    detail: '',
  };
  const rows = [
    ended('a', 1, {reason: 'stopped', by: 'user'}),
    ended('a', 1, limited),
    {...ended('a', 1), outcome: null},
  ];
  expect(agentOutcomes(rows).size).toBe(0);
});
