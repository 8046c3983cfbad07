import {describe, expect, test} from 'vitest';
import {areNearIdentical, mergeNearIdentical} from '../../../src/hub/recall/near-identical.ts';
import {lesson} from './lessons.ts';

const TASK = 'Fix the failing login test of the web shop';
const LESSON = 'Wait for the session cookie before the page is opened, then the form is filled in reliably every time.';

describe('near-identical lessons', () => {
  test('are those with the same words, whatever their case and marks', () => {
    const a = lesson({key: 1, task: 'Fix the login-test!', critique: 'Wait for it.', vector: null});
    const b = lesson({key: 2, task: 'fix the Login test', critique: 'wait for IT', vector: null});
    expect(areNearIdentical(a, b)).toBe(true);
  });

  test('and those with nearly the same words and vectors', () => {
    const a = lesson({key: 1, task: TASK, critique: LESSON});
    const b = lesson({key: 2, task: TASK, critique: `${LESSON} Really.`});
    expect(areNearIdentical(a, b)).toBe(true);
    expect(areNearIdentical(a, {...b, vector: null})).toBe(false);
  });

  test.each([
    ['another end', {episode: {success: false}}],
    ['a negation', {critique: LESSON.replace('Wait', 'Do not wait')}],
    ['a number', {critique: `${LESSON} It takes 30 s.`}],
    ['another task', {task: 'Write the manual of the payment service'}],
  ])('but not when one has %s', (_what, other) => {
    const [a, b] = [
      lesson({key: 1, task: TASK, critique: LESSON}),
      lesson({key: 2, task: TASK, critique: LESSON, ...other}),
    ];
    expect(areNearIdentical(a, b, {minSimilarity: 0.5})).toBe(false);
  });

  test('numbers count: 500 is not 5000', () => {
    const of = (key: number, ms: number) => lesson({key, task: TASK, critique: `${LESSON} Set the timeout to ${ms}.`});
    expect(areNearIdentical(of(1, 500), of(2, 5000), {minSimilarity: 0.5})).toBe(false);
  });

  test('are merged into the best of them, with counts, and each agent confirms once', () => {
    const same = {task: TASK, critique: LESSON};
    const merged = mergeNearIdentical([
      lesson({key: 5, ...same, episode: {reward: 0.9, agentId: 'b', tags: ['web']}, state: {uses: 4}}),
      lesson({key: 2, ...same, episode: {reward: 0.3, agentId: 'a'}, state: {uses: 2, tags: ['login']}}),
      lesson({key: 3, ...same, episode: {reward: 0.6, agentId: 'a'}}),
      lesson({key: 9, ...same, episode: {reward: 0.6, agentId: 'b'}}),
      lesson({key: 4, task: 'Something else entirely', critique: 'Other words.'}),
    ]);
    expect(merged).toEqual([
      {
        keep: 5,
        merged: [2, 3, 9],
        count: 4,
        successes: 4,
        meanReward: expect.closeTo(0.6),
        uses: 2,
        confirmedBy: ['a'],
        tags: ['login', 'web'],
      },
    ]);
  });

  test('keep one that is recalled, and one that others judged well before one with more reward', () => {
    const same = {task: TASK, critique: LESSON};
    const [one] = mergeNearIdentical([
      lesson({key: 1, ...same, episode: {reward: 1}, state: {standing: 'quarantined', up: 50}}),
      lesson({key: 2, ...same, episode: {reward: 0.2}, state: {up: 3}}),
      lesson({key: 3, ...same, episode: {reward: 0.9}}),
    ]);
    expect(one?.keep).toBe(2);
  });

  test('the order in which they come changes nothing', () => {
    const lessons = Array.from({length: 40}, (_, key) =>
      lesson({
        key,
        task: `Task ${'abcd'[key % 4]}`,
        critique: `Say ${'wxyz'[key % 4]} ${key % 8 < 4 ? 'now' : 'later'}`,
      }),
    );
    const merged = mergeNearIdentical(lessons);
    expect(merged.length).toBeGreaterThan(1);
    expect(mergeNearIdentical(lessons.toReversed())).toEqual(merged);
  });
});
