import {mkdtempSync, readdirSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, expect, test} from 'vitest';
import {FederationHub, type FederationHubOptions} from '../../../src/hub/client/federation-hub.ts';
import {until} from '../../rig/until.ts';
import {type HubRig, startHub} from '../server/hub-rig.ts';

let rig: HubRig;
let folder: string;
const open = new Set<FederationHub>();

beforeEach(async () => {
  rig = await startHub();
  folder = mkdtempSync(join(tmpdir(), 'godel-hub-client-'));
});

afterEach(async () => {
  await Promise.all([...open].map(hub => hub.close()));
  open.clear();
  await rig[Symbol.asyncDispose]();
  rmSync(folder, {recursive: true, force: true});
});

function client(agentId: string, options: Partial<FederationHubOptions> = {}): FederationHub {
  const {url: endpoint, desk} = rig;
  const hub = new FederationHub({endpoint, agentId, tenantId: 't1', token: () => desk.issue(agentId), ...options});
  open.add(hub);
  return hub;
}

const learned = (task: string) => ({task, input: 'in', output: 'out', reward: 1});

test('what one agent stores, another one pulls and finds', async () => {
  const [ann, bob] = [client('ann'), client('bob')];
  await ann.connect();
  const id = await ann.db.storeEpisode(learned('make the flaky login test pass'));
  expect(await ann.sync()).toMatchObject({pushed: 1, refused: []});
  await bob.connect();
  await bob.sync();
  const found = await bob.db.queryMemories('login test is flaky', 3, {from: 'cache'});
  expect(found.map(({episode}) => episode.id)).toEqual([id]);
  expect(bob.getSyncStats()).toMatchObject({connected: true, pending: 0, episodes: 1, position: 1, lastError: null});
});

test('what others store is told at once', async () => {
  const [ann, bob] = [client('ann'), client('bob')];
  await Promise.all([ann.connect(), bob.connect()]);
  await Promise.all([ann.sync(), bob.sync()]);
  await ann.db.storeEpisode(learned('read the logs first'));
  await ann.sync();
  await until('bob has it', () => bob.getSyncStats().position === 1);
  expect((await bob.db.queryMemories('logs', 1, {from: 'cache'})).length).toBe(1);
  expect(bob.getSyncStats().syncs).toBe(1 + bob.getSyncStats().connections);
});

test('what is stored offline is kept in the file and synced by the next one who opens it', async () => {
  const memoryPath = join(folder, 'memory.db');
  const first = new FederationHub({
    endpoint: 'ws://127.0.0.1:9',
    agentId: 'ann',
    tenantId: 't1',
    token: 'none',
    memoryPath,
  });
  await first.db.storeEpisode(learned('kept while there is no hub'));
  expect((await first.db.queryMemories('hub', 1)).length).toBe(1);
  await first.close();
  const second = client('bob', {memoryPath});
  await second.sync();
  expect(rig.store.pull('t1', 0, 10, 1e6).entries).toMatchObject([
    {episode: {agentId: 'bob', task: 'kept while there is no hub'}},
  ]);
});

test('a file is used by one process at a time, and says so', () => {
  const memoryPath = join(folder, 'memory.db');
  client('ann', {memoryPath});
  expect(() => client('bob', {memoryPath})).toThrow(/another process has it open.*One process at a time/);
});

test('a hub that is started again finds everybody coming back, with nothing lost and nothing twice', async () => {
  const [ann, bob] = [client('ann'), client('bob')];
  await Promise.all([ann.sync(), bob.sync()]);
  const {store, desk} = rig;
  const port = rig.hub.address!.port;
  const ids: string[] = [];
  const store10 = async (part: string) => {
    for (let number = 0; number < 10; number += 1) {
      ids.push(await ann.db.storeEpisode(learned(`${part} ${number}`)));
      ids.push(await bob.db.storeEpisode(learned(`${part} ${number} of bob`)));
    }
  };
  await store10('before');
  const syncing = Promise.all([ann.sync(), bob.sync()]);
  await rig.hub.stop();
  await store10('while away');
  rig = await startHub({port, store, totals: store, auth: desk});
  await syncing;
  await Promise.all([ann.sync(), bob.sync()]);
  await until('both have all', () => [ann, bob].every(hub => hub.getSyncStats().position === 40));
  const kept = store.pull('t1', 0, 1000, 1e7).entries.map(entry => (entry.kind === 'episode' ? entry.episode.id : ''));
  expect([...kept].sort()).toEqual([...ids].sort());
  expect(ann.getSyncStats()).toMatchObject({pending: 0, episodes: 40});
  expect(ann.getSyncStats().connections).toBeGreaterThanOrEqual(2);
});

