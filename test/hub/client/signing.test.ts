import {generateKeyPairSync} from 'node:crypto';
import {afterEach, expect, test} from 'vitest';
import {EphemeralAgent} from '../../../src/hub/client/ephemeral-agent.ts';
import {FederationHub, type FederationHubOptions} from '../../../src/hub/client/federation-hub.ts';
import {openCache} from '../../../src/hub/client/store/open-cache.ts';
import {createSigner} from '../../../src/hub/security/signer.ts';
import type {FederationHubServer} from '../../../src/hub/server/federation-hub-server.ts';
import type {HubRole} from '../../../src/model/hub.ts';
import {HubFolderRig} from '../server/parts/hub-folder-rig.ts';

const open = new Set<FederationHub>();

afterEach(async () => {
  await Promise.all([...open].map(hub => hub.close()));
  open.clear();
});

const newKey = () => generateKeyPairSync('ed25519').privateKey;

function client(
  server: FederationHubServer,
  agentId: string,
  {role = 'worker', ...options}: Partial<FederationHubOptions> & {role?: HubRole} = {},
): FederationHub {
  const endpoint = `ws://127.0.0.1:${server.address?.port ?? 0}`;
  const token = () => server.security.generateToken(agentId, 't1', {role});
  const hub = new FederationHub({agentId, tenantId: 't1', endpoint, token, ...options});
  open.add(hub);
  return hub;
}

test('an agent with a key signs what it stores and makes its key known, to a hub that takes nothing else', async () => {
  await using rig = new HubFolderRig();
  const server = await rig.start({requireSignatures: true});
  const signingKey = createSigner(newKey());
  const ann = client(server, 'ann', {signingKey});
  const id = await ann.db.storeEpisode({task: 'sign what you say', reward: 1});
  await ann.sync();
  expect(ann.getSyncStats()).toMatchObject({pushed: 1, refused: []});
  expect(server.listKeys()).toMatchObject([{agentId: 'ann', publicKey: signingKey.publicKey}]);
  expect((await ann.db.getEpisode(id))?.episode.signature).toMatch(/^[\w-]{86}$/);

  const token = () => server.security.generateToken('eve', 't1');
  const hubEndpoint = `ws://127.0.0.1:${server.address?.port ?? 0}`;
  const eve = await EphemeralAgent.spawn({
    tenantId: 't1',
    agentId: 'eve',
    hubEndpoint,
    token,
    signingKey: createSigner(newKey()),
  });
  await eve.storeEpisode({task: 'so does who lives shortly', reward: 1});
  expect(await eve.destroy()).toMatchObject({unsynced: 0, error: null});

  const bare = client(server, 'bare');
  await bare.db.storeEpisode({task: 'unsigned', reward: 1});
  await bare.sync();
  expect(bare.getSyncStats()).toMatchObject({pushed: 0, refused: [{code: 'forbidden'}], episodes: 3});
});

test('with another key the hub is given up with what to do, and with the former key it is not', async () => {
  await using rig = new HubFolderRig();
  const server = await rig.start();
  const [former, later] = [newKey(), newKey()];
  await client(server, 'ann', {signingKey: createSigner(former)}).connect();
  const wrong = client(server, 'ann', {signingKey: createSigner(later)});
  await expect(wrong.connect()).rejects.toMatchObject({
    code: 'forbidden',
    message: expect.stringContaining('formerKey'),
  });
  const right = client(server, 'ann', {signingKey: createSigner(later, {formerKey: former})});
  await right.connect();
  await right.db.storeEpisode({task: 'with the new key', reward: 1});
  await right.sync();
  expect(right.getSyncStats()).toMatchObject({pushed: 1, refused: []});
});

test('what others have left is signed by who pushes it, in its own name or for whom it speaks; a reader makes no key known', async () => {
  await using rig = new HubFolderRig();
  const server = await rig.start({requireSignatures: true});
  const cache = openCache({tenantId: 't1', memoryPath: ':memory:'});
  const options = {tenantId: 't1', cache};
  for (const agentId of ['godel/alpha-01', 'gone']) {
    const agent = await EphemeralAgent.spawn({...options, agentId});
    await agent.storeEpisode({task: `of ${agentId}`, reward: 1});
    await agent.destroy();
  }
  const lead = client(server, 'godel', {role: 'coordinator', cache, signingKey: createSigner(newKey())});
  await lead.sync();
  expect(lead.getSyncStats()).toMatchObject({pushed: 2, refused: []});
  const reader = client(server, 'reader', {role: 'reader', signingKey: createSigner(newKey())});
  await reader.sync();
  const found = await reader.db.queryMemories('of', 5, {from: 'cache'});
  expect(found.map(({episode}) => episode.agentId).toSorted()).toEqual(['godel', 'godel/alpha-01']);
  expect(server.listKeys().map(({agentId}) => agentId)).toEqual(['godel']);
  await lead.close();
  cache.close();
});
