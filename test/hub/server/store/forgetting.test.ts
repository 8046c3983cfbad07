import {afterEach, beforeEach, describe, expect, it} from 'vitest';
import type {RetentionPolicy} from '../../../../src/hub/server/store/retention.ts';
import {change, item, stamp} from './sample-episodes.ts';
import {MANY, StoreRig} from './store-rig.ts';

let rig: StoreRig;
beforeEach(() => {
  rig = new StoreRig();
});
afterEach(() => rig[Symbol.dispose]());

const why = {by: 'hub', at: stamp(1000), reason: 'a test'};
const policy: RetentionPolicy = {by: 'hub', at: stamp(1000), lifetimeMs: null, maxEpisodes: null, limit: 100};

describe('forgetting', () => {
  it('leaves ids and positions, tells those who pull, and refuses what is said afterwards', () => {
    const store = rig.open();
    const vote = change('e', {kind: 'vote', value: 1});
    store.append('a', [item({id: 'e'}), vote, item({id: 'f'}), change('f', {kind: 'vote', value: 1})]);
    store.searchText('a', 'compile', 1);
    store.vectors.set('a', 'm', [{position: 1, bytes: Buffer.from('v')}]);
    expect(store.forget('a', ['e', 'nowhere', vote.change.id], why)).toEqual(['e']);
    expect(store.forget('a', ['e'], why)).toEqual([]);
    store.flush();

    const forgotten = {episode: 'e', by: 'hub', at: stamp(1000), kind: 'standing', standing: 'forgotten'};
    const {entries} = store.pull('a', 0, 10, MANY);
    expect(entries).toMatchObject([
      {position: 1, kind: 'change', change: {id: 'e', ...forgotten}},
      {position: 2, kind: 'change', change: {id: vote.change.id, ...forgotten}},
      {position: 3, kind: 'episode'},
      {position: 4, kind: 'change', change: {kind: 'vote'}},
      {position: 5, kind: 'change', change: forgotten},
    ]);
    expect(store.get('a', 'e')).toMatchObject({entry: {position: 1}, state: {up: 0, standing: 'forgotten'}});
    expect(store.append('a', [item({id: 'e'}), vote])).toMatchObject([
      {position: 1, isNew: false},
      {position: 2, isNew: false},
    ]);
    expect(store.append('a', [change('e', {kind: 'vote', value: 1})])).toMatchObject([
      {refused: 'not-found', message: expect.stringContaining('forgotten')},
    ]);
    expect(store.searchText('a', 'compile', 9).hits.map(({position}) => position)).toEqual([3]);
    expect([
      store.vectors.unembeddedCount('m'),
      store.vectors.unembedded('m', 9).map(({position}) => position),
    ]).toEqual([1, [3]]);
    expect(store.audit.list({tenant: 'a', before: null, limit: 9})).toMatchObject([
      {who: 'hub', what: 'forget-many', detail: {reason: 'a test', episodes: ['e']}},
    ]);
    expect(store.verify().findings).toEqual([]);
  });

  it('takes every word of it from the files', () => {
    const store = rig.open();
    const filler = () => Array.from({length: 300}, () => item({output: 'x'.repeat(Math.floor(Math.random() * 6000))}));
    const text = (length: number) => `pelican ${'walrus '.repeat(length)}`;
    for (const length of [1, 400, 4000]) {
      store.append('a', [...filler(), item({id: `secret-${length}`, task: text(length), tags: ['otter']})]);
      store.searchText('a', 'warm', 1);
      store.append('a', [change(`secret-${length}`, {kind: 'critique', text: text(length)})]);
      store.append('a', [change(`secret-${length}`, {kind: 'tag', add: ['badger'], remove: ['otter']})]);
      store.vectors.set('a', 'm', [{position: store.appended('a') - 2, bytes: Buffer.from('pelican_vector')}]);
      store.flush();
    }
    for (const part of ['pelican walrus', 'pelican_vector', '"badger"']) expect(rig.bytes().includes(part)).toBe(true);
    expect(store.forget('a', ['secret-1', 'secret-400', 'secret-4000'], why)).toHaveLength(3);
    expect(store.flush().ok).toBe(true);
    for (const part of ['pelican walrus', 'walrus walrus', 'pelican_vector', '"otter"', '"badger"']) {
      expect([part, rig.bytes().includes(part)]).toEqual([part, false]);
    }
    store.compact();
    for (const word of ['pelican', 'walru', 'otter', 'badger']) {
      expect([word, rig.bytes().includes(word)]).toEqual([word, false]);
    }
    expect(store.verify().findings).toEqual([]);
  });

  it('happens when somebody pushes that standing, with a row in the audit log, unless something later was said', () => {
    const store = rig.open();
    store.append('a', [item({id: 'e'}), change('e', {kind: 'standing', standing: 'active'}, {at: stamp(9)})]);
    store.append('a', [change('e', {kind: 'standing', standing: 'forgotten'}, {at: stamp(8)})]);
    expect(store.get('a', 'e')?.state.standing).toBe('active');
    store.append('a', [change('e', {kind: 'standing', standing: 'forgotten'}, {at: stamp(10), by: 'eve'})]);
    expect(store.get('a', 'e')?.state.standing).toBe('forgotten');
    expect(store.audit.list({tenant: null, before: null, limit: 9})).toMatchObject([
      {tenant: 'a', who: 'eve', what: 'forget', detail: {episode: 'e', position: 1, change: 4}},
    ]);
  });

  it('is undone with its group', () => {
    const store = rig.open({limits: {fileBytes: 4 * 2 ** 20}});
    store.append('a', [item({id: 'e'})]);
    store.flush();
    store.forget('a', ['e'], why);
    store.append(
      'a',
      Array.from({length: 40}, () => item({output: 'x'.repeat(250_000)})),
    );
    expect(store.flush()).toMatchObject({ok: false, failure: {kind: 'full'}});
    expect(store.get('a', 'e')?.state.standing).toBe('active');
    expect([store.episodes('a'), store.head('a')]).toEqual([1, 1]);
    expect(store.verify().findings).toEqual([]);
  });
});

