import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, expect, test, vi} from 'vitest';
import {memoryLine} from '../../../src/api/memory-contract.ts';
import type {Result} from '../../../src/base/result.ts';
import {CachedMemory, type OpenMemory} from '../../../src/daemon/memory/cached-memory.ts';
import {everyMemory} from '../../../src/daemon/memory/kept-pages.ts';
import {lessonId} from '../../../src/daemon/memory/lesson-id.ts';
import {MemoryDesk} from '../../../src/daemon/memory/memory-desk.ts';
import {FederationHub} from '../../../src/hub/client/federation-hub.ts';
import {Alarms} from '../../../src/hub/client/alarms.ts';
import type {HubAdapter} from '../../../src/hub/client/hub-adapter.ts';
import {InProcessHub} from '../../../src/hub/client/in-process-hub.ts';
import {openCache} from '../../../src/hub/client/store/open-cache.ts';
import {SecurityManager} from '../../../src/hub/security/security-manager.ts';
import {FederationHubServer} from '../../../src/hub/server/federation-hub-server.ts';
import type {KeptMemory} from '../../../src/model/episode.ts';
import type {Failure} from '../../../src/model/failure.ts';
import type {HubRole} from '../../../src/model/hub.ts';
import {until} from '../../rig/until.ts';

let folder: string;
const ends: (() => Promise<unknown>)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'godel-desk-'));
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  rmSync(folder, {recursive: true, force: true});
});

const note = () => undefined;
const log = {debug: note, info: note, warn: note, error: note} as never;

function setUp(name = 'memory.db') {
  const memory = new CachedMemory({file: join(folder, name), tenantId: 'project', source: null, log});
  ends.push(() => memory.close());
  const desk = new MemoryDesk(() => memory.opened());
  return {memory, desk};
}

async function must<T>(answer: Promise<Result<T, Failure>>): Promise<T> {
  const result = await answer;
  if (!result.ok) throw new Error(JSON.stringify(result.failure));
  return result.value;
}

async function failureOf(answer: Promise<Result<unknown, Failure>>): Promise<Failure | null> {
  const result = await answer;
  return result.ok ? null : result.failure;
}

async function exported(desk: MemoryDesk, limit?: number): Promise<KeptMemory[]> {
  const rows: KeptMemory[] = [];
  for (let after: string | null | undefined; after !== null; ) {
    const page = await must(desk.export({...(after !== undefined && {after}), ...(limit !== undefined && {limit})}));
    rows.push(...page.rows);
    after = page.next;
  }
  return rows;
}

test('what is added is found with why, shown by the beginning of its id, and voted on', async () => {
  const {desk} = setUp();
  const {id, hub} = await must(desk.add({task: 'build the parser ünïcode 🚀', reward: 0.8, tags: ['make']}));
  expect(hub).toBe('none');
  await must(desk.add({task: 'draw a map of the parser', reward: 0.2, tags: ['maps']}));
  const found = await must(desk.search({query: 'the parsers are built', explain: true}));
  expect(found).toMatchObject({from: 'cache', memories: [{episode: {id, agentId: 'user'}}, {}]});
  expect(found.memories[0]?.why).toMatchObject({text: 1, vector: null, terms: ['the', 'parsers']});
  expect(found.memories[0]?.atMs).toBeGreaterThan(Date.now() - 60_000);
  expect((await must(desk.search({query: 'parser', onlySuccess: true}))).memories).toHaveLength(1);
  expect((await must(desk.search({query: 'parser', tags: ['maps']}))).memories).toHaveLength(1);
  expect((await must(desk.search({query: 'parser', k: 1}))).memories).toHaveLength(1);
  await must(desk.vote({id, value: 'up'}));
  await must(desk.vote({id, value: 'down'}));
  await must(desk.vote({id, value: 'down'}));
  expect((await must(desk.get(id.slice(0, -1)))).state).toMatchObject({up: 0, down: 1});
});

