import {expect, test} from 'vitest';
import {agentId, attemptId, hostId, taskSeq, teamId} from '../../src/model/ids.ts';
import type {AttemptRow} from '../../src/model/row.ts';
import {UNKNOWN_USAGE} from '../../src/model/usage.ts';
import {checkLedger} from './chaos-round.ts';

function attempt(id: number, {ok}: {ok: boolean}): AttemptRow {
  const outcome = {result: {ok: true}, durationMs: 1, usage: UNKNOWN_USAGE, outputBytes: null} as const;
  return {
    id: attemptId(id),
    teamId: teamId(1),
    task: taskSeq(0),
    taskId: 'a',
    number: id,
    agentId: agentId('chaos-01'),
    hostId: hostId('h'),
    leasedAtMs: 0,
    endedAtMs: 1,
    outcome: ok ? outcome : null,
  };
}

const ATTEMPTS = [attempt(1, {ok: false}), attempt(2, {ok: true})];

test('an attempt that was killed and one after it that succeeded are as they should be', () => {
  expect(() => checkLedger(['start s.1 a', 'start s.2 a', 'end s.2 a'], ATTEMPTS)).not.toThrow();
});

test.each([
  [
    'two attempts at the same time',
    ['start s.1 a', 'start s.2 a', 'end s.1 a', 'end s.2 a'],
    /still ran when attempt 2/,
  ],
  ['an attempt nobody recorded', ['start s.1 a', 'start s.7 a'], /not recorded/],
  ['an attempt that was started twice', ['start s.1 a', 'start s.1 a'], /started twice/],
  ['an attempt of another task', ['start s.1 b'], /is recorded for a/],
  ['a success that did not finish', ['start s.1 a', 'start s.2 a'], /did not finish/],
] as const)('the chaos check notices %s', (_, ledger, message) => {
  expect(() => checkLedger(ledger, ATTEMPTS)).toThrow(message);
});
