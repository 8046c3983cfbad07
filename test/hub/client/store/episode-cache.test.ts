import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import {afterEach, expect, test} from 'vitest';
import {HubError} from '../../../../src/hub/client/hub-error.ts';
import {type CacheUser, EpisodeCache} from '../../../../src/hub/client/store/episode-cache.ts';
import {openCache, type OpenCacheOptions} from '../../../../src/hub/client/store/open-cache.ts';
import {uuidV7} from '../../../../src/hub/client/uuid-v7.ts';
import {formatStamp} from '../../../../src/hub/replica/hybrid-clock.ts';
import {CACHE_LIMITS} from '../../../../src/hub/client/store/cache-limits.ts';
import {PLAIN} from '../../../../src/hub/client/store/cache-seal.ts';
import {FORGOTTEN_SCHEMA} from '../../../../src/hub/client/store/schema/002-forgotten.ts';
import {FIRST_SCHEMA} from '../../../../src/hub/client/store/schema/001-first.ts';
import type {EpisodeChange, LogEntry} from '../../../../src/model/episode.ts';
import {openDatabase, readFilesystemType} from '../../../../src/sqlite/open-database.ts';
import {episode} from '../../server/hub-rig.ts';

const open = new Set<EpisodeCache>();

afterEach(() => {
  for (const cache of open) cache.close();
  open.clear();
});

function newCache(options: Partial<OpenCacheOptions> = {}): {cache: EpisodeCache; user: CacheUser} {
  const cache = openCache({tenantId: 't1', ...options});
  open.add(cache);
  return {cache, user: cache.join()};
}

let tick = 0;
const at = () => formatStamp({ms: Date.now(), counter: tick++ % 65_536, node: 'n'});
const told = (position: number, fields = {}): LogEntry => {
  const own = {id: `e${position}`, at: at(), output: `green ${position}`};
  return {kind: 'episode', episode: episode('bob', {...own, ...fields}), position};
};
const use = (id: string, of: string, count = 1): EpisodeChange => {
  return {id, episode: of, by: 'bob', at: at(), kind: 'use', count};
};

test('the oldest of what the hub has is forgotten, what waits for it never is', () => {
  const {cache, user} = newCache({limits: {episodes: 20}});
  for (let number = 1; number <= 15; number += 1) {
    cache.add(user, {kind: 'episode', episode: episode('ann', {id: `own${number}`, output: `own ${number}`})});
  }
  cache.applyPage(Array.from({length: 30}, (_, index) => told(index + 1)));
  expect(cache.counts).toMatchObject({pending: 15, position: 30});
  expect(cache.counts.episodes).toBeLessThanOrEqual(20);
  expect([cache.get('own1'), cache.get('e30'), cache.get('e1')].map(found => found !== null)).toEqual([
    true,
    true,
    false,
  ]);
  expect(cache.search('make the tests pass', 100).length).toBe(cache.counts.episodes);
  cache.settle(Array.from({length: 15}, (_, index) => ({id: `own${index + 1}`, position: 31 + index})));
  expect(cache.counts).toMatchObject({pending: 0, position: 45});
  cache.applyPage(Array.from({length: 20}, (_, index) => told(46 + index)));
  expect(cache.get('own1')).toBe(null);
});

test('who leaves or joins a cache that cannot be written is told so with the name of the file, and leaves later', () => {
  const db = new Database(':memory:');
  db.exec(FIRST_SCHEMA);
  db.exec(FORGOTTEN_SCHEMA);
  const cache = new EpisodeCache(db, {
    file: '/there/memory.db',
    limits: CACHE_LIMITS,
    code: PLAIN,
    text: 'main',
    wallMs: Date.now,
  });
  open.add(cache);
  const [leaving, staying] = [cache.join(), cache.join()];
  cache.add(leaving, {kind: 'episode', episode: episode('ann', {id: 'one'})});
  db.pragma('query_only = ON');
  const told = {code: 'cache-unusable', message: expect.stringContaining('/there/memory.db') as string};
  for (const act of [() => cache.leave(leaving), () => cache.join()]) {
    expect(act).toThrow(HubError);
    expect(act).toThrow(expect.objectContaining(told));
  }
  db.pragma('query_only = OFF');
  expect(cache.pendingOf(staying)).toBe(0);
  cache.leave(leaving);
  expect(cache.pendingOf(staying)).toBe(1);
  cache.leave(leaving);
});

