import fc from 'fast-check';
import {afterEach, beforeEach, describe, expect, it} from 'vitest';
import type {SqliteHubStore} from '../../../../src/hub/server/store/sqlite-hub-store.ts';
import {anyOf, wordsOf} from '../../../../src/hub/server/store/text-query.ts';
import {change, item, stamp} from './sample-episodes.ts';
import {StoreRig} from './store-rig.ts';

let rig: StoreRig;
beforeEach(() => {
  rig = new StoreRig();
});
afterEach(() => rig[Symbol.dispose]());

function found(store: SqliteHubStore, query: string, tenant = 'a'): readonly number[] {
  return store.searchText(tenant, query, 10).hits.map(({position}) => position);
}

describe('full text', () => {
  it('finds what was just appended, by stems, of its tenant alone, the best first', () => {
    const store = rig.open();
    store.append('a', [item({output: 'deployed'}), item({task: 'deploying the website'}), item({task: 'cook'})]);
    store.append('b', [item({task: 'deploy'}), item(), item({task: 'secretword'})]);
    expect(found(store, 'How to deploy?')).toEqual([2, 1]);
    expect(found(store, 'secretword')).toEqual([]);
    expect(found(store, 'secretword', 'b')).toEqual([3]);
    expect(found(store, 'deploy', 'nobody')).toEqual([]);
  });

  it('is there again after a restart, also of what was never searched for', () => {
    {
      using store = rig.open();
      store.append('a', [item({task: 'first'}), item({task: 'second'})]);
      expect(found(store, 'first')).toEqual([1]);
      store.append('a', [item({task: 'third'})]);
      store.flush();
    }
    using store = rig.open();
    expect(store.followText(0)).toBe(0);
    expect(found(store, 'first second third')).toHaveLength(3);
    expect(store.verify().findings).toEqual([]);
  });

  it('follows tags, critique and standing, whether said before or after it was made searchable', () => {
    const store = rig.open();
    for (const id of ['early', 'late']) {
      store.append('a', [item({id, task: `${id} one`, critique: 'original'})]);
      if (id === 'early') store.followText(100);
      store.append('a', [
        change(id, {kind: 'tag', add: ['zebra'], remove: ['build']}),
        change(id, {kind: 'critique', text: 'giraffe'}),
      ]);
    }
    expect(found(store, 'zebra')).toHaveLength(2);
    expect(found(store, 'giraffe')).toHaveLength(2);
    expect(found(store, 'build')).toEqual([]);
    expect(found(store, 'original')).toEqual([]);
    store.append('a', [change('early', {kind: 'standing', standing: 'quarantined'}, {at: stamp(3)})]);
    expect(found(store, 'zebra')).toEqual([4]);
    store.append('a', [change('early', {kind: 'standing', standing: 'active'}, {at: stamp(4)})]);
    expect(found(store, 'zebra')).toHaveLength(2);
    store.flush();
    expect(store.verify().findings).toEqual([]);
  });

  it('is made in steps, and says how many are left', () => {
    const store = rig.open();
    store.append(
      'a',
      Array.from({length: 250}, () => item()),
    );
    store.append('b', [item()]);
    expect([store.followText(100), store.followText(1), store.followText(1000)]).toEqual([151, 51, 0]);
  });

  it('is made up to a position in slices, and the rest is left for later', () => {
    const store = rig.open();
    store.append(
      'a',
      Array.from({length: 250}, () => item()),
    );
    expect(store.followTextTo('a', 100, 0)).toBe(false);
    expect(store.unsearchable('a')).toBeGreaterThan(200);
    while (!store.followTextTo('a', 100, 0));
    const left = store.unsearchable('a');
    expect(left).toBeGreaterThan(100);
    expect(left).toBeLessThanOrEqual(150);
    expect(store.searchText('a', 'grammar', 1000, 'searchable').hits).toHaveLength(250 - left);
    expect(store.unsearchable(null)).toBe(left);
    while (store.followTextFor(1) > 0);
    expect(store.searchText('a', 'grammar', 1000, 'searchable').hits).toHaveLength(250);
    expect([store.unsearchable('a'), store.unsearchable('nobody')]).toEqual([0, 0]);
  });

  it('takes any text for a query', () => {
    const store = rig.open();
    store.append('a', [item({task: 'NEAR the "quoted" AND (bracketed) OR task:value* -minus ^caret'})]);
    for (const query of [
      '"',
      "'; DROP TABLE entries; --",
      'task:x',
      'a NEAR/2 b',
      '(',
      '*',
      '-x',
      '^',
      '{task input}:',
      'x" OR "y',
      '\0',
      '🙂',
      '',
    ]) {
      expect(() => store.searchText('a', query, 5)).not.toThrow();
    }
    expect(found(store, 'NEAR')).toEqual([1]);
    expect(found(store, '"quoted')).toEqual([1]);
    expect(found(store, 'AND')).toEqual([1]);
    expect(store.searchText('a', 'bracketed '.repeat(1600), 5)).toMatchObject({
      words: ['bracketed'],
      hits: [{position: 1}],
    });
    fc.assert(
      fc.property(fc.string({unit: 'binary', maxLength: 300}), query => {
        store.searchText('a', query, 5);
      }),
      {numRuns: 300},
    );
    expect(found(store, 'minus')).toEqual([1]);
  });

  it('finds an episode by each of its words', () => {
    const store = rig.open();
    let position = 0;
    const word = fc.string({
      unit: fc.constantFrom('a', 'b', 'x', 'z', '0', '9', 'Ä', 'é', 'ñ', 'Ж', '中'),
      minLength: 1,
      maxLength: 20,
    });
    fc.assert(
      fc.property(fc.array(word, {minLength: 1, maxLength: 5}), words => {
        store.append('a', [item({task: words.join(' ')})]);
        position += 1;
        for (const one of words) {
          expect(store.searchText('a', one, 1000).hits.map(hit => hit.position)).toContain(position);
        }
      }),
      {numRuns: 100},
    );
  });

  it('knows the positions of all that have a tag, whatever tags there are', () => {
    const store = rig.open();
    let position = 0;
    const tag = fc.string({
      unit: fc.constantFrom('a', 'B', '7', '-', '"', ' ', ':', '*', 'é', '中', '🙂'),
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(fc.array(tag, {minLength: 1, maxLength: 4}), tags => {
        store.append('a', [item({tags})]);
        store.followText(1);
        position += 1;
        for (const some of [tags, ...tags.map(one => [one])]) {
          expect(store.tagged('a', some) ?? [position]).toContain(position);
        }
      }),
      {numRuns: 200},
    );
    expect(store.tagged('a', ['zebra'])).toEqual([]);
    expect(store.tagged('nobody', ['a'])).toEqual([]);
    expect(store.tagged('a', ['🙂'])).toBeNull();
  });

  it('searches among those with a tag, and ranks them by what else they say', () => {
    const store = rig.open();
    const tags = ['release', 'seldom'];
    const texts = [
      {task: 'deploy', tags},
      {task: 'deploy the website', tags},
      {task: 'deploy', tags: ['release']},
    ];
    store.append('a', [...texts, {tags}].map(item));
    store.followText(100);
    const found = (query: string, k: number, sought = ['seldom']) =>
      store.searchTagged('a', query, k, sought).hits.map(({position}) => position);
    expect(found('deploy website', 9)).toEqual([2, 1]);
    expect(found('deploy website', 1)).toEqual([2]);
    expect(found('website deploy', 9, ['release'])[0]).toBe(2);
    expect(found('website deploy', 9, ['release'])).toHaveLength(3);
    expect(found('deploy', 9, tags)).toEqual([1, 2]);
    expect(found('deploy', 9, ['never'])).toEqual([]);
  });

  it('leaves out words that nearly all have, and gives the newest where there are no others', () => {
    const store = rig.open();
    for (let made = 0; made < 6000; made += 1000) {
      const many = Array.from({length: 1000}, () => item({task: 'common', input: '', output: '', tags: []}));
      store.append('a', many);
      store.followText(1000);
    }
    store.append('a', [item({task: 'common rare'})]);
    expect(store.searchText('a', 'common rare', 3)).toMatchObject({words: ['rare'], hits: [{position: 6001}]});
    expect(store.searchText('a', 'common', 3).hits).toEqual([6001, 6000, 5999].map(position => ({position, score: 0})));
    store.append('a', [item({task: 'common', tags: ['seldom']}), item({task: 'common'})]);
    store.followText(10);
    expect(store.searchTagged('a', 'common', 3, ['seldom']).hits).toEqual([{position: 6002, score: 0}]);
    expect(store.searchText('a', 'common nowhere', 3).words).toEqual(['common', 'nowhere']);
  });
});

describe('words of a query', () => {
  it('are quoted, each once, in a bounded number', () => {
    expect(anyOf(wordsOf('Say "Hello" AND hello, wörld-42!'))).toBe('"say" OR "hello" OR "and" OR "wörld" OR "42"');
    const many = Array.from({length: 3000}, (_, index) => `w${index}`).join(' ');
    expect(wordsOf(many)).toHaveLength(40);
    expect(wordsOf('x'.repeat(16_384))).toEqual([]);
  });
});
