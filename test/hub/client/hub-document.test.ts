import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, expect, test} from 'vitest';
import {EphemeralAgent} from '../../../src/hub/client/ephemeral-agent.ts';
import {FederationHub, type FederationHubOptions} from '../../../src/hub/client/federation-hub.ts';
import type {HubAdapter, HubAdapterEvent, HubListener, HubMember} from '../../../src/hub/client/hub-adapter.ts';
import type {HubDocument} from '../../../src/hub/client/hub-document.ts';
import {InProcessHub} from '../../../src/hub/client/in-process-hub.ts';
import {createRealtimeHub} from '../../../src/hub/client/realtime-hub.ts';
import {SharedDocument} from '../../../src/hub/replica/shared-document.ts';
import type {HubRole} from '../../../src/model/hub.ts';
import {FederationHubServer} from '../../../src/hub/server/federation-hub-server.ts';
import {until} from '../../rig/until.ts';

let folder: string;
const open = new Set<FederationHub>();
const servers = new Set<FederationHubServer>();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'godel-docse2e-'));
});

afterEach(async () => {
  await Promise.all([...open].map(hub => hub.close()));
  await Promise.all([...servers].map(server => server.stop()));
  open.clear();
  servers.clear();
  rmSync(folder, {recursive: true, force: true});
});

/** A hub that can be away for a while. */
interface Backend {
  options(agentId: string, role?: HubRole): Promise<Partial<FederationHubOptions>>;
  away<T>(act: () => Promise<T>): Promise<T>;
}

async function serve(port = 0): Promise<FederationHubServer> {
  const server = new FederationHubServer({port, dbPath: join(folder, 'hub.db'), embedder: {kind: 'hashed'}});
  servers.add(server);
  await server.start();
  return server;
}

async function overWebSockets(): Promise<Backend> {
  let server = await serve();
  const {port} = server.address!;
  return {
    async options(agentId, role = 'worker') {
      return {
        endpoint: `ws://127.0.0.1:${port}`,
        token: await server.security.generateToken(agentId, 't1', {role}),
      };
    },
    async away(act) {
      await server.stop();
      servers.delete(server);
      const answer = await act();
      server = await serve(port);
      return answer;
    },
  };
}

/** Connections to it are down as long as `isAway`. */
function inOneProcess(): Promise<Backend> {
  const hub = new InProcessHub();
  let gate: Promise<undefined> | null = null;
  return Promise.resolve({
    options: () =>
      Promise.resolve({
        hubAdapter: (who: HubMember) => {
          const adapter = hub.adapter(who);
          const connect = adapter.connect.bind(adapter);
          adapter.connect = async options => {
            await gate;
            return connect(options);
          };
          return adapter;
        },
      }),
    async away(act) {
      const back = new AbortController();
      gate = new Promise(resolve => back.signal.addEventListener('abort', () => resolve(undefined)));
      hub.dropAll();
      const answer = await act();
      gate = null;
      back.abort();
      return answer;
    },
  });
}

const backends = [
  ['over WebSockets', overWebSockets],
  ['in one process', inOneProcess],
] as const;

const contents = (document: HubDocument) => ({
  text: document.text('notes').toString(),
  map: Object.fromEntries(document.map('facts').entries()),
  list: document.list('steps').values(),
});

const areEqual = (documents: readonly HubDocument[]) =>
  new Set(documents.map(document => JSON.stringify(sorted(contents(document))))).size === 1;

function sorted({map, ...rest}: ReturnType<typeof contents>) {
  return {...rest, map: Object.entries(map).toSorted(([a], [b]) => (a < b ? -1 : 1))};
}

