import {mkdtempSync, readdirSync, rmSync} from 'node:fs';
import {createConnection, createServer, type Server, type Socket} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, expect, test} from 'vitest';
import type {Lesson} from '../../../src/daemon/memory/attempt-memory.ts';
import {CachedMemory} from '../../../src/daemon/memory/cached-memory.ts';
import type {HubSource} from '../../../src/daemon/memory/hub-source.ts';
import {lessonId} from '../../../src/daemon/memory/lesson-id.ts';
import {SecurityManager} from '../../../src/hub/security/security-manager.ts';
import {FederationHubServer} from '../../../src/hub/server/federation-hub-server.ts';
import {until} from '../../rig/until.ts';

let folder: string;
const ends: (() => Promise<unknown>)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'godel-hub-line-'));
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  rmSync(folder, {recursive: true, force: true});
});

const complaints: string[] = [];
const note = (_facts: object, text: string) => void complaints.push(text);
const log = {debug: note, info: note, warn: note, error: note} as never;

async function startHub(port = 0): Promise<{server: FederationHubServer; url: string; security: SecurityManager}> {
  const security = SecurityManager.open(join(folder, 'keys'), {hubId: 'hub'});
  const server = new FederationHubServer({
    port,
    dbPath: join(folder, 'hub.db'),
    embedder: {kind: 'hashed'},
    auth: {verify: token => security.verifyToken(token), recheck: identity => security.recheck(identity)},
  });
  await server.start();
  ends.push(() => server.stop());
  return {server, url: `ws://127.0.0.1:${server.address?.port}`, security};
}

/** A line to the hub on which everything can be held up. */
class Line {
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  isHeld = false;
  /** Bytes to the hub. */
  said = 0;

