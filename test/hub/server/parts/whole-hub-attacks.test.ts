import {afterEach, expect, test} from 'vitest';
import {applyUpdate, Doc, encodeStateAsUpdate} from 'yjs';
import {formatStamp} from '../../../../src/hub/replica/hybrid-clock.ts';
import {TokenKeys} from '../../../../src/hub/security/token-keys.ts';
import {hubFolder} from '../../../../src/hub/server/parts/hub-folder.ts';
import type {Episode} from '../../../../src/model/episode.ts';
import {damagedFrames} from '../damaged-frames.ts';
import {episode, pushOf, type RawClient} from '../hub-rig.ts';
import {HubFolderRig} from './hub-folder-rig.ts';

const rigs: HubFolderRig[] = [];
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig[Symbol.asyncDispose]();
});

/** The whole hub: its database, its index, its tokens. */
async function hub(options: Parameters<HubFolderRig['start']>[0] = {}) {
  const rig = new HubFolderRig();
  rigs.push(rig);
  return {rig, server: await rig.start(options)};
}

const SECRET = 'the launch code is 0000';
/** A shared document in which this was written. */
function written(words: string): string {
  const document = new Doc();
  document.getText('text:notes').insert(0, words);
  return Buffer.from(encodeStateAsUpdate(document)).toString('base64');
}

function text(update: string | null): string {
  const document = new Doc();
  if (update !== null) applyUpdate(document, Buffer.from(update, 'base64'));
  return document.getText('text:notes').toJSON();
}

const stampOf = (node: string) => formatStamp({ms: Date.now(), counter: 0, node});
const stamped = (agentId: string, fields: Partial<Episode>) => episode(agentId, {at: stampOf(agentId), ...fields});

/** So that it is the frames that are judged, not how many there are. */
const UNLIMITED = {
  strikes: 1e9,
  framesPerS: 1e9,
  framesBurst: 1e9,
  bytesPerS: 1e12,
  bytesBurst: 1e12,
  recallsAtOnce: 1e6,
};

test('another tenant is not reached by any kind of frame', async () => {
  const {rig, server} = await hub();
  const victim = await rig.join(server, 'victim', {tenantId: 't1'});
  const spy = await rig.join(server, 'spy', {tenantId: 't2', role: 'admin'});
  for (const client of [victim, spy]) {
    await client.ask('ok', {type: 'subscribe', subscription: {news: true, topics: ['secret']}});
  }
  const secret = stamped('victim', {task: SECRET});
  await victim.ask('pushed', pushOf(secret));
  await victim.ask('document', {type: 'document', document: 'plan', vector: null, update: written(SECRET)});
  const message = {
    id: 'm1',
    topic: 'secret',
    kind: 'message',
    body: SECRET,
    priority: 'normal',
    correlationId: null,
  } as const;
  await victim.ask('ok', {type: 'message', message: {...message, to: null}});

  expect(await spy.ask('entries', {type: 'pull', since: 0, limit: 100})).toMatchObject({entries: [], head: 0});
  expect((await spy.ask('error', {type: 'get', episode: secret.id})).code).toBe('not-found');
  expect((await spy.ask('states', {type: 'states', episodes: [secret.id]})).states).toEqual([null]);
  expect((await spy.ask('recalled', {type: 'recall', query: SECRET, k: 5})).memories).toEqual([]);
  expect((await spy.ask('agents', {type: 'who'})).agents.map(({agentId}) => agentId)).toEqual(['spy']);
  expect((await spy.ask('stats', {type: 'stats'})).stats).toMatchObject({
    agents: 1,
    episodes: 0,
    tenants: 1,
    episodesPerS: 0,
  });
  const vote = {id: 'v', episode: secret.id, by: 'spy', at: stampOf('spy'), kind: 'vote', value: -1} as const;
  const voted = await spy.ask('pushed', {type: 'push', items: [{kind: 'change', change: vote}]});
  expect(voted.results).toMatchObject([{code: 'not-found'}]);
  const same = await spy.ask('pushed', pushOf(stamped('spy', {id: secret.id})));
  expect(same.results).toEqual([{id: secret.id, position: 1}]);
  expect((await spy.ask('error', {type: 'message', message: {...message, id: 'm2', to: 'victim'}})).code).toBe(
    'not-found',
  );
  await spy.ask('ok', {type: 'message', message: {...message, id: 'm1', to: null}});
  const open = {type: 'document', document: 'plan', vector: 'AA==', update: null} as const;
  expect(text((await spy.ask('document', open)).update)).toBe('');
  await spy.ask('document', {...open, vector: null, update: written('of the spy')});
  expect(text((await spy.ask('document', open)).update)).toBe('of the spy');
  expect(text((await victim.ask('document', open)).update)).toBe(SECRET);
  spy.send({type: 'received', messages: ['m1']});
  await spy.ask('ok', {type: 'subscribe', subscription: {news: true, topics: ['secret']}});
  await spy.ask('ok', {type: 'presence', presence: {status: 'spying', doing: null, skills: []}});

  await victim.ask('agents', {type: 'who'});
  expect(victim.frames).toEqual([]);
  expect(JSON.stringify(spy.frames)).not.toContain('victim');
  expect(spy.frames).toEqual([]);
  const {entries} = await victim.ask('entries', {type: 'pull', since: 0, limit: 100});
  expect(entries).toMatchObject([{position: 1, episode: {agentId: 'victim'}}]);
});

