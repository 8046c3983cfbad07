import {expect, test} from 'vitest';
import {lessonEnd, lessonHead, reviewedEnd, rewardOf} from '../../../src/daemon/memory/lesson.ts';
import {lessonId} from '../../../src/daemon/memory/lesson-id.ts';
import type {AttemptOutcome} from '../../../src/model/attempt.ts';
import type {Failure} from '../../../src/model/failure.ts';
import {UNKNOWN_USAGE} from '../../../src/model/usage.ts';
import {taskSpec} from '../../model/fabricated-specs.ts';

const spec = taskSpec('check', {run: 'make check KEY=hunter22', skills: ['c', 'make']});
const clean = (text: string) => text.replaceAll('hunter22', '***');
const success: AttemptOutcome = {result: {ok: true}, durationMs: 1500, usage: UNKNOWN_USAGE, outputBytes: null};
const failed = (failure: Failure): AttemptOutcome => ({...success, result: {ok: false, failure}});
const exit = {exitCode: 2, signal: null};
const end = (outcome: AttemptOutcome, said: string | null = null, of = spec) =>
  lessonEnd(outcome, {spec: of, said, clean});

test('a lesson has the task with its item and needs, and tags for who did it, without secrets', () => {
  const item = {dir: 'hunter22'};
  expect(lessonHead({taskId: 'check[a]', spec, item, needs: ['list'], team: 'audit'}, clean)).toEqual({
    task: 'check[a]: make check KEY=***',
    input: 'item: {"dir":"***"}\nafter: list',
    tags: ['command', 'c', 'make', 'audit'],
  });
  const means = {runtime: 'claude', model: 'haiku', provider: 'anthropic', cap: {usd: null, tokens: null}};
  const prompt = {...spec, run: undefined, prompt: ['Write ', {item: ['dir']}]};
  const head = lessonHead({taskId: 'w', spec: prompt, item, needs: [], means, team: 'audit'}, clean);
  expect(head).toMatchObject({task: 'w: Write ***', tags: ['claude', 'haiku', 'c', 'make', 'audit']});
});

test('success is told with what was printed, whether it was verified, and what it took', () => {
  expect(end(success, 'all 7 tests pass, hunter22')).toEqual({
    output: 'all 7 tests pass, ***',
    critique: 'It took 1.5 s.',
    reward: 1,
    success: true,
  });
  const dear = {...success, usage: {...UNKNOWN_USAGE, usd: 1}};
  const verified = end(dear, '', taskSpec('check', {run: 'make', verify: 'test -e out'}));
  expect(verified).toMatchObject({critique: 'What was to be verified held.\nIt took 1.5 s and $1.00.', reward: 0.75});
});

test('a failure is told with its sentence and what `verify` printed, and is worth nothing', () => {
  const verify = end(failed({reason: 'verify-failed', ...exit, tail: 'running\n3 tests fail for hunter22'}), 'done');
  expect(verify).toMatchObject({output: 'done', reward: 0, success: false});
  expect(verify?.critique).toMatch(/3 tests fail for \*\*\*\nIt took 1\.5 s\.$/);
  // A host of an earlier version says nothing.
  expect(end(failed({reason: 'command-failed', ...exit, tail: 'no rule'}))).toMatchObject({output: 'no rule'});
});

test.each<Failure>([
  {reason: 'stopped', by: 'user'},
  {reason: 'stopped', by: 'lost-race'},
  {reason: 'provider-limited', provider: 'anthropic', kind: 'quota', retryAfterMs: null, detail: ''},
  {reason: 'runtime-unavailable', what: 'runtime', name: 'claude', retryAfterMs: 1, detail: ''},
  {reason: 'spawn-failed', command: 'sh', code: 'EAGAIN', detail: ''},
  {reason: 'workspace-failed', detail: ''},
  {reason: 'agent-error', runtime: 'claude', kind: 'auth', detail: '', exitCode: 1},
  {reason: 'silent', silentMs: 2, budgetMs: 1},
])('$reason is no lesson', failure => {
  expect(end(failed(failure))).toBeNull();
});

test('what a reviewer says decides', () => {
  const ended = end(success, 'done');
  if (!ended) throw new Error('no lesson');
  const rejected = reviewedEnd(ended, {approved: false, comments: 'no tests, hunter22', clean});
  expect(rejected).toMatchObject({reward: 0, success: false, output: 'done'});
  expect(rejected.critique).toBe('A reviewer sent it back: no tests, ***\nIt took 1.5 s.');
  expect(reviewedEnd(ended, {approved: true, comments: 'good', clean})).toMatchObject({reward: 1, success: true});
});

test('dear success is worth less than cheap success, and more than any failure', () => {
  expect(rewardOf(true, null)).toBe(1);
  expect(rewardOf(true, 0)).toBe(1);
  expect(rewardOf(true, 0.1)).toBeGreaterThan(rewardOf(true, 10));
  expect(rewardOf(true, 1e9)).toBeGreaterThanOrEqual(0.5);
  expect(rewardOf(false, null)).toBe(0);
});

test('an id is a UUIDv7 of its time, the same for the same and another for others', () => {
  const id = lessonId(Date.UTC(2026, 0, 1), ['store', 7]);
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toBe(Date.UTC(2026, 0, 1));
  expect(lessonId(Date.UTC(2026, 0, 1), ['store', 7])).toBe(id);
  expect(lessonId(Date.UTC(2026, 0, 1), ['store', 8])).not.toBe(id);
  expect(lessonId(Date.UTC(2026, 0, 1), ['other', 7])).not.toBe(id);
});
