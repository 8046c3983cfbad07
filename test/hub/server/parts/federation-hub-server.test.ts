import {randomBytes, randomUUID} from 'node:crypto';
import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {generateKeyPairSync, type KeyObject} from 'node:crypto';
import Database from 'better-sqlite3';
import {expect, test} from 'vitest';
import {EphemeralAgent} from '../../../../src/hub/client/ephemeral-agent.ts';
import {formatStamp} from '../../../../src/hub/replica/hybrid-clock.ts';
import {SharedDocument} from '../../../../src/hub/replica/shared-document.ts';
import {endorseKey} from '../../../../src/hub/security/agent-key.ts';
import {signEpisode, writePublicKey} from '../../../../src/hub/security/episode-signature.ts';
import {masterKey} from '../../../../src/hub/security/master-key.ts';
import {TokenKeys} from '../../../../src/hub/security/token-keys.ts';
import {hubFolder} from '../../../../src/hub/server/parts/hub-folder.ts';
import {verifyHubStore} from '../../../../src/hub/server/store/backup.ts';
import {openHubStore} from '../../../../src/hub/server/store/open-hub-store.ts';
import type {Episode} from '../../../../src/model/episode.ts';
import {until} from '../../../rig/until.ts';
import {episode, pushOf, type RawClient} from '../hub-rig.ts';
import {HubFolderRig} from './hub-folder-rig.ts';

function stamped(agentId: string, fields: Partial<Episode> = {}): Episode {
  return episode(agentId, {
    at: formatStamp({ms: Date.now(), counter: 0, node: agentId.replaceAll('/', '.')}),
    // No two say the same.
    input: randomUUID(),
    ...fields,
  });
}

type Pair = ReturnType<typeof generateKeyPairSync>;

function recallOf(query: string) {
  return {type: 'recall', query, k: 5, explain: true} as const;
}

function messageTo(to: string, body: string) {
  const message = {id: randomUUID(), to, topic: null, body, correlationId: null} as const;
  return {type: 'message', message: {...message, kind: 'message', priority: 'normal'}} as const;
}

async function whenEmbedded(client: RawClient): Promise<void> {
  await until('all vectors are made', async () => {
    const {stats} = await client.ask('stats', {type: 'stats'});
    return stats.unembedded === 0;
  });
}

test('what was pushed is recalled by its words and by likeness, after a restart too, and in its own tenant only', async () => {
  await using rig = new HubFolderRig();
  const hub = await rig.start();
  const writer = await rig.join(hub, 'writer');
  const lesson = stamped('writer', {task: 'repair the flaky login tests', output: 'wait for the session cookie'});
  const other = stamped('writer', {task: 'draw a map of the harbour', output: 'use a projection', tags: ['maps']});
  const pushed = await writer.ask('pushed', pushOf(lesson, other));
  expect(pushed.results).toEqual([
    {id: lesson.id, position: 1},
    {id: other.id, position: 2},
  ]);
  await whenEmbedded(writer);
  const {memories} = await writer.ask('recalled', recallOf('login tests repaired'));
  expect(memories[0]?.episode).toEqual(lesson);
  expect(memories[0]?.why).toMatchObject({text: 1, vector: 1, terms: ['login', 'tests', 'repaired']});
  await hub.stop();

  const again = await rig.start();
  const reader = await rig.join(again, 'reader', {role: 'reader'});
  expect((await reader.ask('recalled', recallOf('flakyness of logins'))).memories[0]?.why?.vector).toBe(1);
  expect((await reader.ask('recalled', recallOf('harbour'))).memories[0]?.episode.id).toBe(other.id);
  const stranger = await rig.join(again, 'reader', {tenantId: 't2'});
  expect((await stranger.ask('recalled', recallOf('harbour'))).memories).toEqual([]);
  expect(again.getStats()).toMatchObject({agents: 2, episodes: 2, unembedded: 0});
});