test('what one connection has said is worth nothing on that of another agent, and nothing new on its own', async () => {
  const {rig, server} = await hub();
  const token = await server.security.generateToken('ann', 't1');
  const ann = await rig.open(server);
  const said: string[] = [];
  const say = (client: RawClient, frame: string) => client.raw(frame);
  ann.hello(token);
  await ann.next('welcome');
  const told = stamped('ann', {task: SECRET});
  const vote = {id: 'c1', episode: told.id, by: 'ann', at: stampOf('ann'), kind: 'vote', value: 1} as const;
  const message = {id: 'm1', to: 'bob', topic: null, kind: 'message', body: 'pay 1', priority: 'normal'} as const;
  const frames = [
    {...pushOf(told), id: 1},
    {type: 'push', id: 2, items: [{kind: 'change', change: vote}]},
    {type: 'message', id: 3, message: {...message, correlationId: null}},
  ];
  for (const frame of frames) said.push(JSON.stringify(frame));
  const bob = await rig.join(server, 'bob');
  for (const frame of said) say(ann, frame);
  await bob.next('message');
  const {head} = await bob.ask('entries', {type: 'pull', since: 0, limit: 10});
  expect(head).toBe(2);

  // Whoever has listened in says the same, as itself.
  const mallory = await rig.join(server, 'mallory');
  for (const frame of said) say(mallory, frame);
  const results = (await mallory.next('pushed', ({id}) => id === 1)).results;
  expect(results).toMatchObject([{code: 'forbidden'}]);
  expect((await mallory.next('pushed', ({id}) => id === 2)).results).toMatchObject([{code: 'forbidden'}]);
  // A message comes from whoever has said it, which is not who it was heard from.
  await mallory.ask('agents', {type: 'who'});
  await bob.ask('agents', {type: 'who'});
  const senders = bob.frames.flatMap(frame => (frame.type === 'message' ? [frame.message.from] : []));
  expect(senders.filter(from => from !== 'mallory')).toEqual([]);

  // The same agent, over another connection: it is the same episode, the same vote, and the same message.
  const later = await rig.open(server);
  later.hello(token);
  await later.next('welcome');
  for (const frame of said) say(later, frame);
  expect((await later.next('pushed', ({id}) => id === 1)).results).toEqual([{id: told.id, position: 1}]);
  expect((await later.next('pushed', ({id}) => id === 2)).results).toEqual([{id: 'c1', position: 2}]);
  expect((await bob.ask('entries', {type: 'pull', since: 0, limit: 10})).head).toBe(2);

  // And the token, once it is revoked, opens nothing, neither with a hello nor on a connection that stands.
  TokenKeys.open(hubFolder(rig.dbPath).tokens).revoke({kind: 'agent', agentId: 'ann', tenantId: 't1'});
  expect(await later.end()).toMatchObject({reason: 'token-revoked'});
  const thief = await rig.open(server);
  thief.hello(token);
  expect((await thief.next('error')).code).toBe('token-revoked');
  expect((await mallory.ask('error', {type: 'refresh', token})).code).toMatch(/^(forbidden|token-revoked)$/);
});

test('5,000 damaged frames crash nothing, leak nothing, and each is answered or ends its connection', async () => {
  const {rig, server} = await hub({limits: UNLIMITED});
  const victim = await rig.join(server, 'hidden', {tenantId: 't1'});
  await victim.ask('pushed', pushOf(stamped('hidden', {task: SECRET})));
  let spy = await rig.join(server, 'spy', {tenantId: 't2'});
  let answered = 0;
  for (const [index, frame] of damagedFrames({seed: 7, count: 5000, agentId: 'spy'}).entries()) {
    if (spy.webSocket.readyState !== spy.webSocket.OPEN) spy = await rig.join(server, 'spy', {tenantId: 't2'});
    if (index % 2 === 0) spy.raw(frame);
    else spy.webSocket.send(Buffer.from(frame), {binary: index % 11 === 0});
    if (index % 250 !== 249) continue;
    await spy.ask('agents', {type: 'who'});
    expect(/launch code|hidden/.test(JSON.stringify(spy.frames))).toBe(false);
    answered += spy.frames.splice(0).length;
  }
  expect(answered).toBeGreaterThan(4000);
  expect(rig.events.filter(({kind}) => kind === 'unexpected')).toEqual([]);
  expect((await victim.ask('agents', {type: 'who'})).agents).toHaveLength(1);
  expect((await victim.ask('entries', {type: 'pull', since: 0, limit: 10})).entries).toHaveLength(1);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});
