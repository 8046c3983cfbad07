import {expect, test} from 'vitest';
import {chaosReport} from '../../src/chaos/chaos-report.ts';
import type {Fault} from '../../src/chaos/fault.ts';
import type {EventBody} from '../../src/model/event.ts';
import {agentId, attemptId, hostId} from '../../src/model/ids.ts';
import type {TaskState} from '../../src/model/task.ts';

/** A story of attempts: each begins at 1000 × its id, and what becomes of it is known 250 ms later. */
interface Told {
  readonly id: number;
  readonly task?: string;
  readonly fault?: Fault;
  readonly end: 'succeeded' | 'command-failed' | 'verify-failed' | 'lost' | 'none';
  readonly starts?: number;
}

function report(told: readonly Told[], state: TaskState, retries = 0) {
  const ledger = told.flatMap(({id, fault, starts = 1}) => {
    const line = {attempt: id, cookie: `s.${id}`, atMs: id * 1000};
    return [
      ...Array.from({length: starts}, () => ({...line, what: 'start'}) as const),
      ...(fault === undefined ? [] : [{...line, what: fault}]),
    ];
  });
  const events = told.flatMap(({id, task = 'work[a]', end}) => {
    const attempt = attemptId(id);
    const leased = {type: 'attempt-leased', task, attempt, number: id, agent: agentId('a'), host: hostId('h')} as const;
    const after = endOf(end, {task, attempt});
    return [{atMs: id * 1000 - 10, body: leased}, ...(after === null ? [] : [{atMs: id * 1000 + 250, body: after}])];
  });
  const tasks = [{id: 'work[a]', state}];
  return chaosReport({ledger, events, tasks, retries: new Map([['work', retries]])});
}

function endOf(end: Told['end'], of: {task: string; attempt: ReturnType<typeof attemptId>}): EventBody | null {
  if (end === 'none') return null;
  if (end === 'succeeded') return {type: 'task-succeeded', ...of, durationMs: 1};
  if (end === 'lost') return {type: 'attempt-lost', ...of, host: hostId('h')};
  const failure = {reason: end, exitCode: 1, signal: null, tail: ''} as const;
  return {type: 'attempt-failed', ...of, failure, retryInMs: null};
}

const SUCCEEDED: TaskState = {name: 'succeeded'};
const FAILED: TaskState = {
  name: 'failed',
  failure: {reason: 'command-failed', exitCode: 1, signal: null, tail: ''},
};

test('each fault is shown with how it was noticed, and after how long', () => {
  const {faults, attempts, faulty, troubles} = report(
    [
      {id: 1, fault: 'garbage', end: 'command-failed'},
      {id: 2, fault: 'garbage', end: 'verify-failed'},
      {id: 3, fault: 'crash', end: 'lost'},
      {id: 4, fault: 'slow', end: 'succeeded'},
    ],
    SUCCEEDED,
  );
  expect(faults).toEqual([
    {fault: 'garbage', played: 2, noticed: {'command-failed': 1, 'verify-failed': 1}, medianMs: 250, longestMs: 250},
    {fault: 'crash', played: 1, noticed: {lost: 1}, medianMs: 250, longestMs: 250},
    {fault: 'slow', played: 1, noticed: {succeeded: 1}, medianMs: null, longestMs: null},
  ]);
  expect({attempts, faulty, troubles}).toEqual({attempts: 4, faulty: 4, troubles: []});
});

test.each<[string, readonly Told[], TaskState, number, readonly string[]]>([
  ['a failure of its own', [{id: 1, end: 'command-failed'}], FAILED, 0, []],
  [
    'a failure of its own after one that a retry was for',
    [
      {id: 1, fault: 'crash', end: 'command-failed'},
      {id: 2, end: 'command-failed'},
      {id: 3, end: 'command-failed'},
    ],
    FAILED,
    1,
    [],
  ],
  ['a failure of its own in an attempt that was slow', [{id: 1, fault: 'slow', end: 'command-failed'}], FAILED, 0, []],
  ['a failure of faults alone', [{id: 1, fault: 'hang', end: 'command-failed'}], FAILED, 0, ['failed']],
  [
    'a success by a retry that was added',
    [
      {id: 1, end: 'command-failed'},
      {id: 2, end: 'succeeded'},
    ],
    SUCCEEDED,
    0,
    ['lucky'],
  ],
  [
    'a success by a retry of its own',
    [
      {id: 1, end: 'command-failed'},
      {id: 2, end: 'succeeded'},
    ],
    SUCCEEDED,
    1,
    [],
  ],
  [
    'an attempt that was lost with its host',
    [
      {id: 1, end: 'lost'},
      {id: 2, end: 'succeeded'},
    ],
    SUCCEEDED,
    0,
    [],
  ],
  ['a fault that was taken for success', [{id: 1, fault: 'garbage', end: 'succeeded'}], SUCCEEDED, 0, ['lied']],
  [
    'two successes',
    [
      {id: 1, end: 'succeeded'},
      {id: 2, end: 'succeeded'},
    ],
    SUCCEEDED,
    0,
    ['twice'],
  ],
  ['an attempt that was started twice', [{id: 1, starts: 2, end: 'succeeded'}], SUCCEEDED, 0, ['twice']],
  ['a task that is not over', [{id: 1, end: 'none'}], {name: 'ready'}, 0, ['lost']],
  [
    'an attempt that the end of the team has stopped',
    [{id: 1, fault: 'hang', end: 'none'}],
    {name: 'cancelled', by: 'user'},
    0,
    [],
  ],
])('%s', (_, told, state, retries, troubles) => {
  expect(report(told, state, retries).troubles.map(({trouble}) => trouble)).toEqual(troubles);
});