describe('retention', () => {
  it('forgets what says so itself, then what is old, then what is too much, the oldest first', () => {
    let nowMs = 1000;
    const store = rig.open({nowMs: () => nowMs});
    const ids = (at: number) => store.retire('a', {...policy, at: stamp(at), lifetimeMs: 5000, maxEpisodes: 3});
    store.append('a', [
      item({id: 'keeps', expiresAtMs: 99_000}),
      item({id: 'old'}),
      item({id: 'short', expiresAtMs: 2000}),
    ]);
    expect(ids(100)).toEqual([]);
    nowMs = 2000;
    store.append('a', [item({id: 'young'})]);
    expect(ids(101)).toEqual(['short']);
    nowMs = 6500;
    expect(ids(102)).toEqual(['old']);
    store.append('a', [item({id: 'p'}), item({id: 'q'})]);
    expect(ids(103)).toEqual(['keeps']);
    store.append('a', [item({id: 'r'})]);
    expect(ids(104)).toEqual(['young']);
    expect([store.episodes('a'), ids(105), store.retire('nobody', policy)]).toEqual([3, [], []]);
    store.flush();
    expect(store.verify().findings).toEqual([]);
  });

  it('passes over what is damaged, and what was pushed with it is kept', () => {
    {
      using store = rig.open();
      store.append(
        'a',
        ['d1', 'd2', 'w1', 'w2', 'w3'].map(id => item({id, expiresAtMs: id.endsWith('2') ? 1 : null})),
      );
    }
    rig.alter(`UPDATE entries SET body = replace(body, 'grammar', 'grandma') WHERE id LIKE 'd%'`);
    const store = rig.open();
    const retire = () => store.retire('a', {...policy, lifetimeMs: 0, maxEpisodes: 0, limit: 1});
    expect(store.append('b', [item({id: 'other'})])).toMatchObject([{position: 1}]);
    const gone = [1, 2, 3, 4, 5, 6].flatMap(() => retire() ?? ['failed']);
    expect(gone.toSorted()).toEqual(['w1', 'w2', 'w3']);
    expect(store.flush().ok).toBe(true);
    expect([store.head('b'), store.episodes('a')]).toEqual([1, 2]);
  });

  it('forgets no more at a time than it is told', () => {
    const store = rig.open();
    store.append(
      'a',
      Array.from({length: 10}, () => item()),
    );
    const gone = () => store.retire('a', {...policy, maxEpisodes: 3, limit: 4})?.length;
    expect([gone(), gone(), gone()]).toEqual([4, 3, 0]);
  });
});
