import {expect, test} from 'vitest';
import {experiment, type ExperimentOptions} from '../../scripts/learning/experiment.ts';
import {figuresOf} from '../../scripts/learning/figures.ts';
import {choose, rememberedOf, toldOf} from '../../scripts/learning/policy.ts';
import {sorting} from '../../scripts/learning/work/sorting.ts';
import {seededRandom} from '../../src/base/random.ts';
import type {Memory} from '../../src/model/episode.ts';

const SMALL: ExperimentOptions = {
  work: [sorting],
  seed: 1,
  generations: 2,
  perFamily: 3,
  unseenPerFamily: 2,
  embedder: {kind: 'hashed'},
  atOnce: 4,
  lines: ['unseen', 'shared'],
};

/** Attempts per success of each generation at tasks that nobody has seen. */
async function attemptsOf(options: ExperimentOptions): Promise<readonly number[]> {
  const measured = await experiment(options);
  return measured.filter(({line}) => line === 'unseen').map(({runs}) => figuresOf(runs).attempts);
}

test('agents of the second generation need at most three quarters of the attempts at tasks that nobody has seen', async () => {
  const [first, second] = await attemptsOf(SMALL);
  expect(second! / first!).toBeLessThanOrEqual(0.75);
}, 60_000);

test('they need as many as the first where nothing is shared', async () => {
  const [first, second] = await attemptsOf({...SMALL, afterFirst: () => null});
  expect(second! / first!).toBeGreaterThan(0.9);
}, 60_000);

const APPROACHES = ['a', 'b', 'c', 'd'].map(name => ({name, command: name}));

function memory(approach: string, {success, score = 1}: {success: boolean; score?: number}): Memory {
  const episode = {output: toldOf(approach, 'said'), success, reward: success ? 1 : 0};
  return {episode, score} as Memory;
}

test('without memory each approach is tried once before any is tried again, in an order by chance', () => {
  const orders = new Set<string>();
  for (let seed = 0; seed < 50; seed += 1) {
    const random = seededRandom(seed);
    const failures = new Map<string, number>();
    for (let number = 0; number < APPROACHES.length; number += 1) {
      const {name} = choose(APPROACHES, {remembered: new Map(), failures, random});
      expect(failures.has(name)).toBe(false);
      failures.set(name, 1);
    }
    orders.add([...failures.keys()].join(''));
  }
  expect(orders.size).toBeGreaterThan(15);
});

test('what succeeded at the most similar task is tried first, and again after one failure only if much speaks for it', () => {
  const random = seededRandom(1);
  const next = (memories: readonly Memory[], failures: ReadonlyMap<string, number> = new Map()) =>
    choose(APPROACHES, {remembered: rememberedOf(memories, APPROACHES), failures, random}).name;
  const decoy = memory('b', {success: true, score: 0.8});
  expect(next([memory('c', {success: true}), decoy, memory('c', {success: false, score: 0.7})])).toBe('c');
  const failed = new Map([['c', 1]]);
  expect(next([memory('c', {success: true}), decoy], failed)).toBe('b');
  const many = Array.from({length: 8}, () => memory('c', {success: true}));
  expect(next([...many, memory('b', {success: false})], failed)).toBe('c');
  expect(rememberedOf([memory('unknown', {success: true})], APPROACHES).size).toBe(0);
});