/** The same must be true of every hub. */
for (const [name, start] of backends) {
  async function client(backend: Backend, agentId: string): Promise<FederationHub> {
    const hub = new FederationHub({agentId, tenantId: 't1', ...(await backend.options(agentId))});
    open.add(hub);
    return hub;
  }

  test(`${name}: two agents write one document, and are told what the other changes`, async () => {
    const backend = await start();
    const [ann, bob] = [await client(backend, 'ann'), await client(backend, 'bob')];
    await Promise.all([ann.connect(), bob.connect()]);
    const [mine, his] = [ann.document('plan'), bob.document('plan')];
    expect(ann.document('plan')).toBe(mine);
    await Promise.all([mine.sync(), his.sync()]);
    const heard: string[] = [];
    his.on('change', ({by}) => heard.push(by));
    mine.edit(() => {
      mine.text('notes').insert(0, 'first');
      mine.map('facts').set('ready', {since: [1, 2], ok: true});
      mine.list('steps').push('a', 'c');
    });
    expect(mine.isSaved).toBe(false);
    await until('bob has it', () => his.list('steps').length === 2);
    // What was written in one turn comes as one change.
    expect(heard).toEqual(['others']);
    his.list('steps').insert(1, 'b');
    his.text('notes').delete(0, 5);
    his.map('facts').delete('ready');
    await his.sync();
    expect(his.isSaved).toBe(true);
    await until('ann has it', () => mine.list('steps').length === 3 && mine.isSaved);
    expect(contents(mine)).toEqual({text: '', map: {}, list: ['a', 'b', 'c']});
    expect(contents(his)).toEqual(contents(mine));
    // Another document, another tenant's, or none: nothing of it is there.
    expect(contents(ann.document('other')).list).toEqual([]);
  });

  test(`${name}: three agents write while they are apart, and converge when the hub is back`, async () => {
    const backend = await start();
    const hubs = [await client(backend, 'ann'), await client(backend, 'bob'), await client(backend, 'cid')];
    await Promise.all(hubs.map(hub => hub.connect()));
    const documents = hubs.map(hub => hub.document('plan'));
    for (const document of documents) {
      document.list('steps').push(`before ${documents.indexOf(document)}`);
    }
    await Promise.all(documents.map(document => document.sync()));
    await until('all have three', () => documents.every(document => document.list('steps').length === 3));
    await backend.away(async () => {
      await until('all know that it is away', () => hubs.every(hub => !hub.isConnected()));
      for (const [index, document] of documents.entries()) {
        document.text('notes').insert(0, `text of ${index}. `);
        document.map('facts').set('shared', index);
        document.map('facts').set(`own ${index}`, index);
        document.list('steps').delete(0);
        document.list('steps').push(`after ${index}`);
        expect(document.isSaved).toBe(false);
      }
    });
    await Promise.all(documents.map(document => document.sync()));
    await until('all have the same', () => areEqual(documents));
    const {text, map, list} = contents(documents[0]!);
    for (const index of [0, 1, 2]) expect(text).toContain(`text of ${index}. `);
    expect(Object.keys(map).sort()).toEqual(['own 0', 'own 1', 'own 2', 'shared']);
    expect(list.filter(item => JSON.stringify(item).startsWith('"after')).length).toBe(3);
    expect(list.filter(item => JSON.stringify(item).startsWith('"before')).length).toBe(2);
  });

  test(`${name}: many edits of one turn are one update, and none is lost`, async () => {
    const backend = await start();
    const [ann, bob] = [await client(backend, 'ann'), await client(backend, 'bob')];
    await Promise.all([ann.connect(), bob.connect()]);
    const [mine, his] = [ann.document('plan'), bob.document('plan')];
    await Promise.all([mine.sync(), his.sync()]);
    let heard = 0;
    his.on('change', () => (heard += 1));
    for (let number = 0; number < 3000; number += 1) mine.list('steps').push(number);
    await mine.sync();
    await until('bob has all', () => his.list('steps').length === 3000);
    expect(his.list('steps').values()).toEqual(Array.from({length: 3000}, (_, index) => index));
    expect(heard).toBeLessThanOrEqual(2);
  });

  test(`${name}: an update is told once, however often it comes, and to those only who take part`, async () => {
    const backend = await start();
    const [ann, bob] = [await client(backend, 'ann'), await client(backend, 'bob')];
    await Promise.all([ann.connect(), bob.connect()]);
    const told: string[] = [];
    bob.adapter!.listen(event => {
      if (event.kind === 'document') told.push(event.document);
    });
    const [first, second] = [bob.document('first'), bob.document('second')];
    await Promise.all([first.sync(), second.sync()]);
    const update = new SharedDocument();
    update.text('notes').insert(0, 'once');
    for (let times = 0; times < 3; times += 1) {
      for (const document of ['first', 'second']) {
        await ann.adapter!.document!({document, vector: null, update: update.snapshot()});
      }
    }
    first.close();
    await second.sync();
    expect(told).toEqual(['first', 'second']);
    update.text('notes').insert(4, ' more');
    for (const document of ['first', 'second']) {
      await ann.adapter!.document!({document, vector: null, update: update.snapshot()});
    }
    await until('bob has more', () => second.text('notes').toString() === 'once more');
    expect(told).toEqual(['first', 'second', 'second']);
    const again = bob.document('first');
    await again.sync();
    expect(again.text('notes').toString()).toBe('once more');
  });

  test(`${name}: more documents than a hub takes at once can be used one after the other`, async () => {
    const backend = await start();
    const ann = await client(backend, 'ann');
    await ann.connect();
    for (let number = 0; number < 120; number += 1) {
      const document = ann.document(`d${number}`);
      await document.sync();
      document.close();
    }
  });

  test(`${name}: what is no update of a document is refused with what is wrong, and changes nothing`, async () => {
    const backend = await start();
    const [ann, bob] = [await client(backend, 'ann'), await client(backend, 'bob')];
    await Promise.all([ann.connect(), bob.connect()]);
    const [mine, his] = [ann.document('plan'), bob.document('plan')];
    mine.text('notes').insert(0, 'kept');
    await mine.sync();
    await his.sync();
    const adapter = ann.adapter!;
    const update = Buffer.from('this is no update at all');
    await expect(adapter.document!({document: 'plan', vector: null, update})).rejects.toMatchObject({
      name: 'HubError',
      code: 'bad-frame',
      message: expect.stringMatching(/The update was refused: it does not decode/) as string,
    });
    const ofAnother = new SharedDocument();
    ofAnother.text('notes').insert(0, 'one');
    const known = ofAnother.vector();
    ofAnother.text('notes').insert(3, ' two');
    const later = ofAnother.missing(known);
    if (!later.ok) throw new Error(later.failure.detail);
    await expect(adapter.document!({document: 'plan', vector: null, update: later.value})).rejects.toMatchObject({
      code: 'bad-frame',
      message: expect.stringMatching(/are missing/) as string,
    });
    await expect(
      adapter.document!({document: 'plan', vector: Buffer.from([255, 255]), update: null}),
    ).rejects.toMatchObject({code: 'bad-frame'});
    mine.text('notes').insert(4, ' on');
    await until('bob has what came after', () => his.text('notes').toString() === 'kept on');
  });

  test(`${name}: a document beyond its bound says so, and goes on when there is room`, async () => {
    const backend = await start();
    const ann = await client(backend, 'ann');
    await ann.connect();
    const document = ann.document('large');
    const text = document.text('notes');
    expect(() => text.insert(0, 'x'.repeat(2 ** 21 + 1))).toThrow(
      expect.objectContaining({name: 'HubError', code: 'too-large'}),
    );
    text.insert(0, 'x'.repeat(2 ** 20));
    text.insert(0, 'y'.repeat(2 ** 20 - 1000));
    expect(() => text.insert(0, 'z'.repeat(2000))).toThrow(
      expect.objectContaining({
        code: 'storage-full',
        message: expect.stringMatching(/delete something first/) as string,
      }),
    );
    expect(() => text.insert(99_999_999, 'z')).toThrow(expect.objectContaining({code: 'bad-option'}));
    expect(() => document.map('facts').set('a', Number.NaN)).toThrow(expect.objectContaining({code: 'bad-option'}));
    expect(() => document.map('')).toThrow(expect.objectContaining({code: 'bad-option'}));
    await document.sync();
    text.delete(0, 2 ** 20);
    text.insert(0, 'room again');
    await document.sync();
    const bob = await client(backend, 'bob');
    const his = bob.document('large');
    await bob.connect();
    await his.sync();
    expect(his.text('notes').toString().slice(0, 12)).toBe('room againxx');
  });

  test(`${name}: agents and realtime hubs share documents too, over one connection where there is one`, async () => {
    const backend = await start();
    const {endpoint, ...rest} = await backend.options('ann');
    const agent = await EphemeralAgent.spawn({
      agentId: 'ann',
      tenantId: 't1',
      ...rest,
      ...(endpoint !== undefined && {hubEndpoint: endpoint}),
    });
    const bob = createRealtimeHub('bob', 't1', await backend.options('bob'));
    await Promise.all([agent.sync(), bob.connect()]);
    const same = createRealtimeHub('ann', 't1', {hub: agent.hub!});
    expect(same.document('plan')).toBe(agent.document('plan'));
    const his = bob.document('plan');
    await his.sync();
    agent.document('plan').map('facts').set('who', 'ann');
    // Told with the goodbye.
    await same.shutdown();
    await agent.destroy();
    expect(() => agent.document('plan')).toThrow(expect.objectContaining({code: 'ended'}));
    await until('bob has it', () => his.map('facts').get('who') === 'ann');
    await bob.shutdown();
    expect(() => his.map('facts').set('late', 1)).toThrow(expect.objectContaining({code: 'ended'}));
  });
}

