import {randomBytes} from 'node:crypto';
import {renameSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {FederationHub, type FederationHubOptions} from '../../../src/hub/client/federation-hub.ts';
import {restoreHubStore} from '../../../src/hub/server/store/backup.ts';
import type {FederationHubServer} from '../../../src/hub/server/federation-hub-server.ts';
import {HubFolderRig} from '../server/parts/hub-folder-rig.ts';

function client(hub: FederationHubServer, agentId: string, options: Partial<FederationHubOptions> = {}): FederationHub {
  const endpoint = `ws://127.0.0.1:${hub.address?.port ?? 0}`;
  const token = () => hub.security.generateToken(agentId, 't1');
  return new FederationHub({agentId, tenantId: 't1', endpoint, token, ...options});
}

async function put(hub: FederationHub, ...tasks: readonly string[]): Promise<readonly string[]> {
  const ids: string[] = [];
  for (const task of tasks) ids.push(await hub.db.storeEpisode({task, reward: 1}));
  return ids;
}

const tasksOf = async (hub: FederationHub): Promise<readonly string[]> =>
  (await hub.db.queryMemories('lesson', 50, {from: 'cache'})).map(({episode}) => episode.task).toSorted();

/** The hub is as it was when this copy was made. */
async function restore(rig: HubFolderRig, hub: FederationHubServer, copy: string): Promise<FederationHubServer> {
  await hub.stop();
  renameSync(rig.dbPath, `${rig.dbPath}.gone`);
  rmSync(`${rig.dbPath}-wal`, {force: true});
  rmSync(`${rig.dbPath}-shm`, {force: true});
  expect(restoreHubStore({from: copy, to: rig.dbPath, seal: null})).toMatchObject({ok: true});
  return rig.start();
}

test('after a backup was put back, a cache holds what the hub has, and what it had not pushed comes to the hub', async () => {
  await using rig = new HubFolderRig();
  const memoryPath = join(rig.folder, 'ann-memory.db');
  const copy = join(rig.folder, 'copy.db');
  const hub = await rig.start();
  const [ann, bob] = [client(hub, 'ann', {memoryPath}), client(hub, 'bob')];
  const [first = ''] = await put(bob, 'lesson kept 1', 'lesson kept 2');
  await bob.sync();
  expect(await hub.backup(copy)).toMatchObject({ok: true});
  await put(bob, 'lesson lost 1', 'lesson lost 2', 'lesson lost 3');
  await bob.db.vote(first, -1);
  await bob.sync();
  await ann.sync();
  expect(ann.getSyncStats().position).toBe(6);
  await ann.disconnect();
  await bob.close();
  await put(ann, 'lesson unpushed 1', 'lesson unpushed 2');
  await ann.db.vote(first, 1);
  await ann.close();
  const again = await restore(rig, hub, copy);
  // Behind the position that ann had: without an id of the log, what comes before it would never be pulled.
  const eve = client(again, 'eve');
  await put(eve, ...Array.from({length: 8}, (_, index) => `lesson new ${index}`));
  await eve.sync();
  const later = client(again, 'ann', {memoryPath});
  await later.sync();
  expect(later.getSyncStats()).toMatchObject({pending: 0, position: 13, episodes: 12});
  const fresh = client(again, 'fresh');
  await fresh.sync();
  const expected = await tasksOf(fresh);
  expect(expected).toHaveLength(12);
  expect(expected).toContain('lesson unpushed 2');
  expect(expected).not.toContain('lesson lost 1');
  expect(await tasksOf(later)).toEqual(expected);
  for (const each of [later, fresh]) {
    expect((await each.db.getEpisode(first))?.state).toMatchObject({up: 1, down: 0});
  }
  // The same log the next time: nothing begins anew.
  await later.close();
  const once = client(again, 'ann', {memoryPath});
  await once.sync();
  expect(once.getSyncStats()).toMatchObject({pulled: 0, position: 13, episodes: 12});
  await Promise.all([once, eve, fresh].map(each => each.close()));
});

test('after a backup was put back, what was sealed with a key that is not here is forgotten with the rest', async () => {
  await using rig = new HubFolderRig();
  const memoryPath = join(rig.folder, 'ann-memory.db');
  const copy = join(rig.folder, 'copy.db');
  const hub = await rig.start();
  const endToEnd = {key: randomBytes(32).toString('base64')};
  const ann = client(hub, 'ann', {memoryPath});
  const bob = client(hub, 'bob', {endToEnd});
  const eve = client(hub, 'eve');
  await put(bob, 'sealed kept');
  await bob.sync();
  expect(await hub.backup(copy)).toMatchObject({ok: true});
  await put(bob, 'sealed lost 1', 'sealed lost 2', 'sealed lost 3');
  await bob.sync();
  await put(eve, 'lesson lost 1', 'lesson lost 2');
  await eve.sync();
  await ann.sync();
  expect(ann.getSyncStats()).toMatchObject({position: 6, episodes: 2, sealed: 4});
  await Promise.all([ann, bob, eve].map(each => each.close()));

  const again = await restore(rig, hub, copy);
  const later = client(again, 'ann', {memoryPath});
  await later.sync();
  expect(later.getSyncStats()).toMatchObject({position: 1, episodes: 0, sealed: 1});
  expect(await tasksOf(later)).toEqual([]);
  await later.close();
  // What is counted is what is there.
  const opened = client(again, 'ann', {memoryPath});
  expect(opened.getSyncStats()).toMatchObject({episodes: 0, sealed: 1});
  await opened.close();
});