test('as much waits for the hub as was said, and then nothing more is taken', () => {
  const {cache, user} = newCache({limits: {pendingItems: 2}});
  const store = (id: string) => cache.add(user, {kind: 'episode', episode: episode('ann', {id})});
  store('a');
  store('b');
  expect(() => store('c')).toThrow(expect.objectContaining({code: 'cache-full'}));
  expect(cache.counts.pending).toBe(2);
  cache.settle([{id: 'a', position: 1}]);
  store('c');
  expect(cache.counts.pending).toBe(2);
});

test('what expires is not found any more', () => {
  let nowMs = 1_000_000;
  const {cache, user} = newCache({wallMs: () => nowMs});
  cache.add(user, {kind: 'episode', episode: episode('ann', {expiresAtMs: 1_000_500})});
  expect(cache.search('tests', 5).length).toBe(1);
  nowMs += 1000;
  expect(cache.search('tests', 5)).toEqual([]);
});

test('what is quarantined is not found, until it is active again; what is forgotten is gone', () => {
  const {cache} = newCache();
  cache.applyPage([told(1), told(2)]);
  const stand = (position: number, of: string, standing: 'active' | 'quarantined' | 'forgotten'): LogEntry => {
    const change = {id: `s${position}`, episode: of, by: 'eve', at: at(), kind: 'standing', standing} as const;
    return {kind: 'change', change, position};
  };
  cache.applyPage([stand(3, 'e1', 'quarantined')]);
  expect(cache.search('tests', 5).map(({episode: {id}}) => id)).toEqual(['e2']);
  cache.applyPage([stand(4, 'e1', 'active'), stand(5, 'e2', 'forgotten')]);
  expect(cache.search('tests', 5).map(({episode: {id}}) => id)).toEqual(['e1']);
  expect([cache.get('e2'), cache.counts.episodes]).toEqual([null, 1]);
});

test('a change of our own counts at once, and once, whichever way it comes back', () => {
  const {cache, user} = newCache();
  cache.applyPage([told(1)]);
  for (const id of ['u1', 'u2', 'u3']) cache.add(user, {kind: 'change', change: use(id, 'e1')});
  const uses = () => cache.get('e1')?.state.uses;
  expect(uses()).toBe(3);
  const pending = cache.pending(user, 10, 1e6);
  const [first] = pending;
  // The answer to the first push was lost: it comes with the log. The others are acknowledged.
  cache.applyPage([{...first!, position: 2}]);
  cache.settle([
    {id: 'u1', position: 2},
    {id: 'u2', position: 3},
  ]);
  cache.settle([{id: 'u3', code: 'forbidden', message: 'no'}]);
  expect([uses(), cache.counts.pending, cache.position]).toEqual([3, 0, 3]);
  cache.applyPage([{kind: 'change', change: use('u4', 'e1', 5), position: 4}]);
  expect(uses()).toBe(8);
  // Ours is acknowledged at a place behind others' that are not here yet: those still count.
  cache.add(user, {kind: 'change', change: use('u5', 'e1')});
  cache.settle([{id: 'u5', position: 7}]);
  cache.applyPage([
    {kind: 'change', change: use('u6', 'e1', 10), position: 5},
    {kind: 'change', change: use('u7', 'e1', 20), position: 6},
  ]);
  expect([uses(), cache.position]).toEqual([39, 7]);
});

test('news that leave a gap are not taken; what we pushed ourselves leaves none', () => {
  const {cache, user} = newCache();
  expect(cache.applyNews([told(1)], 1)).toBe(true);
  expect(cache.applyNews([told(3)], 3)).toBe(false);
  expect(cache.position).toBe(1);
  cache.add(user, {kind: 'episode', episode: episode('ann', {id: 'own'})});
  cache.settle([{id: 'own', position: 2}]);
  expect(cache.applyNews([told(3), told(4)], 4)).toBe(true);
  cache.add(user, {kind: 'episode', episode: episode('ann', {id: 'own2'})});
  cache.settle([{id: 'own2', position: 7}]);
  expect(cache.position).toBe(4);
  cache.applyPage([told(5), told(6)]);
  expect([cache.position, cache.counts.episodes]).toEqual([7, 7]);
  expect(cache.applyNews([], 9)).toBe(false);
});

