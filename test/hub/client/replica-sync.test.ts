import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import Database from 'better-sqlite3';
import {afterEach, expect, test} from 'vitest';
import {FederationHub, type FederationHubOptions} from '../../../src/hub/client/federation-hub.ts';
import type {HubAdapter, HubMember} from '../../../src/hub/client/hub-adapter.ts';
import {HubError} from '../../../src/hub/client/hub-error.ts';
import {InProcessHub} from '../../../src/hub/client/in-process-hub.ts';
import type {LogItem} from '../../../src/model/episode.ts';
import {until} from '../../rig/until.ts';
import {CACHE_LIMITS} from '../../../src/hub/client/store/cache-limits.ts';
import {PLAIN} from '../../../src/hub/client/store/cache-seal.ts';
import {EpisodeCache} from '../../../src/hub/client/store/episode-cache.ts';
import {openCache} from '../../../src/hub/client/store/open-cache.ts';
import {FIRST_SCHEMA} from '../../../src/hub/client/store/schema/001-first.ts';
import {FORGOTTEN_SCHEMA} from '../../../src/hub/client/store/schema/002-forgotten.ts';
import {episode, startHub} from '../server/hub-rig.ts';

const open = new Set<FederationHub>();

afterEach(async () => {
  await Promise.all([...open].map(hub => hub.close()));
  open.clear();
});

function client(agentId: string, options: Partial<FederationHubOptions>): FederationHub {
  const hub = new FederationHub({agentId, tenantId: 't1', ...options});
  open.add(hub);
  return hub;
}

