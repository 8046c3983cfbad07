import {randomBytes} from 'node:crypto';
import Database from 'better-sqlite3';
import {expect, test} from 'vitest';
import {verifyHubStore} from '../../../../src/hub/server/store/backup.ts';
import {tagsId} from '../../../../src/hub/server/store/kept-tags.ts';
import {TextIndex} from '../../../../src/hub/server/store/text-index.ts';
import type {LogItem, WrittenClock} from '../../../../src/model/episode.ts';
import {change, item, stamp} from './sample-episodes.ts';
import {sealWith, StoreRig} from './store-rig.ts';

const clock = (node: string, base: number): {clock: WrittenClock} => ({clock: ['the-log', node, 1, base]});
const told = item({id: 'e', tags: ['own'], at: stamp(1)});
/** Ann takes away what Bob adds meanwhile, and what Eve had added before without saying what she had seen. */
const log: readonly LogItem[] = [
  told,
  change('e', {kind: 'tag', add: ['old', 'x'], remove: []}, {id: 'eve', by: 'eve', at: stamp(2)}),
  change('e', {kind: 'tag', add: ['x'], remove: []}, {id: 'bob', by: 'bob', at: stamp(3), ...clock('bob', 2)}),
  change(
    'e',
    {kind: 'tag', add: [], remove: ['x', 'old', 'own']},
    {id: 'ann', by: 'ann', at: stamp(4), ...clock('ann', 2)},
  ),
];
/** What was kept of it: the last word on each. */
const EARLIER = JSON.stringify(['own', 'old', 'x'].map(tag => [tag, {at: stamp(4), id: 'ann', has: false}]));
const OLDER = "PRAGMA user_version = 4; DELETE FROM meta WHERE key = 'earlier-tags'";

test('a database in which the last word on a tag was kept has what all changes amount to when it is opened, and finds by it', () => {
  using rig = new StoreRig();
  const first = rig.open();
  first.append('t', [...log, item({id: 'f', tags: ['own']})]);
  first.followText(100);
  first.flush();
  first.close();
  const db = new Database(rig.file);
  db.prepare('UPDATE states SET tags = ?').run(EARLIER);
  const text = new TextIndex(db);
  text.remove(1, 1, {...told.episode, tags: ['x']});
  text.put(1, 1, {...told.episode, tags: []});
  db.close();
  rig.alter(OLDER);
  // As of a backup that nobody has opened since.
  expect(verifyHubStore({file: rig.file, seal: null})).toMatchObject({ok: true, value: {findings: []}});

  for (let opened = 0; opened < 2; opened += 1) {
    using store = rig.open();
    expect(store.get('t', 'e')?.state.tags).toEqual(['x']);
    expect(store.searchText('t', 'x', 5).hits.map(({position}) => position)).toEqual([1]);
    expect(store.searchText('t', 'own', 5).hits.map(({position}) => position)).toEqual([5]);
    expect(store.verify().findings).toEqual([]);
    store.append('t', log);
    expect(store.get('t', 'e')?.state.tags).toEqual(['x']);
  }
  using store = rig.open();
  store.append('t', [
    change('e', {kind: 'tag', add: [], remove: ['x']}, {id: 'kim', by: 'kim', at: stamp(5), ...clock('kim', 4)}),
  ]);
  expect(store.get('t', 'e')?.state.tags).toEqual([]);
  store.flush();
  expect(store.searchText('t', 'x', 5).hits).toEqual([]);
});

test('a sealed one too', () => {
  using rig = new StoreRig();
  const seal = sealWith(randomBytes(32));
  const first = rig.open({seal});
  first.append('t', log);
  first.flush();
  first.close();
  const db = new Database(rig.file);
  db.prepare('UPDATE states SET tags = ?').run(seal.seal('t', tagsId(told.episode), EARLIER));
  db.close();
  rig.alter(OLDER);
  for (let opened = 0; opened < 2; opened += 1) {
    using store = rig.open({seal});
    expect(store.get('t', 'e')?.state.tags).toEqual(['x']);
    expect(store.searchText('t', 'x', 5).hits).toHaveLength(1);
    store.flush();
    expect(store.verify().findings).toEqual([]);
  }
});
