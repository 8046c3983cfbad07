import {describe, expect, it} from 'vitest';
import {similarTo} from '../../src/base/similar.ts';
import {didYouMean} from '../../src/plan/did-you-mean.ts';

describe('similarTo', () => {
  const known = ['retries', 'timeout', 'outputs', 'needs', 'if'];

  it.each([
    ['retrys', ['retries']],
    ['Timeout', ['timeout']],
    ['tiemout', ['timeout']],
    ['output', ['outputs']],
    ['fi', ['if']],
    ['need', ['needs']],
    ['banana', []],
    ['constructor', []],
  ])('%j is like %j', (word, want) => {
    expect(similarTo(word, known)).toEqual(want);
  });

  it('offers the nearest three', () => {
    expect(didYouMean('task-1', ['task-22', 'task-2', 'task-3', 'task-4', 'task-1x'])).toBe(
      'did you mean `task-2`, `task-3` or `task-4`?',
    );
  });
});
