import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {DEFAULT_WEIGHTS, fuse, type FuseInput, opinion, type RecallFacts} from '../../../src/hub/recall/fuse.ts';
import type {EpisodeState} from '../../../src/model/episode.ts';

const DAY_MS = 86_400_000;
const NOW = 1_800_000_000_000;
const STATE: EpisodeState = {
  up: 0,
  down: 0,
  uses: 0,
  tags: [],
  critique: null,
  confirmed: 0,
  refuted: 0,
  standing: 'active',
};
const FACTS: RecallFacts = {atMs: NOW - DAY_MS, reward: 0.5, success: true, state: STATE};

function input(
  text: readonly number[],
  vector: readonly number[],
  facts: Record<number, Partial<RecallFacts>> = {},
): FuseInput {
  return {
    text: text.map(key => ({key, terms: [`word${key}`]})),
    vector: vector.map(key => ({key, similarity: 0.5})),
    facts: key => ({...FACTS, ...facts[key]}),
    nowMs: NOW,
    limit: 100,
  };
}

const order = (given: FuseInput) => fuse(given).map(({key}) => key);

describe('fuse', () => {
  test('puts first what both lists have, and says why', () => {
    const [first, ...others] = fuse(input([1, 2, 3], [4, 2, 5]));
    expect(first?.key).toBe(2);
    expect(first?.why).toMatchObject({text: 2, vector: 2, terms: ['word2']});
    // The later of equals first.
    expect(others.map(({key}) => key)).toEqual([4, 1, 5, 3]);
    expect(others.at(-1)?.why).toMatchObject({text: 3, vector: null, terms: ['word3']});
  });

  test('the score is that of the source when nothing but ranks counts', () => {
    const weights = {...DEFAULT_WEIGHTS, recency: 0, reward: 0, success: 0, opinion: 0};
    const [first] = fuse(input([9, 7], [7]), weights);
    expect(first).toMatchObject({key: 7, score: 1 / 62 + 1 / 61});
  });

  test('recency counts half after its half-life, and the future is now', () => {
    const found = fuse(input([1, 2, 3], [], {1: {atMs: NOW + DAY_MS}, 2: {atMs: NOW}, 3: {atMs: NOW - 30 * DAY_MS}}));
    const recency = new Map(found.map(({key, why}) => [key, why.recency]));
    expect(recency.get(1)).toBe(DEFAULT_WEIGHTS.recency);
    expect(recency.get(2)).toBe(DEFAULT_WEIGHTS.recency);
    expect(recency.get(3)).toBeCloseTo(DEFAULT_WEIGHTS.recency / 2);
  });

  test('what is quarantined, gone or refused is not there and takes no rank', () => {
    const facts = {1: {state: {...STATE, standing: 'quarantined' as const}}};
    const given = {...input([1, 2, 3, 4], [1, 3], facts), accepts: (key: number) => key !== 2};
    const found = fuse({...given, facts: key => (key === 4 ? null : given.facts(key))});
    expect(found.map(({key, why}) => [key, why.text, why.vector])).toEqual([[3, 1, 1]]);
  });

  test('a vector that is hardly similar does not count as found', () => {
    const given = {
      ...input([], []),
      vector: [
        {key: 1, similarity: 0.5},
        {key: 2, similarity: 0.01},
      ],
    };
    expect(order(given)).toEqual([1]);
  });

  test('the order of facts and the repetition of a key change nothing', () => {
    expect(order(input([1, 2, 2, 3], [3, 3, 1]))).toEqual(order(input([1, 2, 3], [3, 1])));
  });
});

const keys = fc.uniqueArray(fc.integer({min: 1, max: 40}), {maxLength: 30});
const facts = fc.dictionary(
  fc.integer({min: 1, max: 40}).map(String),
  fc.record({
    atMs: fc.integer({min: NOW - 400 * DAY_MS, max: NOW}),
    reward: fc.double({min: 0, max: 1, noNaN: true}),
    success: fc.boolean(),
    state: fc.record({
      up: fc.nat(50),
      down: fc.nat(50),
      uses: fc.nat(5000),
      confirmed: fc.nat(9),
      refuted: fc.nat(9),
      tags: fc.constant([]),
      critique: fc.constant(null),
      standing: fc.constant('active' as const),
    }),
  }),
);

describe('laws of fuse', () => {
  test('the same gives the same; nothing is lost or doubled; scores are positive and fall', () => {
    fc.assert(
      fc.property(keys, keys, facts, (text, vector, known) => {
        const found = fuse(input(text, vector, known));
        expect(fuse(input(text, vector, known))).toEqual(found);
        expect(found.map(({key}) => key).toSorted()).toEqual([...new Set([...text, ...vector])].toSorted());
        for (const [place, {score}] of found.entries()) {
          expect(score).toBeGreaterThan(0);
          expect(score).toBeLessThanOrEqual(found[place - 1]?.score ?? Number.POSITIVE_INFINITY);
        }
      }),
    );
  });

  test('a better rank, a better or later outcome and a better opinion never lower a score', () => {
    const better = fc.constantFrom('rank', 'reward', 'success', 'later', 'up', 'confirmed', 'uses', 'down', 'refuted');
    fc.assert(
      fc.property(keys, keys, facts, fc.nat(), better, (text, vector, known, pick, what) => {
        fc.pre(text.length > 0);
        const place = pick % text.length;
        const key = text[place]!;
        const own = {...FACTS, ...known[key]};
        const state = own.state;
        const raised = {
          rank: {},
          reward: {reward: Math.min(1, own.reward + 0.2)},
          success: {success: true},
          later: {atMs: Math.min(NOW, own.atMs + DAY_MS)},
          up: {state: {...state, up: state.up + 1}},
          confirmed: {state: {...state, confirmed: state.confirmed + 1}},
          uses: {state: {...state, uses: state.uses + 1}},
          down: {state: {...state, down: Math.max(0, state.down - 1)}},
          refuted: {state: {...state, refuted: Math.max(0, state.refuted - 1)}},
        }[what];
        const moved = what === 'rank' ? [key, ...text.filter(other => other !== key)] : text;
        const before = fuse(input(text, vector, known)).find(hit => hit.key === key)!;
        const after = fuse(input(moved, vector, {...known, [key]: {...own, ...raised}})).find(hit => hit.key === key)!;
        expect(after.score).toBeGreaterThanOrEqual(before.score);
      }),
    );
  });

  test('an opinion lies between -1 and 1, and the other way round when for and against change places', () => {
    fc.assert(
      fc.property(fc.nat(1e6), fc.nat(1e6), fc.nat(1e6), fc.nat(1e6), (up, down, confirmed, refuted) => {
        const one = opinion({...STATE, up, down, confirmed, refuted});
        expect(Math.abs(one)).toBeLessThan(1);
        expect(opinion({...STATE, up: down, down: up, confirmed: refuted, refuted: confirmed})).toBeCloseTo(-one);
      }),
    );
    expect(opinion(STATE)).toBe(0);
  });
});