test('however the log arrives, in pages and news that repeat and leave out, it is taken whole, once and in order', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({from: fc.nat(30), count: fc.integer({min: 1, max: 8}), paged: fc.boolean()}), {
        maxLength: 30,
      }),
      deliveries => {
        const {cache} = newCache();
        const log: LogEntry[] = Array.from({length: 40}, (_, index) =>
          index % 5 === 4 ? {kind: 'change', change: use(`u${index}`, 'e1'), position: index + 1} : told(index + 1),
        );
        let position = 0;
        for (const {from, count, paged} of deliveries) {
          const start = paged ? Math.min(from, position) : from;
          const part = log.slice(start, start + count);
          if (paged) cache.applyPage(part);
          else cache.applyNews(part, log.length);
          if (start <= position) position = Math.max(position, start + part.length);
          expect(cache.position).toBe(position);
        }
        cache.applyPage(log.slice(position));
        expect(cache.counts).toMatchObject({episodes: 32, position: 40, pending: 0});
        expect(cache.get('e1')?.state.uses).toBe(8);
        cache.close();
      },
    ),
    {numRuns: 60},
  );
});

test('a hub with another log is followed from its beginning, with nothing counted twice', () => {
  const {cache, user} = newCache();
  cache.applyPage([told(1), {kind: 'change', change: use('u1', 'e1', 4), position: 2}]);
  cache.add(user, {kind: 'change', change: use('mine', 'e1')});
  expect(cache.get('e1')?.state.uses).toBe(5);
  cache.restart();
  expect([cache.position, cache.get('e1')?.state.uses]).toEqual([0, 1]);
  cache.applyPage([told(1), {kind: 'change', change: use('u1', 'e1', 4), position: 2}]);
  expect([cache.position, cache.get('e1')?.state.uses, cache.counts.episodes]).toEqual([2, 5, 1]);
});

test('what somebody has left to push falls to who is still there, and then to who comes', () => {
  const {cache, user: ann} = newCache();
  const bob = cache.join();
  cache.add(ann, {kind: 'episode', episode: episode('ann', {id: 'a'})});
  cache.leave(ann);
  expect(cache.pending(bob, 10, 1e6).length).toBe(1);
  cache.leave(bob);
  const eve = cache.join();
  const [item] = cache.pending(eve, 10, 1e6);
  if (item?.kind !== 'episode') throw new Error('there is no episode');
  cache.rewrite({kind: 'episode', episode: {...item.episode, agentId: 'eve'}});
  expect(cache.get('a')?.episode.agentId).toBe('eve');
});

test('whoever opens the file next takes over what all who used it have left', () => {
  const folder = mkdtempSync(join(tmpdir(), 'godel-cache-'));
  try {
    const memoryPath = join(folder, 'memory.db');
    const {cache, user} = newCache({memoryPath});
    cache.add(user, {kind: 'episode', episode: episode('ann', {id: 'a'})});
    cache.add(cache.join(), {kind: 'episode', episode: episode('bob', {id: 'b'})});
    // As after a kill: nobody has left.
    cache.close();
    const again = newCache({memoryPath});
    expect(again.cache.pending(again.user, 10, 1e6).length).toBe(2);
    expect(again.cache.counts).toMatchObject({episodes: 2, pending: 2});
    expect(() => newCache({memoryPath, tenantId: 't2'})).toThrow(/another process has it open/);
    again.cache.close();
    expect(() => newCache({memoryPath, tenantId: 't2'})).toThrow(/it is of tenant t1/);
  } finally {
    rmSync(folder, {recursive: true, force: true});
  }
});

test('a search finds by any word, whatever stands in the query', () => {
  const {cache, user} = newCache();
  cache.add(user, {kind: 'episode', episode: episode('ann', {task: 'parse the NEAR operator', tags: ['sql']})});
  for (const query of [
    'near',
    '"NEAR" AND (',
    "operators'; DROP TABLE entries; --",
    'task:parse*',
    'sql ^',
    'x '.repeat(5000) + 'parsing',
  ]) {
    expect(cache.search(query, 5).length, query).toBe(1);
  }
  for (const query of ['', '"', '()', '\u0000', '🙂']) expect(cache.search(query, 5)).toEqual([]);
});