test('an id is known by its beginning where no other begins so, and otherwise it is said', async () => {
  const {desk} = setUp();
  const {id} = await must(desk.add({task: 'one', reward: 1}));
  const {id: other} = await must(desk.add({task: 'two', reward: 1}));
  expect(await failureOf(desk.get(id.slice(0, 4)))).toEqual({
    reason: 'memory-ambiguous',
    id: id.slice(0, 4),
    matches: [other, id].toSorted().toReversed(),
  });
  for (const unknown of ['zz', `${id}0`, "'; DROP TABLE entries; --", '%', '_', '\u{10FFFF}']) {
    expect(await failureOf(desk.get(unknown))).toMatchObject({reason: 'memory-not-found'});
    expect(await failureOf(desk.vote({id: unknown, value: 'up'}))).toMatchObject({reason: 'memory-not-found'});
    expect(await failureOf(desk.forget({ids: [id, unknown]}))).toMatchObject({reason: 'memory-not-found'});
  }
  expect(await exported(desk)).toHaveLength(2);
});

test('forgetting takes those of these ids, or those that are old or have a tag, and a dry run takes none', async () => {
  const {desk} = setUp();
  const ids: string[] = [];
  for (const task of ['one', 'two', 'three', 'four']) {
    ids.push((await must(desk.add({task, reward: 1, tags: task === 'two' ? ['even'] : []}))).id);
  }
  const [one = '', two = ''] = ids;
  expect(await must(desk.forget({ids: [one], dry: true}))).toMatchObject({ids: [one], tasks: ['one']});
  expect(await exported(desk)).toHaveLength(4);
  await must(desk.forget({ids: [one, one]}));
  expect((await must(desk.search({query: 'one'}))).memories).toEqual([]);
  expect((await must(desk.forget({tag: 'even', beforeMs: 1}))).ids).toEqual([]);
  expect((await must(desk.forget({tag: 'even'}))).ids).toEqual([two]);
  expect((await must(desk.forget({beforeMs: Date.now() + 1000}))).ids).toHaveLength(2);
  expect(await must(desk.stats())).toMatchObject({episodes: 0, forgotten: 4, successRate: null, mostUsed: []});
});

test('without a hub, too, an import does not bring back what was forgotten', async () => {
  const {desk, memory} = setUp();
  const {id} = await must(desk.add({task: 'one', reward: 1}));
  await must(desk.add({task: 'two', reward: 1}));
  const lines = (await exported(desk)).map(memoryLine);
  await must(desk.forget({ids: [id]}));
  expect(await must(desk.import({lines}))).toMatchObject({added: 0, known: 1, forgotten: 1});
  await memory.close();
  const again = setUp();
  expect(await must(again.desk.import({lines}))).toMatchObject({added: 0, known: 1, forgotten: 1});
  expect((await exported(again.desk)).map(({episode}) => episode.task)).toEqual(['two']);
  const other = setUp('other.db');
  expect(await must(other.desk.import({lines}))).toMatchObject({added: 2, known: 0, forgotten: 0});
});

test('what an agent has remembered is held back and given again; what others have is left alone', async () => {
  const {desk, memory} = setUp();
  for (const [number, agentId] of ['a-1', 'a-1', 'b-1'].entries()) {
    const end = {input: '', output: '', critique: null, reward: 1, success: true, tags: []};
    memory.remember({id: lessonId(1, [number]), agentId, sessionId: null, task: `lesson ${number}`, ...end});
  }
  await until('they are there', async () => (await exported(desk)).length === 3);
  expect(await must(desk.quarantine({agent: 'a-1'}))).toMatchObject({episodes: 2, ids: [expect.any(String), {}]});
  expect((await must(desk.search({query: 'lesson'}))).memories.map(({episode}) => episode.agentId)).toEqual(['b-1']);
  expect(await must(desk.quarantine({agent: 'a-1'}))).toMatchObject({episodes: 2, ids: []});
  expect(await must(desk.stats())).toMatchObject({episodes: 3, active: 1, quarantined: 2, agents: 2});
  expect((await must(desk.quarantine({agent: 'a-1', undo: true}))).ids).toHaveLength(2);
  expect((await must(desk.search({query: 'lesson'}))).memories).toHaveLength(3);
  expect(await failureOf(desk.quarantine({agent: 'a-01'}))).toMatchObject({
    reason: 'memory-not-found',
    similar: ['a-1'],
  });
});