test('a stamp from the future is refused until its time, and so is what an agent with a key has not signed', async () => {
  await using rig = new HubFolderRig();
  const hub = await rig.start();
  const agent = await rig.join(hub, 'a1');
  const ahead = stamped('a1', {at: formatStamp({ms: Date.now() + 3_600_000, counter: 0, node: 'a1'})});
  const {results} = await agent.ask('pushed', pushOf(ahead));
  expect(results[0]).toMatchObject({id: ahead.id, code: 'unavailable'});
  const pauseMs = results[0] && 'code' in results[0] ? results[0].retryAfterMs : undefined;
  // An hour less the minute that is believed, and less what this test has taken.
  expect(pauseMs).toBeGreaterThan(3_500_000);
  expect(pauseMs).toBeLessThanOrEqual(3_540_000);

  const {privateKey, publicKey} = generateKeyPairSync('ed25519');
  hub.registerKey({tenantId: 't1', agentId: 'a1'}, writePublicKey(publicKey));
  const signed = signEpisode(stamped('a1'), {tenantId: 't1', privateKey});
  const items = [signed, stamped('a1'), {...signed, id: randomUUID()}];
  const judged = await agent.ask('pushed', pushOf(...items));
  expect(judged.results.map(result => ('code' in result ? result.code : 'taken'))).toEqual([
    'taken',
    'forbidden',
    'forbidden',
  ]);
});

test('a key protects its agent from who speaks for it; an agent without one is signed for by the speaker', async () => {
  await using rig = new HubFolderRig();
  const hub = await rig.start();
  const lead = await rig.join(hub, 'godel', {role: 'coordinator'});
  const [own, leads] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')];
  const tenantId = 't1';
  hub.registerKey({tenantId, agentId: 'godel/keyed'}, writePublicKey(own.publicKey));
  const forged = signEpisode(stamped('godel/keyed'), {tenantId, privateKey: leads.privateKey});
  const signed = signEpisode(stamped('godel/keyed'), {tenantId, privateKey: own.privateKey});
  const before = await lead.ask('pushed', pushOf(stamped('godel/keyed'), forged, signed, stamped('godel/bare')));
  const verdicts = (results: readonly object[]) => results.map(result => ('code' in result ? result.code : 'taken'));
  expect(verdicts(before.results)).toEqual(['forbidden', 'forbidden', 'taken', 'taken']);

  hub.registerKey({tenantId, agentId: 'godel'}, writePublicKey(leads.publicKey));
  const bare = signEpisode(stamped('godel/bare'), {tenantId, privateKey: leads.privateKey});
  const after = await lead.ask('pushed', pushOf(stamped('godel/bare'), bare, stamped('godel')));
  expect(verdicts(after.results)).toEqual(['forbidden', 'taken', 'forbidden']);
});

const keyFrame = (publicKey: KeyObject, signature: string | null = null, agentId: string | null = null) =>
  ({type: 'key', agentId, publicKey: writePublicKey(publicKey), signature}) as const;

test('an agent makes its key known; another one needs the first, or an admin, and nobody else does it for it', async () => {
  await using rig = new HubFolderRig();
  const hub = await rig.start();
  const [first, second, third] = [0, 1, 2].map(() => generateKeyPairSync('ed25519')) as [Pair, Pair, Pair];
  const agent = await rig.join(hub, 'a1');
  await agent.ask('ok', keyFrame(first.publicKey));
  await agent.ask('ok', keyFrame(first.publicKey));
  const push = async (...episodes: readonly Episode[]) => {
    const {results} = await agent.ask('pushed', pushOf(...episodes));
    return results.map(result => ('code' in result ? result.code : 'taken'));
  };
  const signedBy = ({privateKey}: Pair) => signEpisode(stamped('a1'), {tenantId: 't1', privateKey});
  expect(await push(stamped('a1'), signedBy(first), signedBy(second))).toEqual(['forbidden', 'taken', 'forbidden']);

  expect(await agent.ask('error', keyFrame(second.publicKey))).toMatchObject({code: 'forbidden'});
  const claim = {tenantId: 't1', agentId: 'a1', publicKey: writePublicKey(second.publicKey)};
  await agent.ask('ok', keyFrame(second.publicKey, endorseKey(claim, first.privateKey)));
  expect(await push(signedBy(second))).toEqual(['taken']);

  const lead = await rig.join(hub, 'lead', {role: 'coordinator'});
  const reader = await rig.join(hub, 'reader', {role: 'reader'});
  expect(await lead.ask('error', keyFrame(third.publicKey, null, 'a1'))).toMatchObject({code: 'forbidden'});
  expect(await reader.ask('error', keyFrame(third.publicKey))).toMatchObject({code: 'forbidden'});
  const boss = await rig.join(hub, 'boss', {role: 'admin'});
  await boss.ask('ok', keyFrame(third.publicKey, null, 'a1'));
  expect(await push(signedBy(third))).toEqual(['taken']);
  const elsewhere = await rig.join(hub, 'boss', {role: 'admin', tenantId: 't2'});
  await elsewhere.ask('ok', keyFrame(second.publicKey, null, 'boss'));
  expect(await agent.ask('error', {...keyFrame(first.publicKey), publicKey: 'none'})).toMatchObject({
    code: 'bad-frame',
  });
  expect(hub.listKeys({tenantId: 't1'}).map(key => key.agentId)).toEqual(['a1', 'a1', 'a1']);
  await hub.stop();

  const again = await rig.start();
  expect(again.listKeys().length).toBe(4);
  const back = await rig.join(again, 'a1');
  expect((await back.ask('pushed', pushOf(stamped('a1')))).results).toMatchObject([{code: 'forbidden'}]);
  expect(again.removeKeys({tenantId: 't1', agentId: 'a1'}).length).toBe(3);
  expect((await back.ask('pushed', pushOf(stamped('a1')))).results).toMatchObject([{position: 4}]);
});

