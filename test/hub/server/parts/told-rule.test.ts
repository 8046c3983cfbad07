import {randomUUID} from 'node:crypto';
import {afterEach, expect, test} from 'vitest';
import {FederationHub} from '../../../../src/hub/client/federation-hub.ts';
import {formatStamp} from '../../../../src/hub/replica/hybrid-clock.ts';
import type {FederationHubServer} from '../../../../src/hub/server/federation-hub-server.ts';
import type {Episode} from '../../../../src/model/episode.ts';
import type {RecallRule} from '../../../../src/model/hub.ts';
import {until} from '../../../rig/until.ts';
import {episode, pushOf, type RawClient} from '../hub-rig.ts';
import {HubFolderRig} from './hub-folder-rig.ts';

const TASK = 'mend the lighthouse lamp';
let counter = 0;
const clients = new Set<FederationHub>();

afterEach(async () => {
  await Promise.all([...clients].map(each => each.close()));
  clients.clear();
});

function at(): string {
  counter = (counter + 1) % 65_536;
  return formatStamp({ms: Date.now(), counter, node: 'test'});
}

const lies = (agentId: string, count: number) =>
  Array.from({length: count}, (_, index) =>
    episode(agentId, {at: at(), task: TASK, output: `${TASK} with soup ${index}`, reward: 1}),
  );

async function say(client: RawClient, by: string, told: readonly Episode[], success: boolean): Promise<void> {
  const items = told.map(({id}) => ({
    kind: 'change' as const,
    change: {id: randomUUID(), episode: id, by, at: at(), kind: 'confirm' as const, success},
  }));
  await client.ask('pushed', {type: 'push', items});
}

function connect(hub: FederationHubServer, agentId: string, news: boolean): FederationHub {
  const endpoint = `ws://127.0.0.1:${hub.address?.port ?? 0}`;
  const token = () => hub.security.generateToken(agentId, 't1');
  const made = new FederationHub({agentId, tenantId: 't1', endpoint, token, news});
  clients.add(made);
  return made;
}

const recalled = (client: FederationHub) => client.db.queryMemories(TASK, 5);
const refusedBy = async (client: RawClient): Promise<RecallRule | undefined> => {
  const {recall} = await client.ask('entries', {type: 'pull', since: 1_000_000, limit: 1});
  return recall;
};

test('who stays connected stops recalling a liar with its next sync, and recalls it again once it is borne out', async () => {
  await using rig = new HubFolderRig();
  const hub = await rig.start();
  const [liar, ann, bob, lead] = [
    await rig.join(hub, 'liar'),
    await rig.join(hub, 'ann'),
    await rig.join(hub, 'bob'),
    await rig.join(hub, 'lead', {role: 'coordinator'}),
  ];
  const told = lies('liar', 12);
  await liar.ask('pushed', pushOf(...told));
  const victim = connect(hub, 'victim', false);
  await victim.sync();
  expect(await recalled(victim)).toHaveLength(5);
  await say(ann, 'ann', told, false);
  await victim.sync();
  expect(await recalled(victim)).toHaveLength(5);
  await say(bob, 'bob', told, false);
  await victim.sync();
  expect(await recalled(victim)).toEqual([]);
  // Those beneath the coordinator each bear it out.
  for (const by of ['a', 'b', 'c', 'd', 'e']) await say(lead, `lead/${by}`, told.slice(0, 2), true);
  await victim.sync();
  expect(await recalled(victim)).toHaveLength(5);
  expect(victim.getSyncStats().connections).toBe(1);
});

test('who hears the news stops recalling a liar without a sync of its own', async () => {
  await using rig = new HubFolderRig();
  const hub = await rig.start();
  const [liar, ann, bob] = [await rig.join(hub, 'liar'), await rig.join(hub, 'ann'), await rig.join(hub, 'bob')];
  const told = lies('liar', 12);
  await liar.ask('pushed', pushOf(...told));
  const victim = connect(hub, 'victim', true);
  await victim.sync();
  expect(await recalled(victim)).toHaveLength(5);
  const {syncs} = victim.getSyncStats();
  await say(ann, 'ann', told, false);
  await say(bob, 'bob', told, false);
  await until('the liar is not recalled', async () => (await recalled(victim)).length === 0, {withinMs: 10_000});
  expect(victim.getSyncStats()).toMatchObject({syncs, connections: 1});
});

test('a connection is told once whom not to recall, and only what has changed; who is told nothing else pulls it', async () => {
  await using rig = new HubFolderRig();
  const hub = await rig.start();
  const [liar, ann, bob] = [await rig.join(hub, 'liar'), await rig.join(hub, 'ann'), await rig.join(hub, 'bob')];
  const told = lies('liar', 3);
  await liar.ask('pushed', pushOf(...told));
  for (const client of [liar, ann, bob]) expect(await refusedBy(client)).toBeUndefined();
  await say(ann, 'ann', told, false);
  await say(bob, 'bob', told, false);
  // Bob's own news is nothing to tell him.
  expect(await refusedBy(bob)).toEqual({quorum: 0, distrusted: ['liar']});
  const news = await until('ann is told', async () => {
    const frame = await ann.next('news');
    return frame.recall !== undefined && frame;
  });
  expect(news.recall).toEqual({quorum: 0, distrusted: ['liar']});
  await ann.ask('pushed', pushOf(episode('ann', {at: at()})));
  expect((await bob.next('news')).entries.length).toBeGreaterThan(0);
  for (const client of [ann, bob]) expect(await refusedBy(client)).toBeUndefined();
});