/** A hub in this process, whose adapters are tampered with. */
function tampered(inner: InProcessHub, change: (adapter: HubAdapter) => Partial<HubAdapter>) {
  return (who: HubMember): HubAdapter => {
    const adapter = inner.adapter(who);
    const changes = change(adapter);
    // Methods of the real one, bound to it, unless changed.
    return new Proxy(adapter, {
      get(target, name) {
        if (Object.hasOwn(changes, name)) return Reflect.get(changes, name) as unknown;
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  };
}

const taskOf = (item: LogItem) => (item.kind === 'episode' ? item.episode.task : '');

test('one episode that the hub cannot read does not keep the others from it', async () => {
  const inner = new InProcessHub();
  let pushes = 0;
  const hubAdapter = tampered(inner, adapter => ({
    push: items => {
      pushes += 1;
      if (items.some(item => taskOf(item) === 'poison')) return Promise.reject(new HubError('bad-frame', 'no frame'));
      return adapter.push(items);
    },
  }));
  const ann = client('ann', {hubAdapter});
  for (let number = 0; number < 50; number += 1) {
    await ann.db.storeEpisode({task: number === 31 ? 'poison' : `good ${number}`, reward: 1});
  }
  const bob = client('bob', {hubAdapter: inner.adapter});
  await ann.sync();
  await bob.sync();
  expect(bob.getSyncStats().episodes).toBe(49);
  expect(ann.getSyncStats()).toMatchObject({pending: 0, pushed: 49, refused: [{code: 'bad-frame'}]});
  expect((await ann.db.queryMemories('poison', 1)).length).toBe(1);
  const before = pushes;
  await ann.sync();
  expect(pushes).toBe(before);
});

test('what agents beneath one name have stored goes to the hub in their names, if the hub lets one speak for them', async () => {
  await using rig = await startHub();
  for (const role of ['coordinator', 'worker'] as const) {
    const cache = openCache({tenantId: 't1', memoryPath: ':memory:'});
    const user = cache.join();
    const episodeOf = (agentId: string) => episode(agentId, {at: cache.stamp(), task: `of ${agentId} for a ${role}`});
    const change = {id: `c-${role}`, by: 'godel/alpha-02', kind: 'vote', value: 1} as const;
    const told = ['godel/alpha-01', 'godel', 'gone'].map(episodeOf);
    for (const each of told) cache.add(user, {kind: 'episode', episode: each});
    cache.add(user, {kind: 'change', change: {...change, episode: told[0]?.id ?? '', at: cache.stamp()}});
    cache.leave(user);
    const lead = client('godel', {endpoint: rig.url, token: () => rig.desk.issue('godel', {role}), cache});
    const since = rig.store.head('t1');
    await lead.sync();
    expect(lead.getSyncStats()).toMatchObject({pushed: 4, pending: 0, refused: []});
    const {entries} = rig.store.pull('t1', since, 10, 1e6);
    const names = entries.map(entry => (entry.kind === 'episode' ? entry.episode.agentId : entry.change.by));
    const [one, two] = role === 'worker' ? ['godel', 'godel'] : ['godel/alpha-01', 'godel/alpha-02'];
    expect(names).toEqual([one, 'godel', 'godel', two]);
    await lead.close();
    cache.close();
  }
});

test('what finds no room at the hub stays pending, and is said', async () => {
  const ann = client('ann', {hubAdapter: new InProcessHub({entries: 3}).adapter});
  for (let number = 0; number < 5; number += 1) await ann.db.storeEpisode({task: `lesson ${number}`, reward: 1});
  await expect(ann.sync()).rejects.toMatchObject({code: 'storage-full'});
  expect(ann.getSyncStats()).toMatchObject({pending: 2, refused: [], lastError: {code: 'storage-full'}});
});

test('an answer that was lost is asked for again, and nothing is there twice', async () => {
  const inner = new InProcessHub();
  let lost = 0;
  const hubAdapter = tampered(inner, adapter => ({
    push: async items => {
      const results = await adapter.push(items);
      lost += 1;
      if (lost <= 2) throw new HubError('not-connected', 'the connection ended');
      return results;
    },
  }));
  const ann = client('ann', {hubAdapter});
  const id = await ann.db.storeEpisode({task: 'once', reward: 1});
  await ann.sync();
  expect(ann.getSyncStats()).toMatchObject({pending: 0, episodes: 1, position: 1, pushed: 1});
  expect((await ann.db.getEpisode(id))?.episode.task).toBe('once');
});

test('a sync that the hub does not answer ends in time', async () => {
  const hubAdapter = tampered(new InProcessHub(), () => ({pull: () => new Promise(() => undefined)}));
  const ann = client('ann', {hubAdapter});
  await expect(ann.sync({deadlineMs: 100})).rejects.toMatchObject({code: 'timed-out'});
  const control = new AbortController();
  const syncing = ann.sync({signal: control.signal});
  control.abort(new Error('enough'));
  await expect(syncing).rejects.toThrow('enough');
});

test('a hub that comes back with an empty log is followed from its beginning', async () => {
  const first = await startHub();
  const {port} = first.hub.address!;
  const tokens = {desk: first.desk};
  const common = {endpoint: first.url};
  const ann = client('ann', {...common, token: () => tokens.desk.issue('ann')});
  const bob = client('bob', {...common, token: () => tokens.desk.issue('bob')});
  for (let number = 0; number < 5; number += 1) await bob.db.storeEpisode({task: `before ${number}`, reward: 1});
  await bob.sync();
  await ann.sync();
  expect(ann.getSyncStats().position).toBe(5);
  await first[Symbol.asyncDispose]();
  await using again = await startHub({port});
  tokens.desk = again.desk;
  const eve = client('eve', {...common, token: () => tokens.desk.issue('eve')});
  await eve.db.storeEpisode({task: 'afterwards', reward: 1});
  await eve.sync();
  await ann.sync();
  expect((await ann.db.queryMemories('afterwards', 1, {from: 'cache'})).length).toBe(1);
  expect(ann.getSyncStats()).toMatchObject({position: 1, episodes: 1});
});

test('after disconnect the cache goes on, and connect brings what was stored meanwhile to the hub', async () => {
  await using rig = await startHub();
  const ann = client('ann', {endpoint: rig.url, token: () => rig.desk.issue('ann')});
  await ann.connect();
  await ann.disconnect();
  expect(ann.isConnected()).toBe(false);
  await ann.db.storeEpisode({task: 'in between', reward: 1});
  expect((await ann.db.queryMemories('between', 1)).length).toBe(1);
  expect(rig.store.episodes('t1')).toBe(0);
  await ann.connect();
  await until('it is there', () => rig.store.episodes('t1') === 1);
});

test('a token that never comes keeps nobody from closing', async () => {
  const ann = client('ann', {endpoint: 'ws://127.0.0.1:9', token: () => new Promise<string>(() => undefined)});
  await expect(ann.connect({deadlineMs: 50})).rejects.toMatchObject({code: 'unreachable'});
  await ann.close();
  await expect(ann.connect()).rejects.toMatchObject({code: 'ended'});
});

test('a cache without room refuses with what to do; what it has is found and pushed, and news do not end the process', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'godel-full-'));
  const inner = new InProcessHub();
  try {
    const ann = client('ann', {
      hubAdapter: inner.adapter,
      memoryPath: join(folder, 'memory.db'),
      limits: {fileBytes: 256 * 1024},
    });
    const bob = client('bob', {hubAdapter: inner.adapter});
    await Promise.all([ann.sync(), bob.sync()]);
    const store = async () => {
      for (;;) await ann.db.storeEpisode({task: 'fill it up', input: 'x'.repeat(4000), reward: 1});
    };
    await expect(store()).rejects.toMatchObject({
      code: 'cache-unusable',
      message: expect.stringMatching(/memory\.db cannot be used: the disk is full/),
    });
    const {pending, episodes} = ann.getSyncStats();
    expect(pending).toBeGreaterThan(10);
    expect(episodes).toBe(pending);
    await bob.db.storeEpisode({task: 'news for ann', input: 'y'.repeat(100_000), reward: 1});
    await bob.sync();
    await until('ann has noticed', () => ann.getSyncStats().lastError?.code === 'cache-unusable');
    expect(await ann.db.queryMemories('fill', 3, {from: 'cache'})).toBeInstanceOf(Array);
    // What the hub has makes room for what is new.
    await ann.sync();
    expect(ann.getSyncStats()).toMatchObject({pending: 0, position: episodes + 1, lastError: null});
    await ann.db.storeEpisode({task: 'room again', reward: 1});
    await ann.sync();
    expect((await ann.db.queryMemories('room', 3, {from: 'cache'})).length).toBe(1);
    await bob.sync();
    expect(bob.getSyncStats().episodes).toBe(episodes + 2);
    await ann.close();
  } finally {
    rmSync(folder, {recursive: true, force: true});
  }
});

