import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {EpisodeFold} from '../../../../src/hub/replica/episode-fold.ts';
import {change, item, stamp} from './sample-episodes.ts';
import {StoreRig} from './store-rig.ts';

const tags = fc.array(fc.constantFrom('build', 'x', 'y', 'z'), {maxLength: 3});
const said = fc.oneof(
  fc.record({kind: fc.constant('vote' as const), value: fc.constantFrom(1 as const, -1 as const)}),
  fc.record({kind: fc.constant('use' as const), count: fc.integer({min: 1, max: 9})}),
  fc.record({kind: fc.constant('tag' as const), add: tags, remove: tags}),
  fc.record({kind: fc.constant('critique' as const), text: fc.string({maxLength: 10})}),
  fc.record({kind: fc.constant('confirm' as const), success: fc.boolean()}),
  fc.record({
    kind: fc.constant('standing' as const),
    standing: fc.constantFrom('active' as const, 'quarantined' as const),
  }),
);
const changes = fc.array(fc.tuple(said, fc.constantFrom('alice', 'bob', 'carol'), fc.integer({min: 0, max: 5})), {
  minLength: 1,
  maxLength: 25,
});

describe('the state of an episode', () => {
  it('is what its changes amount to, in any order, repeated, and after a restart', () => {
    using rig = new StoreRig();
    let store = rig.open();
    fc.assert(
      fc.property(
        changes,
        fc.infiniteStream(fc.double({min: 0, max: 1, noNaN: true})),
        fc.boolean(),
        (all, dice, reopens) => {
          const told = item({tags: ['build', 'a'], critique: 'first', at: stamp(2)});
          const items = all.map(([one, by, at]) => change(told.episode.id, one, {by, at: stamp(at)}));
          const shuffled = items
            .map(one => ({one, key: dice.next().value}))
            .toSorted((a, b) => a.key - b.key)
            .map(({one}) => one);
          store.append('a', [told, ...shuffled]);
          if (reopens) {
            store.close();
            store = rig.open();
          }
          store.append('a', items);
          const fold = EpisodeFold.of(told.episode);
          for (const {change: one} of items) fold.apply(one, null);
          expect(store.get('a', told.episode.id)?.state).toEqual(fold.state());
        },
      ),
      {numRuns: 60},
    );
    store.flush();
    expect(store.verify().findings).toEqual([]);
  });

  it('counts the last vote of each, uses once, and not what an agent says of itself', () => {
    using rig = new StoreRig();
    const store = rig.open();
    const use = change('e', {kind: 'use', count: 3});
    store.append('a', [
      item({id: 'e', agentId: 'alice', critique: 'old', tags: ['build']}),
      change('e', {kind: 'vote', value: 1}, {at: stamp(5)}),
      change('e', {kind: 'vote', value: -1}, {at: stamp(4)}),
      change('e', {kind: 'vote', value: -1}, {by: 'carol'}),
      use,
      use,
      change('e', {kind: 'confirm', success: true}, {by: 'alice'}),
      change('e', {kind: 'confirm', success: false}, {by: 'bob'}),
      change('e', {kind: 'tag', add: ['x'], remove: ['build']}),
      change('e', {kind: 'critique', text: 'new'}, {at: stamp(9)}),
      change('e', {kind: 'critique', text: 'older'}, {at: stamp(8)}),
    ]);
    const expected = {
      up: 1,
      down: 1,
      uses: 3,
      tags: ['x'],
      critique: 'new',
      confirmed: 0,
      refuted: 1,
      standing: 'active',
    };
    expect(store.get('a', 'e')?.state).toEqual(expected);
  });

  it('remembers the latest 1000 tags', () => {
    using rig = new StoreRig();
    const store = rig.open();
    store.append('a', [item({id: 'e', tags: ['build']})]);
    for (let made = 0; made < 1001; made += 50) {
      const add = Array.from({length: 50}, (_, index) => `tag-${made + index}`);
      store.append('a', [change('e', {kind: 'tag', add, remove: []}, {at: stamp(made + 2)})]);
    }
    const kept = store.get('a', 'e')?.state.tags ?? [];
    expect([kept.length, kept.includes('build'), kept.includes('tag-1049')]).toEqual([1000, false, true]);
    store.flush();
    expect(store.verify().findings).toEqual([]);
  });
});
