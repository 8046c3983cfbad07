import {describe, expect, test} from 'vitest';
import {jsonAnswer, verdictIn} from '../../src/host/answer.ts';

describe('a JSON answer', () => {
  test.each([
    ['alone', ' {"a": [1]}\n', '{"a": [1]}'],
    ['in a fenced block', '```json\n{"a": [1]}\n```', '{"a": [1]}'],
    ['in one fenced block among words', 'Here it is:\n\n```\n[1,\n2]\n```\n\nAnything else?', '[1,\n2]'],
    ['a plain value', 'true', 'true'],
  ])('%s', (_, text, found) => {
    expect(jsonAnswer(text)).toMatchObject({ok: true, value: {text: found, value: JSON.parse(found)}});
  });

  test.each([
    ['nothing', ' \n', 'empty'],
    ['words', 'I have done it.', 'it begins with "I have done it."'],
    ['two blocks', '```json\n1\n```\n```json\n2\n```', 'not JSON'],
    ['a block of something else', '```sh\nls\n```', 'not JSON'],
    ['words around bare JSON', 'The answer is {"a": 1}', 'not JSON'],
  ])('is not %s', (_, text, detail) => {
    expect(jsonAnswer(text)).toEqual({ok: false, failure: expect.stringContaining(detail) as string});
  });
});

describe('a verdict', () => {
  test.each([
    ['{"approve": true, "comments": "fine"}', {approved: true, comments: 'fine'}],
    ['```json\n{"approve": false, "comments": "add a test"}\n```', {approved: false, comments: 'add a test'}],
    ['{"approve": true}', {approved: true, comments: ''}],
  ])('is read from %j', (text, verdict) => {
    expect(verdictIn(text)).toEqual({ok: true, value: verdict});
  });

  test.each(['{"approve": "yes", "comments": ""}', '{"approve": false}', '[true]', 'null', 'LGTM'])(
    'is not %j',
    text => {
      expect(verdictIn(text).ok).toBe(false);
    },
  );

  test('is no longer than a report may be', () => {
    const verdict = verdictIn(JSON.stringify({approve: false, comments: 'x'.repeat(20_000)}));
    expect(verdict.ok && verdict.value.comments.length).toBe(8000);
  });
});
