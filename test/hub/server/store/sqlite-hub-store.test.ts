import {mkdtempSync, rmSync, statSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, it} from 'vitest';
import {type HubStoreOptions, openHubStore} from '../../../../src/hub/server/store/open-hub-store.ts';
import type {SqliteHubStore} from '../../../../src/hub/server/store/sqlite-hub-store.ts';
import {change, episode, item, stamp} from './sample-episodes.ts';

const MANY = 1e9;
let folder = '';
let file = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'godel-hub-store-'));
  file = join(folder, 'hub.db');
});
afterEach(() => rmSync(folder, {recursive: true}));

function opened(options: Partial<HubStoreOptions> = {}): SqliteHubStore {
  const result = openHubStore({file, ...options});
  if (!result.ok) throw new Error(JSON.stringify(result.failure));
  return result.value;
}

describe('the log', () => {
  it('gives each tenant positions of its own, from 1 and without gaps, and keeps them', () => {
    const items = [item(), item(), item()];
    {
      using store = opened();
      expect(store.append('a', items.slice(0, 2))).toMatchObject([{position: 1, isNew: true}, {position: 2}]);
      expect(store.append('b', items.slice(0, 1))).toMatchObject([{position: 1, isNew: true}]);
      expect(store.append('a', items.slice(2))).toMatchObject([{position: 3}]);
      expect(store.flush()).toEqual({ok: true, value: undefined});
    }
    using store = opened();
    expect(store.pull('a', 0, 10, MANY)).toEqual({
      entries: items.map((one, index) => ({...one, position: index + 1})),
      more: false,
    });
    expect([store.head('a'), store.head('b'), store.head('c')]).toEqual([3, 1, 0]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('answers what is there already with its position, and does not change it', () => {
    using store = opened();
    const first = item({id: 'x', task: 'first'});
    store.append('a', [item(), first]);
    store.flush();
    expect(store.append('a', [item({id: 'x', task: 'second'}), first])).toEqual([
      {id: 'x', position: 2, isNew: false},
      {id: 'x', position: 2, isNew: false},
    ]);
    expect(store.append('a', [item()])).toMatchObject([{position: 3}]);
    expect(store.get('a', 'x')?.entry).toMatchObject({position: 2, episode: {task: 'first'}});
  });

  it('shows nothing to those who pull before it is durable', () => {
    using store = opened();
    store.append('a', [item()]);
    expect([store.head('a'), store.appended('a'), store.pull('a', 0, 10, MANY).entries]).toEqual([0, 1, []]);
    store.flush();
    expect([store.head('a'), store.pull('a', 0, 10, MANY).entries.length]).toEqual([1, 1]);
  });
});

describe('full text', () => {
  it('finds what was just appended', () => {
    using store = opened();
    store.append('a', [item({task: 'deploying the website'}), item({task: 'cook'})]);
    store.append('b', [item({task: 'deploy'})]);
    expect(store.searchText('a', 'how to deploy?', 10).hits.map(({position}) => position)).toEqual([1]);
  });
});

describe('state', () => {
  it('follows votes, uses, tags', () => {
    using store = opened();
    const {id} = episode();
    store.append('a', [item({id}), change(id, {kind: 'vote', value: 1}), change(id, {kind: 'use', count: 3})]);
    store.append('a', [
      change(id, {kind: 'vote', value: -1}, {at: stamp(5)}),
      change(id, {kind: 'tag', add: ['x'], remove: ['build']}),
    ]);
    expect(store.get('a', id)?.state).toEqual({
      up: 0,
      down: 1,
      uses: 3,
      tags: ['x'],
      critique: null,
      confirmed: 0,
      refuted: 0,
      standing: 'active',
    });
    expect(store.searchText('a', 'build', 5).hits).toEqual([]);
    expect(store.searchText('a', 'x', 5).hits).toHaveLength(1);
  });
});
