import {describe, expect, test} from 'vitest';
import {consolidate, familiesOf} from '../../../src/hub/recall/consolidate.ts';
import {lesson} from './lessons.ts';

const FAMILY = [
  lesson({
    key: 4,
    task: 'Upgrade the parser package',
    critique: 'Read the changelog first. Pin the version.',
    episode: {reward: 0.9, output: 'upgraded to 3.1', tags: ['deps']},
  }),
  lesson({key: 1, task: 'Upgrade the parser', critique: 'Read the changelog first!', episode: {reward: 0.7}}),
  lesson({key: 2, task: 'Upgrade the parser package now', critique: 'Pin the version.', episode: {reward: 0.4}}),
  lesson({
    key: 3,
    task: 'Upgrade the parser package',
    critique: 'Taking the newest version at once broke the build.',
    episode: {reward: 0, success: false, output: 'failed'},
    state: {tags: ['build']},
  }),
];

describe('consolidating a family of tasks', () => {
  test('says what worked and what did not in their own words, with counts', () => {
    expect(consolidate(FAMILY)).toEqual({
      task: 'Upgrade the parser package',
      critique: [
        '3 of 4 succeeded; mean reward 0.50.',
        'Worked:',
        '- Read the changelog first. (2 times)',
        '- Pin the version. (2 times)',
        'Did not work:',
        '- Taking the newest version at once broke the build.',
      ].join('\n'),
      output: 'upgraded to 3.1',
      count: 4,
      successes: 3,
      successRate: 0.75,
      meanReward: 0.5,
      tags: ['build', 'deps'],
      from: [1, 2, 3, 4],
    });
  });

  test('is the same in whatever order they come', () => {
    expect(consolidate(FAMILY.toReversed())).toEqual(consolidate(FAMILY));
  });

  test('stays short, however much is said', () => {
    const text = Array.from({length: 500}, (_, index) => `Point ${index} is ${'long '.repeat(200)}${index}.`).join(' ');
    const many = Array.from({length: 300}, (_, key) => lesson({key, critique: text, vector: null}));
    expect(consolidate(many).critique.length).toBeLessThan(5 * 450);
    expect(consolidate(many).count).toBe(300);
  });

  test('refuses nothing at all', () => {
    expect(() => consolidate([])).toThrow('There are no episodes to consolidate.');
  });
});

test('families are lessons that are alike, and at least three of them', () => {
  const others = [
    lesson({key: 10, task: 'Paint the fence', critique: 'Use two coats of colour.'}),
    lesson({key: 11, task: 'Paint the fence', critique: 'Use two coats of colour here.'}),
    lesson({key: 12, task: 'Upgrade the parser', vector: null}),
  ];
  const keys = familiesOf([...others, ...FAMILY], {minSimilarity: 0.2}).map(family => family.map(({key}) => key));
  expect(keys).toEqual([[1, 2, 3, 4]]);
  expect(familiesOf(others, {atLeast: 2}).map(family => family.map(({key}) => key))).toEqual([[10, 11]]);
});
