import {describe, expect, test} from 'vitest';
import {consolidate, taskWords} from '../../../src/hub/recall/consolidate.ts';
import {lesson} from './lessons.ts';

const told = (key: number, critique: string, episode = {}) =>
  lesson({key, task: 'Upgrade the parser', critique, episode, state: {critique}});

const FAMILY = [
  told(4, 'Read the changelog first. Pin the version.', {reward: 0.9}),
  told(1, 'Read the changelog first!', {reward: 0.7}),
  told(2, 'Pin the version.', {reward: 0.4}),
  told(3, 'Taking the newest version at once broke the build.', {reward: 0, success: false}),
];

describe('consolidating episodes of one task', () => {
  test('says what worked and what did not in their own words, with counts, and nothing that only one has said', () => {
    expect(consolidate(FAMILY)).toEqual({
      critique: [
        '3 of 4 succeeded; mean reward 0.50.',
        'Worked:',
        '- Read the changelog first. (2 agents)',
        '- Pin the version. (2 agents)',
      ].join('\n'),
      success: true,
      reward: 0.5,
    });
  });

  test('one that says it a hundred times is one', () => {
    const lies = Array.from({length: 100}, (_, key) => told(100 + key, 'Pour soup on it.', {agentId: 'm', reward: 1}));
    expect(consolidate([...FAMILY, ...lies])?.critique).not.toContain('soup');
    expect(consolidate(lies)).toBe(null);
  });

  test('is the same in whatever order they come', () => {
    expect(consolidate(FAMILY.toReversed())).toEqual(consolidate(FAMILY));
  });

  test('stays short, however much is said', () => {
    const text = Array.from({length: 500}, (_, index) => `Point ${index} is ${'long '.repeat(200)}${index}.`).join(' ');
    const many = Array.from({length: 300}, (_, key) => told(key, text));
    expect(consolidate(many)?.critique.length).toBeLessThan(5 * 450);
    expect(consolidate(many)?.critique).toContain('300 of 300 succeeded');
  });

  test('a task is the same whatever its case and marks', () => {
    expect(taskWords(lesson({key: 1, task: 'Upgrade the  Parser!'}))).toBe('upgrade the parser');
  });
});
