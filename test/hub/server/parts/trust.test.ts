import {randomUUID} from 'node:crypto';
import {afterEach, expect, test} from 'vitest';
import {FederationHub, type FederationHubOptions} from '../../../../src/hub/client/federation-hub.ts';
import {formatStamp} from '../../../../src/hub/replica/hybrid-clock.ts';
import type {FederationHubServer} from '../../../../src/hub/server/federation-hub-server.ts';
import type {Episode} from '../../../../src/model/episode.ts';
import {episode, pushOf, type RawClient} from '../hub-rig.ts';
import {HubFolderRig} from './hub-folder-rig.ts';

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

const lesson = (agentId: string, fields: Partial<Episode> = {}) => episode(agentId, {at: at(), ...fields});
const query = (k: number) => ({type: 'recall', query: 'mend the lighthouse lamp', k}) as const;

function confirmOf(of: Episode, by: string, success: boolean) {
  return {kind: 'change', change: {id: randomUUID(), episode: of.id, by, at: at(), kind: 'confirm', success}} as const;
}

async function found(client: RawClient, k = 10): Promise<readonly string[]> {
  const {memories} = await client.ask('recalled', query(k));
  return memories.map(memory => memory.episode.agentId);
}

function client(hub: FederationHubServer, agentId: string, options: Partial<FederationHubOptions> = {}): FederationHub {
  const endpoint = `ws://127.0.0.1:${hub.address?.port ?? 0}`;
  const token = () => hub.security.generateToken(agentId, 't1');
  const made = new FederationHub({agentId, tenantId: 't1', endpoint, token, ...options});
  clients.add(made);
  return made;
}

test('1,000 false lessons with the best reward are not recalled once two agents have refuted some of them', async () => {
  await using rig = new HubFolderRig();
  const hub = await rig.start();
  const [mallory, honest, ann, bob] = (await Promise.all(
    ['mallory', 'honest', 'ann', 'bob'].map(name => rig.join(hub, name)),
  )) as [RawClient, RawClient, RawClient, RawClient];
  const truth = lesson('honest', {
    task: 'repair a lamp',
    output: 'to mend the lighthouse lamp, give it a new wick',
    reward: 0.6,
  });
  await honest.ask('pushed', pushOf(truth));
  const lies = Array.from({length: 1000}, (_, index) =>
    lesson('mallory', {
      task: 'mend the lighthouse lamp',
      output: `mend the lighthouse lamp with soup ${index}`,
      reward: 1,
    }),
  );
  for (const from of [0, 500]) await mallory.ask('pushed', pushOf(...lies.slice(from, from + 500)));
  expect(new Set(await found(ann))).toEqual(new Set(['mallory']));

  const refute = (client: RawClient, by: string) =>
    client.ask('pushed', {type: 'push', items: lies.slice(0, 5).map(lie => confirmOf(lie, by, false))});
  await refute(ann, 'ann');
  // One alone, however often it says so, silences nobody.
  await ann.ask('pushed', {type: 'push', items: lies.slice(5, 300).map(lie => confirmOf(lie, 'ann', false))});
  expect(await found(bob)).toContain('mallory');
  // What it says of itself helps it as little.
  await mallory.ask('pushed', {type: 'push', items: lies.slice(0, 400).map(lie => confirmOf(lie, 'mallory', true))});
  await refute(bob, 'bob');
  for (const asker of [ann, bob, honest]) expect(await found(asker)).toEqual(['honest']);
  expect(new Set(await found(mallory))).toContain('mallory');
  expect(hub.getTrust()).toMatchObject([{tenantId: 't1', agentId: 'mallory', confirmers: 2}]);
  expect(hub.getTrust()[0]?.trust).toBeCloseTo(1 / 6, 3);

  // To forget what was refuted does not clear it, and neither does a restart.
  const forget = {by: 'mallory', kind: 'standing', standing: 'forgotten'} as const;
  const gone = lies
    .slice(0, 300)
    .map(({id}) => ({kind: 'change', change: {...forget, id: randomUUID(), episode: id, at: at()}}) as const);
  await mallory.ask('pushed', {type: 'push', items: gone});
  await hub.stop();
  const again = await rig.start();
  expect(await found(await rig.join(again, 'carol'))).toEqual(['honest']);

  // Who recalls from its own cache leaves them out too.
  const carol = client(again, 'carol');
  await carol.sync();
  const recalled = await carol.db.queryMemories('mend the lighthouse lamp', 5, {from: 'cache'});
  expect(recalled.map(memory => memory.episode.agentId)).toEqual(['honest']);
});

test('an agent that was borne out comes before one that nobody has tried', async () => {
  await using rig = new HubFolderRig();
  const hub = await rig.start();
  const [good, fresh, ann] = [await rig.join(hub, 'good'), await rig.join(hub, 'fresh'), await rig.join(hub, 'ann')];
  const tried = lesson('good', {task: 'something else', output: 'x'});
  const fields = {task: 'mend the lighthouse lamp', output: 'a wick', reward: 1};
  await fresh.ask('pushed', pushOf(lesson('fresh', {...fields, output: 'a dry wick'})));
  await good.ask('pushed', pushOf(tried, lesson('good', {...fields, output: 'a wet wick'})));
  expect((await found(ann, 2))[0]).toBe('fresh');
  const lead = await rig.join(hub, 'lead', {role: 'coordinator'});
  await lead.ask('pushed', {type: 'push', items: ['lead/a', 'lead/b'].map(by => confirmOf(tried, by, true))});
  expect((await found(ann, 2))[0]).toBe('good');
});

test('a quorum is of different agents: one that confirms again and again, or itself, does not meet it', async () => {
  await using rig = new HubFolderRig();
  const hub = await rig.start({quorum: 2});
  const [author, sybil, ann] = [
    await rig.join(hub, 'author'),
    await rig.join(hub, 'sybil'),
    await rig.join(hub, 'ann'),
  ];
  const told = lesson('author', {task: 'mend the lighthouse lamp'});
  await author.ask('pushed', pushOf(told));
  const say = (client: RawClient, by: string, count: number) =>
    client.ask('pushed', {type: 'push', items: Array.from({length: count}, () => confirmOf(told, by, true))});
  await say(author, 'author', 10);
  await say(sybil, 'sybil', 100);
  // Nor does one that says it in names that are not its own.
  const others = await sybil.ask('pushed', {
    type: 'push',
    items: ['sybil/1', 'bob'].map(by => confirmOf(told, by, true)),
  });
  expect(others.results).toMatchObject([{code: 'forbidden'}, {code: 'forbidden'}]);
  expect(await found(ann)).toEqual([]);
  expect(await found(author)).toEqual(['author']);
  const local = client(hub, 'eve');
  await local.sync();
  expect(await local.db.queryMemories('mend the lighthouse lamp', 5, {from: 'cache'})).toEqual([]);
  await local.db.storeEpisode({task: 'mend the lighthouse lamp', reward: 1});
  expect((await local.db.queryMemories('lighthouse lamp', 5)).map(({episode}) => episode.agentId)).toEqual(['eve']);

  await say(ann, 'ann', 1);
  expect(await found(ann)).toEqual(['author']);
  await local.sync();
  const now = await local.db.queryMemories('mend the lighthouse lamp', 5, {from: 'cache'});
  expect(now.map(({episode}) => episode.agentId).toSorted()).toEqual(['author', 'eve']);
});