test('a reader reads and is told, and cannot write, neither here nor at the hub', async () => {
  const backend = await overWebSockets();
  const worker = new FederationHub({agentId: 'ann', tenantId: 't1', ...(await backend.options('ann'))});
  const reader = new FederationHub({agentId: 'rea', tenantId: 't1', ...(await backend.options('rea', 'reader'))});
  open.add(worker).add(reader);
  // Written before anybody knows that it may not.
  const early = reader.document('early');
  early.map('facts').set('mine', true);
  const errors: string[] = [];
  early.on('error', ({code}) => errors.push(code));
  await Promise.all([worker.connect(), reader.connect()]);
  await until('the hub has refused it', () => errors.length > 0);
  expect(errors).toEqual(['forbidden']);
  expect(early.isSaved).toBe(false);
  await expect(early.sync()).rejects.toMatchObject({code: 'forbidden'});
  const read = reader.document('plan');
  await read.sync();
  worker.document('plan').text('notes').insert(0, 'told');
  await until('the reader is told', () => read.text('notes').toString() === 'told');
  worker.document('plan').text('notes').delete(0, 4);
  await until('and of deletions', () => read.text('notes').length === 0);
  await read.sync();
  expect(() => read.text('notes').insert(0, 'x')).toThrow(
    expect.objectContaining({code: 'forbidden', message: 'A reader may not write into the document plan'}),
  );
  const update = new SharedDocument();
  update.text('notes').insert(0, 'x');
  await expect(
    reader.adapter!.document!({document: 'plan', vector: null, update: update.snapshot()}),
  ).rejects.toMatchObject({code: 'forbidden'});
  const checked = worker.document('early');
  await checked.sync();
  expect(checked.map('facts').size).toBe(0);
});