test('where signatures are required, nothing unsigned is taken, and nothing signed by a key that is not known', async () => {
  await using rig = new HubFolderRig();
  const hub = await rig.start({requireSignatures: true});
  const {privateKey, publicKey} = generateKeyPairSync('ed25519');
  const agent = await rig.join(hub, 'a1');
  const signed = () => signEpisode(stamped('a1'), {tenantId: 't1', privateKey});
  const before = await agent.ask('pushed', pushOf(stamped('a1'), signed()));
  expect(before.results).toMatchObject([
    {code: 'forbidden', message: expect.stringMatching(/signed episodes only.*signingKey/)},
    {code: 'forbidden'},
  ]);
  await agent.ask('ok', keyFrame(publicKey));
  const after = await agent.ask('pushed', pushOf(stamped('a1'), signed()));
  expect(after.results).toMatchObject([{code: 'forbidden'}, {position: 1}]);
});

test('agents beneath one name confirm each other, and none of them itself', async () => {
  await using rig = new HubFolderRig();
  const hub = await rig.start();
  const lead = await rig.join(hub, 'godel', {role: 'coordinator'});
  const lesson = stamped('godel/alpha-01', {task: 'mend the lighthouse'});
  await lead.ask('pushed', pushOf(lesson));
  const at = formatStamp({ms: Date.now(), counter: 1, node: 'godel'});
  const confirmBy = (by: string) =>
    ({kind: 'change', change: {id: randomUUID(), episode: lesson.id, by, at, kind: 'confirm', success: true}}) as const;
  const items = ['godel/alpha-01', 'godel/alpha-02', 'godel/alpha-02', 'godel/alpha-03'].map(confirmBy);
  await lead.ask('pushed', {type: 'push', items});
  const {state} = await lead.ask('episode', {type: 'get', episode: lesson.id});
  const {states} = await lead.ask('states', {type: 'states', episodes: ['none', lesson.id]});
  expect(states).toEqual([null, state]);
  expect(state).toMatchObject({confirmed: 2, refuted: 0});
});

test('with a quorum only what others have confirmed is recalled', async () => {
  await using rig = new HubFolderRig();
  const hub = await rig.start({quorum: 1});
  const [author, witness] = [await rig.join(hub, 'author'), await rig.join(hub, 'witness')];
  const lesson = stamped('author', {task: 'mend the lighthouse'});
  await author.ask('pushed', pushOf(lesson));
  expect((await witness.ask('recalled', recallOf('lighthouse'))).memories).toEqual([]);
  expect((await author.ask('recalled', recallOf('lighthouse'))).memories[0]?.state.confirmed).toBe(0);
  const at = formatStamp({ms: Date.now(), counter: 1, node: 'witness'});
  const change = {id: randomUUID(), episode: lesson.id, by: 'witness', at, kind: 'confirm', success: true} as const;
  await witness.ask('pushed', {type: 'push', items: [{kind: 'change', change}]});
  expect((await witness.ask('recalled', recallOf('lighthouse'))).memories[0]?.state.confirmed).toBe(1);
});