test('an export has everything, in pages of any size; taken in elsewhere it is the same, and a second time nothing', async () => {
  const {desk, memory} = setUp();
  for (let number = 0; number < 55; number += 1) {
    await must(
      desk.add({task: `task ${number}`, output: 'x'.repeat(number), reward: number / 55, tags: [`t${number}`]}),
    );
  }
  const opened = await memory.opened();
  const [first] = await exported(desk);
  const {id} = first!.episode;
  const change = (kind: string) => ({id: kind, episode: id, by: 'user', at: opened!.cache.stamp()});
  opened?.keep({kind: 'change', change: {...change('tag'), kind: 'tag', add: ['new'], remove: ['t0']}});
  opened?.keep({kind: 'change', change: {...change('critique'), kind: 'critique', text: 'better'}});
  opened?.keep({kind: 'change', change: {...change('use'), kind: 'use', count: 7}});
  opened?.keep({kind: 'change', change: {...change('standing'), kind: 'standing', standing: 'quarantined'}});
  const rows = await exported(desk, 7);
  expect(rows).toHaveLength(55);
  expect(rows[0]?.state).toMatchObject({tags: ['new'], critique: 'better', uses: 7, standing: 'quarantined'});

  const lines = rows.map(memoryLine);
  const other = setUp('other.db');
  expect(await must(other.desk.import({lines, dry: true}))).toMatchObject({added: 0, problems: []});
  expect(await exported(other.desk)).toEqual([]);
  expect(await must(other.desk.import({lines: [...lines, ...lines.slice(0, 3)]}))).toMatchObject({added: 55, known: 3});
  expect(await exported(other.desk)).toEqual(rows);
  expect(await must(other.desk.import({lines}))).toMatchObject({added: 0, known: 55, problems: []});
  expect((await must(other.desk.stats())).mostUsed).toEqual([{id, task: 'task 0', uses: 7}]);
});