test('a new cache begins with as much of the log as it can hold', async () => {
  const inner = new InProcessHub();
  const ann = client('ann', {hubAdapter: inner.adapter});
  for (let number = 0; number < 100; number += 1) await ann.db.storeEpisode({task: `lesson ${number}`, reward: 1});
  await ann.sync();
  const bob = client('bob', {hubAdapter: inner.adapter, limits: {episodes: 40}});
  await bob.sync();
  expect(bob.getSyncStats()).toMatchObject({position: 100, episodes: 40, pulled: 40});
  expect((await bob.db.queryMemories('lesson 99', 1, {from: 'cache'}))[0]?.episode.task).toBe('lesson 99');
});

test('a cache that cannot be written to is said when the hub comes up, and thrown at nobody', async () => {
  const inner = new InProcessHub();
  const bob = client('bob', {hubAdapter: inner.adapter});
  for (let number = 0; number < 3; number += 1) await bob.db.storeEpisode({task: `lesson ${number}`, reward: 1});
  await bob.sync();
  const db = new Database(':memory:');
  db.exec(FIRST_SCHEMA);
  db.exec(FORGOTTEN_SCHEMA);
  const limits = {...CACHE_LIMITS, episodes: 1};
  const cache = new EpisodeCache(db, {file: 'memory.db', limits, code: PLAIN, text: 'main', wallMs: Date.now});
  const thrown: unknown[] = [];
  const hubAdapter = tampered(inner, adapter => ({
    listen: (listener, options) =>
      adapter.listen(event => {
        try {
          listener(event);
        } catch (error) {
          thrown.push(error);
        }
      }, options),
  }));
  const ann = client('ann', {hubAdapter, cache});
  db.pragma('query_only = ON');
  await ann.connect();
  await until('ann has tried to sync', () => ann.getSyncStats().failedSyncs > 0);
  expect(thrown).toEqual([]);
  expect(ann.getSyncStats()).toMatchObject({position: 0, lastError: {code: 'cache-unusable'}});
  db.pragma('query_only = OFF');
  await ann.sync();
  expect(ann.getSyncStats()).toMatchObject({position: 3, lastError: null});
  await ann.close();
  cache.close();
});

test('what cannot be kept is refused with the name of what is wrong', async () => {
  const ann = client('ann', {hubAdapter: new InProcessHub().adapter});
  const store = (fields: object) => ann.db.storeEpisode({task: 'x', reward: 1, ...fields});
  await expect(store({task: ''})).rejects.toThrow(/storeEpisode cannot keep this: task/);
  await expect(store({reward: Number.NaN})).rejects.toThrow(/reward/);
  await expect(store({tags: ['']})).rejects.toThrow(/tags\.0/);
  await expect(store({input: 'x'.repeat(300 * 1024)})).rejects.toThrow(/input/);
  await expect(ann.db.queryMemories('x', 0)).rejects.toMatchObject({code: 'bad-option'});
  const id = await store({task: 'half a \ud83d smile'});
  expect((await ann.db.getEpisode(id))?.episode.task).toBe('half a \ufffd smile');
});