test('a message for an agent that is away outlives the hub, and is delivered once', async () => {
  await using rig = new HubFolderRig();
  const hub = await rig.start();
  const [sender, away] = [await rig.join(hub, 'sender'), await rig.join(hub, 'away')];
  away.webSocket.close();
  await away.end();
  await sender.ask('ok', messageTo('away', 'first'));
  await hub.stop();

  const again = await rig.start();
  const back = await rig.join(again, 'away');
  const {message} = await back.next('message');
  expect(message).toMatchObject({from: 'sender', body: 'first'});
  back.send({type: 'received', messages: [message.id]});
  // Known from the history of sessions, though not seen since the start.
  await back.ask('ok', messageTo('sender', 'second'));
  await again.stop();

  const third = await rig.start();
  const once = await rig.join(third, 'away');
  await once.ask('agents', {type: 'who'});
  expect(once.frames.filter(({type}) => type === 'message')).toEqual([]);
  const receiver = await rig.join(third, 'sender');
  expect((await receiver.next('message')).message.body).toBe('second');
});

test('a message that is damaged on the disk is left out, and told; the others come', async () => {
  await using rig = new HubFolderRig();
  const hub = await rig.start();
  const [sender, away] = [await rig.join(hub, 'sender'), await rig.join(hub, 'away')];
  away.webSocket.close();
  await away.end();
  for (const body of ['torn', 'whole', 'null']) await sender.ask('ok', messageTo('away', body));
  await hub.stop();
  const db = new Database(rig.dbPath);
  db.exec(`UPDATE messages SET body = substr(body, 9) WHERE body LIKE '%torn%'`);
  db.exec(`UPDATE messages SET body = 'null' WHERE body LIKE '%null"%'`);
  db.close();

  const again = await rig.start();
  const back = await rig.join(again, 'away');
  expect((await back.next('message')).message.body).toBe('whole');
  await back.ask('agents', {type: 'who'});
  expect(back.frames.filter(({type}) => type === 'message')).toEqual([]);
  const told = rig.events.filter(event => event.kind === 'upkeep-failed' && event.what === 'messages');
  expect(told).toHaveLength(2);
});