test('in a large cache the rare words of a query decide', () => {
  const {cache} = newCache();
  const page = Array.from({length: 3000}, (_, index) =>
    told(index + 1, {task: `make the build pass ${index === 1234 ? 'zebra' : ''}`}),
  );
  cache.applyPage(page);
  expect(cache.search('make the zebra build pass', 3).map(({episode: {id}}) => id)).toEqual(['e1235']);
  expect(cache.search('make the build', 3).length).toBe(3);
});

test('ids ascend within a process, whatever the clock does', () => {
  const ids = Array.from({length: 20_000}, () => uuidV7());
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.toSorted()).toEqual(ids);
  expect(ids[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test('however often an episode is used, every use counts and what is kept of it stays small, with a hub and without', () => {
  const folder = mkdtempSync(join(tmpdir(), 'godel-uses-'));
  const foldBytes = (cache: EpisodeCache, file: string) => {
    cache.close();
    const db = new Database(file, {readonly: true});
    const bytes = db.prepare<[], number>("SELECT length(fold) FROM entries WHERE id = 'e1'").pluck().get();
    db.close();
    return bytes;
  };
  const alone = newCache({memoryPath: join(folder, 'alone.db')}).cache;
  alone.keep({kind: 'episode', episode: episode('bob', {id: 'e1', at: at()})});
  for (let number = 0; number < 1200; number += 1) alone.keep({kind: 'change', change: use(`u${number}`, 'e1')});
  // Told again while it is not long ago.
  alone.keep({kind: 'change', change: use('u1199', 'e1')});
  expect(alone.get('e1')?.state.uses).toBe(1200);
  expect(foldBytes(alone, join(folder, 'alone.db'))).toBeLessThan(500);

  const {cache, user} = newCache({memoryPath: join(folder, 'shared.db')});
  cache.applyPage([told(1)]);
  for (let number = 0; number < 1200; number += 3) {
    const ids = [number, number + 1, number + 2].map(each => `u${each}`);
    for (const id of ids) cache.add(user, {kind: 'change', change: use(id, 'e1')});
    cache.settle(ids.map((id, index) => ({id, position: 2 + number + index})));
  }
  expect(cache.get('e1')?.state.uses).toBe(1200);
  expect(foldBytes(cache, join(folder, 'shared.db'))).toBeLessThan(500);
  rmSync(folder, {recursive: true, force: true});
});

test('what was forgotten is known by its id, whether it was here or not: the last 100,000', () => {
  const {cache} = newCache();
  const forget = (id: string): EpisodeChange => {
    return {id: `f-${id}`, episode: id, by: 'bob', at: at(), kind: 'standing', standing: 'forgotten'};
  };
  const gone = (position: number): LogEntry => ({kind: 'change', change: forget(`gone${position}`), position});
  cache.applyPage([told(1), gone(2), gone(3)]);
  cache.keep({kind: 'change', change: forget('e1')});
  const known = () => ['e1', 'gone2', 'gone3', 'gone4', 'gone100003'].filter(id => cache.isForgotten(id));
  expect(known()).toEqual(['e1', 'gone2', 'gone3']);
  cache.applyPage(Array.from({length: 99_999}, (_, index) => gone(index + 4)));
  expect(known()).toEqual(['e1', 'gone4']);
  cache.applyPage([gone(100_003)]);
  expect(known()).toEqual(['gone4', 'gone100003']);
});

test('a cache that was begun before ids of what is forgotten were kept is taken over', () => {
  const folder = mkdtempSync(join(tmpdir(), 'godel-older-'));
  try {
    const file = join(folder, 'memory.db');
    const schema = {applicationId: 0x67646331, migrations: [FIRST_SCHEMA]};
    const older = openDatabase({file, filesystemType: readFilesystemType, schema, busyHint: ''});
    if (!older.ok) throw new Error(JSON.stringify(older.failure));
    older.value.close();
    const {cache} = newCache({memoryPath: file});
    cache.keep({kind: 'episode', episode: episode('ann', {id: 'a'})});
    cache.keep({
      kind: 'change',
      change: {id: 'f', episode: 'a', by: 'ann', at: at(), kind: 'standing', standing: 'forgotten'},
    });
    expect([cache.get('a'), cache.isForgotten('a'), cache.isForgotten('b')]).toEqual([null, true, false]);
    cache.close();
  } finally {
    rmSync(folder, {recursive: true, force: true});
  }
});