test('a token that the hub does not take ends the trying, with the code of the hub', async () => {
  const hub = client('ann', {token: 'made up'});
  await expect(hub.connect()).rejects.toMatchObject({name: 'HubError', code: 'token-invalid'});
  await expect(hub.sync()).rejects.toMatchObject({code: 'token-invalid'});
  expect(hub.isConnected()).toBe(false);
});

test('a token of another agent is refused before anything is pushed', async () => {
  const hub = client('ann', {token: rig.desk.issue('bob')});
  await expect(hub.connect()).rejects.toMatchObject({code: 'forbidden', message: /is of agent bob of tenant t1/});
});

test('a token is refreshed on the live connection before it expires', async () => {
  let asked = 0;
  const token = () => {
    asked += 1;
    return rig.desk.issue('ann', {lifeMs: 1500});
  };
  const hub = client('ann', {token});
  await hub.connect();
  await until('three tokens were asked for', () => asked >= 3);
  expect(hub.getSyncStats().connections).toBe(1);
  expect(rig.events.filter(({kind}) => kind === 'token-refreshed').length).toBeGreaterThanOrEqual(1);
});

test('nobody at the endpoint: connect says so in time, and goes on trying', async () => {
  const hub = client('ann', {endpoint: 'ws://127.0.0.1:9'});
  await expect(hub.connect({deadlineMs: 300})).rejects.toMatchObject({code: 'unreachable'});
});

test('quic is refused with what there is instead, and so is half a certificate', () => {
  expect(() => client('ann', {endpoint: 'quic://hub:1'})).toThrow(
    /Node 20 has no stable QUIC.*wss:\/\/ with client certificates/,
  );
  expect(() => client('ann', {endpoint: 'http://hub:1'})).toThrow(/use wss:\/\/host:port/);
  expect(() => client('ann', {endpoint: 'wss://hub:1', certPath: 'a.pem'})).toThrow(/give both certPath and keyPath/);
  expect(() => client('ann', {endpoint: 'ws://hub:1', caPath: 'a.pem'})).toThrow(/use wss:\/\/hub:1/);
});

test('a second connection of the same agent takes the place of the first, which does not fight for it', async () => {
  const first = client('ann');
  await first.connect();
  const second = client('ann');
  await second.connect();
  await until('the first has given up', () => !first.isConnected());
  await expect(first.sync()).rejects.toMatchObject({code: 'replaced'});
  expect(second.isConnected()).toBe(true);
});

test('what is sealed leaves no plain text in its files, and opens with its key only', async () => {
  const memoryPath = join(folder, 'memory.db');
  const options = {memoryPath, enableEncryption: true, endpoint: 'ws://127.0.0.1:9'};
  const first = client('ann', options);
  await first.db.storeEpisode({...learned('the secret launch procedure'), critique: 'whispered', tags: ['hushhush']});
  const bytes = () =>
    readdirSync(folder)
      .filter(name => !name.endsWith('.key'))
      .map(name => readFileSync(join(folder, name), 'latin1'))
      .join();
  expect(bytes()).not.toMatch(/secret|launch|whisper|hushhush|ann|t1/);
  expect((await first.db.queryMemories('launch', 1)).length).toBe(1);
  await first.close();
  expect(bytes()).not.toMatch(/secret|launch|whisper|hushhush/);
  const second = client('bob', options);
  expect(await second.db.queryMemories('launch', 1)).toMatchObject([{episode: {critique: 'whispered'}}]);
  await second.close();
  expect(() => client('eve', {...options, enableEncryption: false})).toThrow(/it is sealed/);
  const encryptionKey = Buffer.from(Array.from({length: 32}, (_, index) => index * 7)).toString('base64');
  expect(() => client('eve', {...options, encryptionKey})).toThrow(/its key is another one/);
});