/** An adapter that delivers what the test says, when it says it. */
class Delivery implements HubAdapter {
  readonly #inner: HubAdapter;
  readonly #listeners = new Set<HubListener>();
  readonly held: HubAdapterEvent[] = [];

  constructor(inner: HubAdapter) {
    this.#inner = inner;
    inner.listen(event => (event.kind === 'document' ? this.held.push(event) : this.deliver(event)));
  }
  deliver(event: HubAdapterEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
  get isConnected() {
    return this.#inner.isConnected;
  }
  get welcome() {
    return this.#inner.welcome;
  }
  connect = (options?: {readonly deadlineMs?: number}) => this.#inner.connect(options);
  push: HubAdapter['push'] = items => this.#inner.push(items);
  pull: HubAdapter['pull'] = (since, limit) => this.#inner.pull(since, limit);
  setPresence: HubAdapter['setPresence'] = note => this.#inner.setPresence(note);
  subscribe: HubAdapter['subscribe'] = subscription => this.#inner.subscribe(subscription);
  who = () => this.#inner.who();
  document: NonNullable<HubAdapter['document']> = request => this.#inner.document!(request);
  send: HubAdapter['send'] = message => this.#inner.send(message);
  received = () => undefined;
  close = () => this.#inner.close();
  listen(listener: HubListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

test('updates that come twice, in another order, damaged or not at all do no harm', async () => {
  const hub = new InProcessHub();
  let delivery: Delivery | undefined;
  const hubAdapter = (who: Parameters<typeof hub.adapter>[0]) => (delivery = new Delivery(hub.adapter(who)));
  const ann = new FederationHub({agentId: 'ann', tenantId: 't1', hubAdapter: hub.adapter});
  const bob = new FederationHub({agentId: 'bob', tenantId: 't1', hubAdapter});
  open.add(ann).add(bob);
  await Promise.all([ann.connect(), bob.connect()]);
  const [mine, his] = [ann.document('plan'), bob.document('plan')];
  await Promise.all([mine.sync(), his.sync()]);
  const write = async (count: number, before: string) => {
    for (let number = 0; number < count; number += 1) {
      mine.list('steps').push(`${before} ${number}`);
      await mine.sync();
    }
  };
  await write(5, 'reversed');
  expect(delivery!.held.length).toBe(5);
  for (const event of delivery!.held.splice(0).reverse()) {
    delivery!.deliver(event);
    delivery!.deliver(event);
  }
  await until('all five are there', () => his.list('steps').length === 5);
  expect(contents(his)).toEqual(contents(mine));
  const errors: string[] = [];
  his.on('error', ({code, message}) => errors.push(`${code} ${message}`));
  delivery!.deliver({kind: 'document', document: 'plan', update: Buffer.from('rubbish from a broken hub')});
  expect(errors.join()).toMatch(/^bad-frame The document plan: The update was refused/);
  expect(his.list('steps').length).toBe(5);
  await write(3, 'lost');
  delivery!.held.length = 0;
  // The hub says that we were too slow to be told.
  delivery!.deliver({kind: 'document', document: 'plan', update: null});
  await until('all eight are there', () => his.list('steps').length === 8);
  expect(contents(his)).toEqual(contents(mine));
  his.list('steps').push('and on');
  await until('ann has it', () => mine.list('steps').length === 9);
});

test('an adapter without documents says so', async () => {
  const hub = new InProcessHub();
  const bare: HubAdapter = new Delivery(hub.adapter({agentId: 'bob', tenantId: 't1', sessionId: null}));
  delete bare.document;
  const bob = new FederationHub({agentId: 'bob', tenantId: 't1', hubAdapter: bare});
  open.add(bob);
  const early = bob.document('plan');
  early.map('facts').set('a', 1);
  const errors: string[] = [];
  early.on('error', ({message}) => errors.push(message));
  await bob.connect();
  expect(() => bob.document('other')).toThrow(
    expect.objectContaining({name: 'HubError', message: expect.stringMatching(/no shared documents/) as string}),
  );
  await expect(early.sync()).rejects.toThrow(/no shared documents/);
  await until('it is told', () => errors.length > 0);
  expect(early.map('facts').get('a')).toBe(1);
});

test('as many documents as a hub takes are open at once, and a closed one makes room', () => {
  const ann = new FederationHub({agentId: 'ann', tenantId: 't1', hubAdapter: new InProcessHub().adapter});
  open.add(ann);
  const documents = Array.from({length: 100}, (_, index) => ann.document(`d${index}`));
  expect(() => ann.document('one more')).toThrow(expect.objectContaining({code: 'limit-reached'}));
  documents[3]!.close();
  expect(() => documents[3]!.text('notes')).toThrow(expect.objectContaining({code: 'ended'}));
  ann.document('one more');
  expect(() => ann.document('')).toThrow(expect.objectContaining({code: 'bad-option'}));
});