  constructor(to: number) {
    this.#server = createServer(near => {
      const far = createConnection({port: to, host: '127.0.0.1'});
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on('error', () => undefined).on('close', () => (near.destroy(), far.destroy()));
      }
      near.on('data', data => {
        this.said += data.length;
        far.write(data);
      });
      far.on('data', data => {
        if (!this.isHeld) near.write(data);
      });
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>(resolve => this.#server.listen(0, '127.0.0.1', resolve));
    ends.push(() => {
      for (const socket of this.#sockets) socket.destroy();
      return new Promise(resolve => this.#server.close(resolve));
    });
    const address = this.#server.address();
    return `ws://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  }
}

interface Moving extends HubSource {
  move(url: string): void;
}

function sourceAt(url: string, security: SecurityManager, agentId = 'godel'): Moving {
  let listener: (url: string) => void = () => undefined;
  return {
    agentId,
    ownsLog: true,
    certificates: {},
    expiresAtMs: () => null,
    find: () => Promise.resolve(url),
    token: () => security.generateToken(agentId, 't1', {role: 'coordinator'}),
    onMoved: told => {
      listener = told;
      return () => undefined;
    },
    move: to => listener(to),
  };
}

function open(source: HubSource, file = ':memory:'): CachedMemory {
  const memory = new CachedMemory({file, tenantId: 't1', source, log, hubDelayMs: 0});
  memory.prepare();
  ends.push(() => memory.close());
  return memory;
}

const id = (number: number) => lessonId(1_700_000_000_000, ['store', number]);

function lesson(number: number, over: Partial<Lesson> = {}): Lesson {
  const task = `build-${number}: make the parser`;
  const end = {output: '', critique: null, reward: 1, success: true, tags: ['command']};
  return {id: id(number), agentId: 'a-1', sessionId: 'a', task, input: '', ...end, ...over};
}

const recall = (memory: CachedMemory, k = 5) => memory.recall({query: 'make a parser', k, deadlineMs: 5000});
const isConnected = (memory: CachedMemory) => async () => (await memory.opened())?.hub?.isConnected() === true;
const ids = async (memory: CachedMemory) => (await recall(memory)).map(({episode}) => episode.id).toSorted();

test('what one daemon learns the other is given, by agents that speak beneath their daemons; and a bearing counts once', async () => {
  const {url, security} = await startHub();
  const one = open(sourceAt(url, security, 'ann'));
  const two = open(sourceAt(url, security, 'ben'));
  await until('both are there', async () => (await isConnected(one)()) && isConnected(two)());
  one.remember(lesson(1));
  await until('the other has it', async () => (await ids(two)).length === 1);
  expect((await recall(two))[0]?.episode.agentId).toBe('ann/a-1');
  for (const by of ['b-1', 'b-1', 'b-2'])
    two.confirm({id: id(by === 'b-1' ? 2 : 3), episode: id(1), by, success: true});
  const confirmed = async () => (await recall(one))[0]?.state.confirmed;
  await until('it is borne out by two', async () => (await confirmed()) === 2);
});

test('what its hub has not heard of yet is found all the same', async () => {
  const {url, security, server} = await startHub();
  const memory = open(sourceAt(url, security));
  await until('it is there', isConnected(memory));
  memory.remember(lesson(1));
  // In the same turn: it is not at the hub.
  expect(await ids(memory)).toEqual([id(1)]);
  await until('it is at the hub', () => server.getStats().episodes === 1);
  expect(await ids(memory)).toEqual([id(1)]);
});

test('a hub that does not answer in time is waited for once, and its share of the time at most', async () => {
  const {security, server} = await startHub();
  const line = new Line(server.address?.port ?? 0);
  const memory = open(sourceAt(await line.listen(), security));
  await until('it is there', isConnected(memory));
  memory.remember(lesson(1));
  await until('it is at the hub', () => server.getStats().episodes === 1);
  await until('it is said so', async () => (await memory.opened())?.cache.isPending(id(1)) === false);
  line.isHeld = true;
  const asked = performance.now();
  expect(await memory.recall({query: 'make a parser', k: 5, deadlineMs: 500})).toHaveLength(1);
  expect(performance.now() - asked).toBeGreaterThan(250);
  const saidBefore = line.said;
  for (let count = 0; count < 100; count += 1) await memory.recall({query: 'make a parser', k: 5, deadlineMs: 500});
  // A question is about a hundred bytes: nearly none of them was asked.
  expect(line.said - saidBefore).toBeLessThan(2000);
});

test('it follows its hub to another address, and takes along what it had not sent', async () => {
  const first = await startHub();
  const source = sourceAt(first.url, first.security);
  const memory = open(source);
  await until('it is there', isConnected(memory));
  await first.server.stop();
  await until('that is noticed', async () => !(await isConnected(memory)()));
  memory.remember(lesson(1));
  expect(await ids(memory)).toEqual([id(1)]);
  const second = await startHub();
  source.move(second.url);
  await until('it is at the hub', () => second.server.getStats().episodes === 1);
});

test('a hub that refuses is told of once, and tried again', async () => {
  complaints.length = 0;
  const {url, security, server} = await startHub();
  let isGood = false;
  const source = sourceAt(url, security);
  let asked = 0;
  const token = () => {
    asked += 1;
    return isGood ? source.token() : 'nonsense';
  };
  const memory = open({...source, token});
  memory.remember(lesson(1));
  await until('it is refused', () => complaints.length > 0);
  expect(complaints).toEqual(['the hub refuses us; what is learned stays in the project']);
  // Some more times: that is not said again.
  const askedBefore = asked;
  await until('it has tried again and again', () => asked >= askedBefore + 3);
  expect(complaints).toHaveLength(1);
  isGood = true;
  await until('it is at the hub', () => server.getStats().episodes === 1);
  expect(complaints).toHaveLength(1);
});

test('what was learned before there was a hub goes to it, and is found until it is there', async () => {
  const file = join(folder, 'memory.db');
  const before = new CachedMemory({file, tenantId: 't1', source: null, log});
  before.remember(lesson(1));
  expect(await ids(before)).toEqual([id(1)]);
  await before.close();
  const {url, security, server} = await startHub();
  const memory = open(sourceAt(url, security), file);
  expect(await ids(memory)).toEqual([id(1)]);
  await until('it is at the hub', () => server.getStats().episodes === 1);
  await until('it is said so', async () => (await memory.opened())?.cache.counts.pending === 0);
  expect(await ids(memory)).toEqual([id(1)]);
});

test('a hub that has lost its log is told again what it had', async () => {
  const first = await startHub();
  const source = sourceAt(first.url, first.security);
  const memory = open(source);
  memory.remember(lesson(1));
  await until('it is at the hub', () => first.server.getStats().episodes === 1);
  await until('it is said so', async () => (await memory.opened())?.cache.counts.pending === 0);
  await first.server.stop();
  for (const name of readdirSync(folder)) if (name.startsWith('hub.db')) rmSync(join(folder, name));
  const second = await startHub();
  source.move(second.url);
  await until('the new one has it', () => second.server.getStats().episodes === 1);
  expect(await ids(memory)).toEqual([id(1)]);
});

test('two that come with the same token do not fight for it', async () => {
  complaints.length = 0;
  const {url, security} = await startHub();
  const one = open(sourceAt(url, security, 'ann'));
  await until('it is there', isConnected(one));
  const two = open(sourceAt(url, security, 'ann'));
  await until('the other is there', isConnected(two));
  await until('the first is told', () => complaints.length > 0);
  // Each of them would be back within half a second.
  await new Promise(resolve => setTimeout(resolve, 1500));
  expect(await isConnected(two)()).toBe(true);
  expect(await isConnected(one)()).toBe(false);
  expect(complaints).toHaveLength(1);
});

test('without a hub what is kept is forgotten by age, and never waits for one', async () => {
  const memory = new CachedMemory({file: ':memory:', tenantId: 't1', source: null, log});
  ends.push(() => memory.close());
  memory.remember(lesson(1));
  memory.confirm({id: id(2), episode: id(1), by: 'b-1', success: true});
  const [found] = await recall(memory);
  expect(found?.state.confirmed).toBe(1);
  expect((await memory.opened())?.cache.counts).toMatchObject({episodes: 1, pending: 0});
});