test('an entry that is damaged on the disk keeps nobody from what is behind it, and is told once', async () => {
  await using rig = new HubFolderRig();
  const hub = await rig.start();
  const lessons = ['one', 'two', 'three'].map(task => stamped('writer', {task}));
  await (await rig.join(hub, 'writer')).ask('pushed', pushOf(...lessons));
  await hub.stop();
  const db = new Database(rig.dbPath);
  db.prepare(`UPDATE entries SET body = replace(body, '"two"', '"too"') WHERE id = ?`).run(lessons[1]?.id);
  db.close();

  const again = await rig.start();
  const reader = await rig.join(again, 'reader', {role: 'reader'});
  for (const since of [0, 1]) {
    const {entries, more} = await reader.ask('entries', {type: 'pull', since, limit: 10});
    expect(entries.map(({position}) => position)).toEqual([1, 2, 3].slice(since));
    expect(more).toBe(false);
  }
  const hubEndpoint = `ws://127.0.0.1:${again.address?.port ?? 0}`;
  const token = await again.security.generateToken('copy', 't1');
  const agent = await EphemeralAgent.spawn({tenantId: 't1', hubEndpoint, token});
  await agent.sync();
  expect((await agent.queryMemories('three', 5)).map(({episode: {task}}) => task)).toContain('three');
  await agent.destroy();
  const told = rig.events.filter(event => event.kind === 'upkeep-failed' && event.what === 'log');
  expect(told).toHaveLength(1);
  const metrics = await (await fetch(`http://127.0.0.1:${again.address?.port ?? 0}/metrics`)).text();
  expect(Number(/^godel_hub_damaged_total (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThanOrEqual(3);
});

test('a shared document is merged by the hub and kept', async () => {
  await using rig = new HubFolderRig();
  const hub = await rig.start();
  const mine = new SharedDocument();
  mine.text('notes').insert(0, 'hello');
  const update = Buffer.from(mine.snapshot()).toString('base64');
  const editor = await rig.join(hub, 'editor');
  const joined = await editor.ask('document', {type: 'document', document: 'plan', vector: null, update});
  expect(joined.vector).toBe(Buffer.from(mine.vector()).toString('base64'));
  const bad = await editor.answer({type: 'document', document: 'plan', vector: null, update: 'AAEC'});
  expect(bad).toMatchObject({type: 'error', code: 'bad-frame'});
  await hub.stop();

  const again = await rig.start();
  const later = await rig.join(again, 'later');
  const whole = await later.ask('document', {type: 'document', document: 'plan', vector: null, update: null});
  const opened = SharedDocument.open(Buffer.from(whole.update ?? '', 'base64'));
  expect(opened.ok && opened.value.text('notes').toString()).toBe('hello');
});

test('who came, went and was refused is written down', async () => {
  await using rig = new HubFolderRig();
  const hub = await rig.start();
  const agent = await rig.join(hub, 'a1');
  agent.webSocket.close();
  await agent.end();
  const stranger = await rig.open(hub);
  stranger.hello('no token at all');
  await stranger.end();
  await hub.stop();
  const store = openHubStore({file: rig.dbPath});
  if (!store.ok) throw new Error(JSON.stringify(store.failure));
  using kept = store.value;
  expect(kept.sessions.list({tenant: 't1', limit: 9})).toMatchObject([{agent: 'a1', ending: 'left'}]);
  const rows = kept.audit.list({limit: 9});
  expect(rows).toMatchObject([
    {what: 'refuse', who: '127.0.0.1', detail: {code: 'token-invalid'}},
    // Made with the hub.
    {what: 'rotate-token-key', who: 'operator', tenant: null},
  ]);
});

test('a sealing hub leaves no plain text, and a backup of it opens with the master key and what is in it alone', async () => {
  await using rig = new HubFolderRig();
  const key = masterKey(randomBytes(32));
  const backups = {everyMs: 1000, folder: join(rig.folder, 'backups'), keep: 1};
  const hub = await rig.start({sealing: {masterKey: key}, backups});
  const agent = await rig.join(hub, 'a1');
  await agent.ask('pushed', pushOf(stamped('a1', {output: 'the combination is xyzzyplugh'})));
  await whenEmbedded(agent);
  await until('a backup was made', () => rig.events.find(({kind}) => kind === 'backed-up'));
  await hub.stop();
  for (const name of readdirSync(rig.folder).filter(each => each.startsWith('hub.db'))) {
    expect(readFileSync(join(rig.folder, name)).includes('xyzzyplugh')).toBe(false);
  }
  const [backup = ''] = readdirSync(backups.folder);
  const verified = verifyHubStore({file: join(backups.folder, backup), seal: null});
  expect(verified.ok && verified.value.findings).toEqual([]);
  await expect(rig.start()).rejects.toMatchObject({failure: {reason: 'store-unusable'}});
  const again = await rig.start({sealing: {masterKey: key}});
  const reader = await rig.join(again, 'a1');
  expect((await reader.ask('recalled', recallOf('xyzzyplugh'))).memories).toHaveLength(1);
});

test('a key that has ended ends the connections of its tokens', async () => {
  await using rig = new HubFolderRig();
  const hub = await rig.start();
  const agent = await rig.join(hub, 'a1');
  TokenKeys.open(hubFolder(rig.dbPath).tokens).rotate({olderLiveMs: 0});
  expect(await agent.end()).toEqual({code: 1008, reason: 'token-invalid'});
  const next = await rig.join(hub, 'a1');
  expect((await next.ask('agents', {type: 'who'})).agents).toMatchObject([{agentId: 'a1'}]);
});

test('a hub that cannot have its port leaves nothing behind, and the database to others', async () => {
  await using rig = new HubFolderRig();
  await using blocker = new HubFolderRig();
  const {address} = await blocker.start();
  await expect(rig.start({port: address?.port ?? 0})).rejects.toMatchObject({code: 'EADDRINUSE'});
  expect(readdirSync(rig.folder)).toEqual([]);
  await rig.start();
  const there = readdirSync(rig.folder, {recursive: true}).toSorted();
  await expect(rig.start({port: address?.port ?? 0})).rejects.toMatchObject({code: 'EADDRINUSE'});
  expect(readdirSync(rig.folder, {recursive: true}).toSorted()).toEqual(there);
});
