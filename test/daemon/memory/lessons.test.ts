import {expect, test} from 'vitest';
import type {AttemptMemory, Bearing, Lesson, Recall, Use} from '../../../src/daemon/memory/attempt-memory.ts';
import {Lessons} from '../../../src/daemon/memory/lessons.ts';
import type {Assignment} from '../../../src/federation/engine-io.ts';
import type {AttemptOutcome} from '../../../src/model/attempt.ts';
import type {EventBody} from '../../../src/model/event.ts';
import type {Memory} from '../../../src/model/episode.ts';
import {agentId, attemptId, taskSeq, teamId} from '../../../src/model/ids.ts';
import type {EngineRecord} from '../../../src/model/record.ts';
import {UNKNOWN_USAGE} from '../../../src/model/usage.ts';
import {taskSpec, teamSpec} from '../../model/fabricated-specs.ts';
import {memory} from './fabricated-memory.ts';

const spec = taskSpec('check', {run: 'make check'});
const team = teamSpec({count: 1, name: 'audit'});
const assignment: Assignment = {
  attempt: attemptId(9),
  teamId: teamId(1),
  task: taskSeq(4),
  taskId: 'check',
  spec,
  item: undefined,
  number: 1,
  agentId: agentId('audit-01'),
  needs: [],
};
const success: AttemptOutcome = {result: {ok: true}, durationMs: 10, usage: UNKNOWN_USAGE, outputBytes: null};

function setUp({
  recall,
  waitMs = 5000,
}: {
  recall?: (asked: Recall) => Promise<readonly Memory[]>;
  waitMs?: number;
} = {}) {
  const lessons: Lesson[] = [];
  const bearings: Bearing[] = [];
  const uses: Use[] = [];
  const warnings: string[] = [];
  const asked: Recall[] = [];
  const kept: AttemptMemory = {
    prepare: () => undefined,
    recall: each => {
      asked.push(each);
      return recall ? recall(each) : Promise.resolve([memory({id: 'a'}), memory({id: 'b'})]);
    },
    remember: lesson => lessons.push(lesson),
    confirm: bearing => bearings.push(bearing),
    use: use => uses.push(use),
    close: () => Promise.resolve(),
  };
  const note = () => undefined;
  const log = {debug: note, info: note, error: note, warn: (_facts: object, text: string) => void warnings.push(text)};
  const of = new Lessons({
    memoryOf: () => kept,
    storeId: 'store',
    count: 5,
    waitMs,
    cleanerOf: () => text => text,
    // Called with facts and a sentence everywhere.
    log: log as never,
  });
  return {of, lessons, bearings, uses, warnings, asked};
}

function ended(outcome: AttemptOutcome | null, attempt = assignment.attempt): EngineRecord {
  return {kind: 'attempt-ended', id: attempt, outcome, atMs: 1_700_000_000_000};
}

function happened(body: EventBody): EngineRecord {
  return {kind: 'event', event: {teamId: teamId(1), atMs: 1_700_000_001_000, body}};
}

test('what an attempt is given is borne out by its end, and its end is remembered once', async () => {
  const {of, lessons, bearings, asked} = setUp();
  const given = await of.before(assignment, team);
  expect(given?.map(({id}) => id)).toEqual(['a', 'b']);
  expect(asked).toEqual([{query: 'check: make check', k: 5, deadlineMs: 5000}]);
  of.said(assignment.attempt, 'it works');
  expect(lessons).toEqual([]);
  of.settled([ended(success)]);
  of.settled([ended(success)]);
  expect(lessons).toHaveLength(1);
  expect(lessons[0]).toMatchObject({agentId: 'audit-01', sessionId: 'audit', output: 'it works', success: true});
  expect(bearings.map(({episode, success: held, by}) => [episode, held, by])).toEqual([
    ['a', true, 'audit-01'],
    ['b', true, 'audit-01'],
  ]);
  expect(new Set([...bearings.map(({id}) => id), lessons[0]?.id]).size).toBe(3);
});

test('what an attempt is given counts as used, once for each attempt and memory, whatever becomes of the attempt', async () => {
  const {of, uses} = setUp();
  await of.before(assignment, team);
  await of.before({...assignment, attempt: attemptId(10)}, team);
  expect(uses.map(({episode}) => episode)).toEqual(['a', 'b', 'a', 'b']);
  expect(new Set(uses.map(({id}) => id)).size).toBe(4);
  const again = setUp();
  await again.of.before(assignment, team);
  expect(again.uses).toEqual(uses.slice(0, 2));
  const late = setUp({recall: () => new Promise(() => undefined), waitMs: 1});
  await late.of.before(assignment, team);
  expect(late.uses).toEqual([]);
});

