import {expect, test} from 'vitest';
import {formatStamp} from '../../../../src/hub/replica/hybrid-clock.ts';
import type {SqliteHubStore} from '../../../../src/hub/server/store/sqlite-hub-store.ts';
import {change, item, stamp} from './sample-episodes.ts';
import {StoreRig} from './store-rig.ts';

let counter = 0;
function at(): string {
  counter += 1;
  return formatStamp({ms: Date.now(), counter, node: 'hub'});
}

/** Looks at everything there is. */
function follow(store: SqliteHubStore) {
  const near = () => [1, 2, 3];
  const report = store.merges.turn('a', {quorum: 0, consolidate: null, near, at, mayGoOn: () => true});
  expect(store.flush()).toMatchObject({ok: true});
  expect(report?.done).toBe('all');
  return report;
}

const stateOf = (store: SqliteHubStore, id: string) => store.get('a', id)?.state;
const MERGED = ['two', 'three'];

/** Two are merged into the first, of which one was used. */
function merged(store: SqliteHubStore): void {
  store.append('a', [item({id: 'one'}), item({id: 'two'}), item({id: 'three'})]);
  store.append('a', [change('two', {kind: 'use', count: 3})]);
  follow(store);
  for (const id of MERGED) expect(stateOf(store, id)).toMatchObject({standing: 'merged', mergedInto: 'one'});
  expect(stateOf(store, 'one')).toMatchObject({merged: 2, uses: 3});
}

test('in a tenant that is full, what was merged is recalled again when the one that stayed is forgotten', () => {
  using rig = new StoreRig();
  using store = rig.open({limits: {tenantBytes: 8000}});
  merged(store);
  // Full it stays, too, once the first is forgotten.
  store.append('a', [item({id: 'long', task: 'of something else', output: 'x'.repeat(9000)})]);
  expect(store.append('a', [change('one', {kind: 'vote', value: 1})])).toMatchObject([{refused: 'storage-full'}]);
  store.append('a', [change('one', {kind: 'standing', standing: 'forgotten'}, {at: stamp(9)})]);
  expect(follow(store)?.released).toEqual([2, 3]);
  for (const id of MERGED) expect(stateOf(store, id)).toMatchObject({standing: 'active'});
  expect(store.append('a', [change('two', {kind: 'vote', value: 1})])).toMatchObject([{refused: 'storage-full'}]);
  expect(store.verify().findings).toEqual([]);
});

test('in a tenant that has become full, what was merged is taken from what the one that stayed counts', () => {
  using rig = new StoreRig();
  {
    using store = rig.open();
    merged(store);
    // Said before it was full, and looked at when it is.
    store.append('a', [change('three', {kind: 'use', count: 4})]);
    store.append('a', [change('two', {kind: 'critique', text: 'It is another one.'})]);
    store.append('a', [item({id: 'long', task: 'of something else', output: 'x'.repeat(9000)})]);
  }
  using store = rig.open({limits: {tenantBytes: 8000}});
  expect(follow(store)?.released).toEqual([2]);
  expect(stateOf(store, 'two')).toMatchObject({standing: 'active', uses: 3});
  expect(stateOf(store, 'one')).toMatchObject({merged: 1, uses: 4});
});
