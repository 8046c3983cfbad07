import {describe, expect, test} from 'vitest';
import {areIdentical, areNearIdentical, Saying} from '../../../src/hub/recall/near-identical.ts';

const TASK = 'Fix the failing login test of the web shop';
const LESSON = 'Wait for the session cookie before the page is opened, then the form is filled in reliably every time.';

function said(fields: Partial<ConstructorParameters<typeof Saying>[0]> = {}): Saying {
  return new Saying({task: TASK, input: '', output: 'done', critique: LESSON, success: true, ...fields});
}

describe('near-identical lessons', () => {
  test('are those with the same words, whatever their case and punctuation', () => {
    const a = said({task: 'Fix the login-test!', critique: 'Wait for it.'});
    const b = said({task: 'fix the Login test', critique: 'wait  for IT'});
    expect(areNearIdentical(a, b)).toBe(true);
    expect(areIdentical(a, b)).toBe(false);
    expect(areIdentical(a, said({task: ' Fix the  login-test! ', critique: 'Wait for\nit.'}))).toBe(true);
  });

  test('are not those whose ends nobody looks at', () => {
    const long = (end: string) => said({output: `${'compile the next file and go on '.repeat(700)}${end}`});
    expect(areNearIdentical(long('the linker ran out of memory'), long('permission denied on the socket'))).toBe(false);
    expect(areNearIdentical(long('the same'), long('the  same'))).toBe(true);
  });

  test('and those of which one has a word more', () => {
    expect(areNearIdentical(said(), said({critique: `${LESSON} Really.`}))).toBe(true);
    expect(areNearIdentical(said({critique: `${LESSON} Really.`}), said())).toBe(true);
    expect(areNearIdentical(said(), said({critique: `${LESSON} Then stop the server, and start it once again.`}))).toBe(
      false,
    );
  });

  test.each([
    ['another end', {success: false}],
    ['a negation', {critique: LESSON.replace('Wait', 'Do not wait')}],
    ['a number', {critique: `${LESSON} It takes 30 s.`}],
    ['another sign', {critique: `${LESSON} It is a < b.`}],
    ['another task', {task: 'Write the manual of the payment service'}],
    ['another input', {input: 'the red one'}],
    ['another output', {output: 'failed'}],
    ['another name in the same place', {critique: LESSON.replace('session', 'tracking')}],
    ['the words in another order', {critique: LESSON.replace('cookie before the page', 'page before the cookie')}],
  ])('but not when one has %s', (_what, other) => {
    expect(areNearIdentical(said(), said(other))).toBe(false);
  });

  test('numbers count: 500 is not 5000', () => {
    const of = (ms: number) => said({critique: `${LESSON} Set the timeout to ${ms}.`});
    expect(areNearIdentical(of(500), of(5000))).toBe(false);
    expect(areNearIdentical(of(500), of(500))).toBe(true);
  });
});
