import {randomUUID} from 'node:crypto';
import Database from 'better-sqlite3';
import {expect, test} from 'vitest';
import {FederationHub} from '../../../../src/hub/client/federation-hub.ts';
import {formatStamp} from '../../../../src/hub/replica/hybrid-clock.ts';
import type {FederationHubServer} from '../../../../src/hub/server/federation-hub-server.ts';
import type {Episode, EpisodeChange, LogEntry, Memory} from '../../../../src/model/episode.ts';
import {until} from '../../../rig/until.ts';
import {episode, pushOf, type RawClient} from '../hub-rig.ts';
import {HubFolderRig} from './hub-folder-rig.ts';

let counter = 0;
function at(ms = Date.now()): string {
  counter = (counter + 1) % 65_536;
  return formatStamp({ms, counter, node: 'test'});
}

const TASK = 'mend the lighthouse lamp';
const LESSON =
  'Take the old wick out, clean the burner, put a new wick in and trim it before the lamp is lit again in the evening.';
const lesson = (agentId: string, fields: Partial<Episode> = {}) =>
  episode(agentId, {at: at(), task: TASK, output: LESSON, ...fields});

type Told = EpisodeChange extends infer C
  ? C extends EpisodeChange
    ? Omit<C, 'id' | 'episode' | 'at'>
    : never
  : never;

async function say(client: RawClient, of: Episode, change: Told): Promise<void> {
  const item = {kind: 'change', change: {id: randomUUID(), episode: of.id, at: at(), ...change}};
  const {results} = await client.ask('pushed', {type: 'push', items: [item] as never});
  expect(results).toMatchObject([{position: expect.any(Number)}]);
}

async function recall(client: RawClient, k = 5, tags?: string[]): Promise<readonly Memory[]> {
  return (await client.ask('recalled', {type: 'recall', query: TASK, k, ...(tags && {tags})})).memories;
}

async function stateOf(client: RawClient, {id}: Episode) {
  return (await client.ask('episode', {type: 'get', episode: id})).state;
}

async function log(client: RawClient): Promise<readonly LogEntry[]> {
  return (await client.ask('entries', {type: 'pull', since: 0, limit: 1000})).entries;
}

/** Resolves when the hub has looked at everything that is in its log: it does so in the order of positions. */
async function looked(rig: HubFolderRig, client: RawClient, agentId: string): Promise<void> {
  const task = `twins ${randomUUID()}`;
  const [one, two] = [lesson(agentId, {task, output: 'of one'}), lesson(agentId, {task, output: 'of one'})];
  await client.ask('pushed', pushOf(one, two));
  await until('the hub has merged', async () => (await stateOf(client, two))?.standing === 'merged');
  expect(rig.events.filter(({kind}) => kind === 'unexpected')).toEqual([]);
}

/** Of a hub that has ended. */
function audited(rig: HubFolderRig): readonly {what: string; detail: Record<string, unknown>}[] {
  const db = new Database(rig.dbPath, {readonly: true});
  const rows = db
    .prepare<[], {what: string; body: string}>("SELECT what, body FROM audit WHERE what IN ('merge', 'unmerge')")
    .all();
  db.close();
  return rows.map(({what, body}) => ({what, detail: JSON.parse(body) as Record<string, unknown>}));
}

test('three agents that learn the same ten times each are recalled as one, with counts and uses, by hub and cache', async () => {
  await using rig = new HubFolderRig();
  const hub = await rig.start();
  const [ann, bob, cay] = [await rig.join(hub, 'ann'), await rig.join(hub, 'bob'), await rig.join(hub, 'cay')];
  const dan = await rig.join(hub, 'dan');
  const first = lesson('ann', {tags: ['lamps']});
  const others = ['ann', 'bob', 'cay'].flatMap((name, index) =>
    Array.from({length: name === 'ann' ? 9 : 10}, () => lesson(name, {tags: [`of-${index}`]})),
  );
  await ann.ask('pushed', pushOf(first, ...others.filter(({agentId}) => agentId === 'ann')));
  await bob.ask('pushed', pushOf(...others.filter(({agentId}) => agentId === 'bob')));
  await cay.ask('pushed', pushOf(...others.filter(({agentId}) => agentId === 'cay')));
  const different = ['soap', 'paint', 'rope', 'tar'].map(word =>
    lesson('bob', {task: `${TASK} with ${word}`, output: `The ${word} holds.`}),
  );
  await bob.ask('pushed', pushOf(...different));
  const last = others.at(-1) ?? first;
  await say(ann, last, {by: 'ann', kind: 'use', count: 3});

  // Before anything is merged, too.
  const memories = await recall(ann);
  expect(new Set(memories.map(memory => memory.episode.output)).size).toBe(5);

  await looked(rig, dan, 'dan');
  const state = await stateOf(bob, first);
  expect(state).toMatchObject({standing: 'active', merged: 29, uses: 3});
  expect(state?.tags).toEqual(['lamps', 'of-0', 'of-1', 'of-2']);
  expect(await stateOf(bob, last)).toMatchObject({standing: 'merged', mergedInto: first.id, uses: 3});
  const again = await recall(ann);
  expect(new Set(again.map(memory => memory.episode.output)).size).toBe(5);
  expect(again.find(memory => memory.episode.id === first.id)?.state).toMatchObject({merged: 29, uses: 3});

  // Uses of what was merged go on counting.
  await say(cay, last, {by: 'cay', kind: 'use', count: 2});
  await looked(rig, dan, 'dan');
  expect((await stateOf(bob, first))?.uses).toBe(5);

  const eve = new FederationHub({
    agentId: 'eve',
    tenantId: 't1',
    endpoint: `ws://127.0.0.1:${hub.address?.port ?? 0}`,
    token: () => hub.security.generateToken('eve', 't1'),
  });
  await eve.sync();
  // What the hub has changed itself is told within a second or so.
  const cached = await until('the cache knows all', async () => {
    const found = await eve.db.queryMemories(TASK, 5, {from: 'cache'});
    const {merged, uses} = found.find(memory => memory.episode.id === first.id)?.state ?? {};
    return merged === 29 && uses === 5 && found;
  });
  expect(new Set(cached.map(memory => memory.episode.output)).size).toBe(5);
  expect((await eve.db.getEpisode(last.id))?.state).toMatchObject({standing: 'merged', mergedInto: first.id});
  await eve.close();

  const entries = await log(ann);
  expect(entries.map(({position}) => position)).toEqual(entries.map((_, index) => index + 1));
  await hub.stop();
  const told = audited(rig).flatMap(({detail}) =>
    detail['into'] === first.id ? (detail['episodes'] as string[]) : [],
  );
  for (const {id} of others) expect(told.filter(episode => episode === id)).toHaveLength(1);

  // A restart changes nothing, and does nothing twice.
  const restarted = await rig.start();
  const fay = await rig.join(restarted, 'fay');
  await looked(rig, fay, 'fay');
  expect((await log(fay)).slice(0, entries.length)).toEqual(entries);
  expect(await stateOf(fay, first)).toMatchObject({merged: 29, uses: 5});
  expect((await recall(fay)).map(memory => memory.episode.id).toSorted()).toEqual(
    [first, ...different].map(({id}) => id).toSorted(),
  );
});