test('lines that are no memories are named, each with what is wrong, and left out', async () => {
  const {desk} = setUp();
  await must(desk.add({task: 'one', reward: 1}));
  const [row] = await exported(desk);
  const line = (episode: object, rest: object = {}) =>
    JSON.stringify({v: 1, episode: {...row!.episode, id: 'other', ...episode}, ...rest});
  const lines = [
    'nope',
    '[]',
    'null',
    line({reward: 2}),
    line({at: 'yesterday'}),
    line({at: 'ffffffffffff-0000-node'}),
    line({surplus: 1}),
    line({}, {v: 2}),
    line({}, {state: {...row!.state, standing: 'forgotten'}}),
    '{"__proto__": {"v": 1}}',
    line({id: 'good'}, {later: 'field'}),
  ];
  const taken = await must(desk.import({lines}));
  expect(taken.problems.map(problem => problem.line)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(taken.problems[3]?.message).toContain('episode.reward');
  expect(taken.problems[5]?.message).toContain('ahead of the clock');
  expect(taken).toMatchObject({added: 1, known: 0});
  expect((await must(desk.get('good'))).episode.task).toBe('one');
});

test('a memory that cannot be opened is a failure that says where to look', async () => {
  writeFileSync(join(folder, 'memory.db'), 'no database'.repeat(1000));
  const {desk} = setUp();
  for (const answer of [desk.stats(), desk.search({query: 'x'}), desk.add({task: 'x', reward: 1}), desk.export({})]) {
    expect(await failureOf(answer)).toMatchObject({reason: 'memory-unusable', hint: expect.stringContaining('logs')});
  }
});

/** A hub and a project that has room for few of its episodes. */
async function withHub({role = 'coordinator', room = 10}: {role?: HubRole; room?: number} = {}) {
  const security = SecurityManager.open(join(folder, 'keys'), {hubId: 'hub'});
  const auth = {verify: (token: string) => security.verifyToken(token), recheck: security.recheck.bind(security)};
  const server = new FederationHubServer({port: 0, dbPath: join(folder, 'hub.db'), embedder: {kind: 'hashed'}, auth});
  await server.start();
  ends.push(() => server.stop());
  const endpoint = `ws://127.0.0.1:${server.address?.port}`;
  const join_ = (agentId: string, as: HubRole, episodes = 10_000) => {
    const cache = openCache({tenantId: 't', memoryPath: join(folder, `${agentId}.db`), limits: {episodes}});
    const user = cache.join();
    const token = () => security.generateToken(agentId, 't', {role: as});
    const hub = new FederationHub({endpoint, agentId, tenantId: 't', token, cache, user});
    ends.push(async () => {
      await hub.close();
      cache.close();
    });
    return {cache, user, hub};
  };
  const other = join_('other', 'worker').hub;
  const {cache, user, hub} = join_('godel', role, room);
  const opened: OpenMemory = {
    cache,
    user,
    hub,
    hasHub: true,
    hubTrouble: null,
    file: join(folder, 'godel.db'),
    nameOf: agent => `godel/${agent}`,
    keep: item => cache.add(user, item),
  };
  return {server, other, opened, hub, desk: new MemoryDesk(() => Promise.resolve(opened))};
}

test('with a hub everything in it is found, shown, counted and exported, also what this side has no room for', async () => {
  const {other, opened, hub, desk, server} = await withHub();
  const ids: string[] = [];
  for (let number = 0; number < 40; number += 1) {
    ids.push(await other.db.storeEpisode({task: `lesson number${number}`, reward: 1}));
  }
  await other.db.vote(ids[0]!, 1);
  await other.sync();
  await other.db.forget(ids[1]!);
  await other.sync();
  await hub.sync();
  expect(opened.cache.counts.episodes).toBeLessThanOrEqual(10);
  const found = await must(desk.search({query: 'number0', k: 1, explain: true}));
  expect(found).toMatchObject({from: 'hub', memories: [{episode: {id: ids[0]}, why: {text: 1, terms: ['number0']}}]});
  expect((await must(desk.get(ids[0]!))).state.up).toBe(1);
  expect(await failureOf(desk.get(ids[1]!))).toMatchObject({what: expect.stringContaining('has been forgotten')});
  // Not at the hub yet when it is asked for.
  const {id, hub: atHub} = await must(desk.add({task: 'lesson of a person', reward: 1}));
  expect(atHub).toBe('kept');
  // What this side has no room for is asked for together.
  const getting = vi.spyOn(hub.adapter as Required<HubAdapter>, 'get');
  const asking = vi.spyOn(hub.adapter as Required<HubAdapter>, 'states');
  const rows: KeptMemory[] = [];
  for await (const row of everyMemory(opened)) rows.push(row);
  expect(getting.mock.calls).toEqual([]);
  expect(asking.mock.calls.map(([asked]) => asked.length)).toEqual([expect.toSatisfy((asked: number) => asked >= 29)]);
  expect(rows.map(({episode}) => episode.id).toSorted()).toEqual([ids[0], ...ids.slice(2), id].toSorted());
  expect(rows.find(({episode}) => episode.id === ids[0])?.state.up).toBe(1);
  expect(await must(desk.import({lines: rows.map(memoryLine)}))).toMatchObject({added: 0, known: 40});
  const gone = {...rows[0]!, episode: {...rows[0]!.episode, id: ids[1]!}};
  expect(await must(desk.import({lines: [memoryLine(gone)]}))).toMatchObject({added: 0, known: 0, forgotten: 1});
  expect((await must(desk.stats())).hub).toMatchObject({connected: true, role: 'coordinator', episodes: 40});

  await server.stop();
  await until('it is away', () => !hub.isConnected());
  expect(await must(desk.search({query: 'lesson person'}))).toMatchObject({from: 'cache'});
  expect(await failureOf(desk.search({query: 'lesson', from: 'hub'}))).toMatchObject({reason: 'memory-unusable'});
  expect(await must(desk.vote({id, value: 'up'}))).toMatchObject({hub: 'waiting'});
  expect((await must(desk.stats())).hub).toMatchObject({connected: false, role: null, episodes: null});
});

test('what is added while the hub is frozen is kept here at once, said to wait, and goes there when it answers', async () => {
  const {adapter} = new InProcessHub();
  let thaw: (() => void) | null = null;
  let frozen: Promise<void> = Promise.resolve();
  const freezing = new Proxy(adapter({agentId: 'godel', tenantId: 't', sessionId: null}), {
    get(target, name: keyof HubAdapter) {
      const value: unknown = Reflect.get(target, name, target);
      if (name === 'push') return (...args: Parameters<HubAdapter['push']>) => frozen.then(() => target.push(...args));
      if (name === 'recall') return () => frozen.then(() => []);
      if (name === 'stats') return () => frozen.then(() => ({}));
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  const cache = openCache({tenantId: 't', memoryPath: ':memory:'});
  const user = cache.join();
  const alarms = new Alarms();
  const hub = new FederationHub({agentId: 'godel', tenantId: 't', hubAdapter: freezing, cache, user, alarms});
  ends.push(async () => {
    await hub.close();
    cache.close();
  });
  await hub.connect();
  const opened: OpenMemory = {
    cache,
    user,
    hub,
    hasHub: true,
    hubTrouble: null,
    file: ':memory:',
    nameOf: agent => agent,
    keep: item => cache.add(user, item),
  };
  const desk = new MemoryDesk(() => Promise.resolve(opened));
  expect((await must(desk.add({task: 'one', reward: 1}))).hub).toBe('kept');
  frozen = new Promise(resolve => (thaw = resolve));
  vi.useFakeTimers();
  try {
    const adding = must(desk.add({task: 'two', reward: 1}));
    await vi.advanceTimersByTimeAsync(1000);
    const answered = await Promise.race([adding, vi.advanceTimersByTimeAsync(1000).then(() => null)]);
    expect(answered).toMatchObject({hub: 'waiting'});
    expect(cache.get(answered!.id)?.episode.task).toBe('two');
    expect(cache.counts.pending).toBe(1);
    const searching = must(desk.search({query: 'two'}));
    const found = await Promise.race([searching, vi.advanceTimersByTimeAsync(4000).then(() => null)]);
    expect(found).toMatchObject({from: 'cache', memories: [{episode: {task: 'two'}}]});
    const figures = await Promise.race([must(desk.stats()), vi.advanceTimersByTimeAsync(4000).then(() => null)]);
    expect(figures).toMatchObject({episodes: 2, pending: 1, hub: {episodes: null}});
  } finally {
    vi.useRealTimers();
  }
  thaw!();
  await until('it is there', () => cache.counts.pending === 0);
});

test('a coordinator quarantines and forgets what others have, at the hub too; whoever may not is refused and changes nothing', async () => {
  const {other, hub, desk} = await withHub();
  for (let number = 0; number < 30; number += 1) await other.db.storeEpisode({task: `lesson ${number}`, reward: 1});
  await other.sync();
  await hub.sync();
  expect(await must(desk.quarantine({agent: 'other'}))).toMatchObject({episodes: 30, hub: 'kept'});
  expect(await must(desk.search({query: 'lesson', from: 'hub'}))).toMatchObject({memories: []});
  expect((await must(desk.quarantine({agent: 'other', undo: true}))).ids).toHaveLength(30);
  expect((await must(desk.search({query: 'lesson', from: 'hub'}))).memories).toHaveLength(5);
  expect((await must(desk.forget({beforeMs: Date.now() + 1000}))).ids).toHaveLength(30);
  expect(await exported(desk)).toEqual([]);
});

test('a worker may not', async () => {
  const {other, hub, desk, opened} = await withHub({role: 'worker'});
  const id = await other.db.storeEpisode({task: 'lesson', reward: 1});
  await other.sync();
  await hub.sync();
  for (const answer of [desk.quarantine({agent: 'other'}), desk.forget({ids: [id]})]) {
    expect(await failureOf(answer)).toMatchObject({
      reason: 'memory-refused',
      detail: expect.stringContaining('worker'),
    });
  }
  expect(opened.cache.get(id)?.state.standing).toBe('active');
  expect(opened.cache.counts.pending).toBe(0);
  // Its own, it may forget.
  const {id: own} = await must(desk.add({task: 'mine', reward: 1}));
  expect((await must(desk.forget({ids: [own]}))).hub).toBe('kept');
});

test('what gets to the hub while it is exported is on a page here or on one from there, and never on none', async () => {
  const {opened, hub, desk} = await withHub();
  await hub.connect();
  const {id} = await must(desk.add({task: 'first', reward: 1}));
  // Not sent yet when the first page is asked for.
  const {episode} = (await must(desk.get(id))) as KeptMemory;
  opened.keep({kind: 'episode', episode: {...episode, id: 'late', at: opened.cache.stamp()}});
  const here = await must(desk.export({after: 'local:0'}));
  expect(here).toMatchObject({local: true, from: 'cache', rows: [{episode: {id: 'late'}}], next: 'hub:0'});
  await hub.sync();
  const there = await must(desk.export({after: here.next!}));
  expect(there).toMatchObject({local: false, from: 'hub', next: null});
  expect(there.rows.map(row => row.episode.id)).toEqual([id, 'late']);
});