test('what an agent has said of a memory it says again only when it has changed its mind', async () => {
  const {of, bearings} = setUp();
  const failure: AttemptOutcome = {...success, result: {ok: false, failure: {reason: 'timed-out', timeoutMs: 1}}};
  for (const [index, outcome] of [success, success, failure, failure, success].entries()) {
    const attempt = attemptId(20 + index);
    await of.before({...assignment, attempt}, team);
    of.settled([ended(outcome, attempt)]);
  }
  expect(bearings.filter(({episode}) => episode === 'a').map(bearing => bearing.success)).toEqual([true, false, true]);
});

test('a team without memory is given nothing and leaves nothing', () => {
  const {of, lessons, asked} = setUp();
  expect(of.before(assignment, {...team, memory: 'off'})).toBeNull();
  of.said(assignment.attempt, 'it works');
  of.settled([ended(success)]);
  expect([lessons, asked]).toEqual([[], []]);
});

test('lost and stopped attempts leave nothing, and neither bear out nor refute what they were given', async () => {
  const {of, lessons, bearings} = setUp();
  for (const outcome of [null, {...success, result: {ok: false, failure: {reason: 'stopped', by: 'user'}}} as const]) {
    await of.before(assignment, team);
    of.settled([ended(outcome)]);
  }
  expect([lessons, bearings]).toEqual([[], []]);
});

test('a memory that does not answer, or fails, costs no more than the wait, and is complained of once', async () => {
  const silent = setUp({recall: () => new Promise(() => undefined), waitMs: 1});
  expect(await silent.of.before(assignment, team)).toEqual([]);
  expect(await silent.of.before(assignment, team)).toEqual([]);
  expect(silent.warnings).toEqual(['the memory did not answer in time: attempts begin without memories']);
  const broken = setUp({recall: () => Promise.reject(new Error('away'))});
  expect(await broken.of.before(assignment, team)).toEqual([]);
  expect(broken.warnings).toEqual(['the memory could not be asked: attempts begin without memories']);
  broken.of.settled([ended(success)]);
  expect(broken.lessons).toHaveLength(1);
});

test('of an attempt that is reviewed the verdict decides; the review itself is no lesson', async () => {
  const {of, lessons, bearings} = setUp();
  const work = {commit: 'c', base: 'b', ref: 'r', files: 1, insertions: 1, deletions: 0};
  const reviewed = {...assignment, spec: {...spec, review: {rounds: 2}}};
  await of.before(reviewed, team);
  of.settled([ended({...success, work})]);
  expect(lessons).toEqual([]);
  const review = {...assignment, attempt: attemptId(10), taskId: 'check.review'};
  await of.before({...review, reviewed: {task: taskSeq(4), taskId: 'check', spec, work, item: undefined}}, team);
  const by = agentId('audit-02');
  const body = {type: 'task-reviewed', task: 'check', by, approved: false, comments: 'no tests'} as const;
  of.settled([ended(success, attemptId(10)), happened(body)]);
  of.settled([happened(body)]);
  expect(lessons).toHaveLength(1);
  expect(lessons[0]).toMatchObject({success: false, reward: 0});
  expect(lessons[0]?.critique).toContain('no tests');
  expect(bearings.every(bearing => !bearing.success)).toBe(true);
});

test('attempts that an earlier daemon left at work leave a lesson with the same id', async () => {
  const first = setUp();
  await first.of.before(assignment, team);
  first.of.settled([ended(success)]);
  const again = setUp();
  const id = teamId(1);
  const plan = {name: null, env: {}, tasks: [spec]};
  const open = {id: assignment.attempt, task: taskSeq(0), number: 1, agentId: assignment.agentId};
  const task = {seq: taskSeq(0), id: 'check', specIndex: 0, group: null, item: null};
  again.of.restore([{id, spec: {...team, plan}, tasks: [task], openAttempts: [open]}] as never);
  again.of.settled([ended(success)]);
  expect(again.lessons.map(lesson => lesson.id)).toEqual(first.lessons.map(lesson => lesson.id));
  expect(again.lessons[0]).toMatchObject({task: 'check: make check', agentId: 'audit-01'});
  expect(again.bearings).toEqual([]);
});
