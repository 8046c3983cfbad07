import {randomBytes, randomUUID} from 'node:crypto';
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterEach, beforeEach, expect, test} from 'vitest';
import {backUpHub, restoreHub} from '../../../../src/hub/process/keepings.ts';
import {HubKeys} from '../../../../src/hub/process/hub-keys.ts';
import {hubAudit, hubSessions} from '../../../../src/hub/process/records.ts';
import {formatStamp} from '../../../../src/hub/replica/hybrid-clock.ts';
import {masterKey} from '../../../../src/hub/security/master-key.ts';
import type {FederationHubServer} from '../../../../src/hub/server/federation-hub-server.ts';
import type {Episode, EpisodeChange} from '../../../../src/model/episode.ts';
import {until} from '../../../rig/until.ts';
import {episode, pushOf} from '../hub-rig.ts';
import {HubFolderRig} from './hub-folder-rig.ts';

let rig: HubFolderRig;
let counter = 0;

beforeEach(() => {
  rig = new HubFolderRig();
});

afterEach(() => rig[Symbol.asyncDispose]());

function at(): string {
  counter = (counter + 1) % 65_536;
  return formatStamp({ms: Date.now(), counter, node: 'test'});
}

/** Of words of its own: what says the same is merged. */
const lesson = (agentId: string): Episode => episode(agentId, {at: at(), task: randomBytes(12).toString('hex')});

/** What is said of an episode, in a push. */
function says(of: Episode, by: string, said: {kind: 'vote'; value: 1} | {kind: 'standing'; standing: 'quarantined'}) {
  const change: EpisodeChange = {id: randomUUID(), episode: of.id, by, at: at(), ...said};
  return {kind: 'change' as const, change};
}

const verbs = (hub: FederationHubServer, which = {}) => hub.getAudit(which).map(({what}) => what);
const closed = () => ({dbPath: rig.dbPath, masterKeys: null});

test('what agents push is one row each, with how much and where, in the same commit; what is taken from recall has its own', async () => {
  const hub = await rig.start();
  const [ann, bob, lead] = [
    await rig.join(hub, 'ann'),
    await rig.join(hub, 'bob', {tenantId: 't2'}),
    await rig.join(hub, 'lead', {role: 'coordinator'}),
  ];
  const told = [lesson('ann'), lesson('ann')] as const;
  await ann.ask('pushed', pushOf(...told));
  await bob.ask('pushed', pushOf(lesson('bob')));
  const of = lesson('lead/x');
  const vote = says(told[0], 'lead/x', {kind: 'vote', value: 1});
  await lead.ask('pushed', {type: 'push', items: [{kind: 'episode', episode: {...of, tags: [...of.tags]}}, vote]});
  // What is there already, and what is refused, is nobody's deed.
  await ann.ask('pushed', pushOf(told[0], lesson('bob')));
  await ann.ask('pushed', pushOf(lesson('ann')));
  const pushes = hub
    .getAudit()
    .filter(({what}) => what === 'push')
    .toSorted((a, b) => b.num - a.num);
  expect(pushes).toMatchObject([
    {
      who: 'lead',
      tenant: 't1',
      detail: {pushes: 1, episodes: 1, changes: {vote: 1}, positions: [3, 4], inNameOf: ['lead/x']},
    },
    {who: 'bob', tenant: 't2', detail: {pushes: 1, episodes: 1, changes: {}, positions: [1, 1]}},
    {who: 'ann', tenant: 't1', detail: {pushes: 2, episodes: 3, changes: {}, positions: [1, 5]}},
  ]);
  const standing = {kind: 'standing', standing: 'quarantined'} as const;
  await lead.ask('pushed', {type: 'push', items: told.map(each => says(each, 'lead', standing))});
  expect(hub.getAudit({agentId: 'lead'}).filter(({what}) => what !== 'push')).toMatchObject([
    {who: 'lead', tenant: 't1', what: 'quarantine', detail: {episodes: told.map(({id}) => id)}},
  ]);
});

test('who assigns a task, makes a copy, or does something to keys is written down, whether the hub runs or not', async () => {
  const keys = new HubKeys(rig.dbPath);
  const hub = await rig.start();
  const lead = await rig.join(hub, 'lead', {role: 'coordinator'});
  await rig.join(hub, 'pi-07');
  const task = {id: 'm1', to: 'pi-07', topic: null, kind: 'task_assignment', body: {}, priority: 'normal'} as const;
  await lead.ask('ok', {type: 'message', message: {...task, correlationId: null}});
  const beganMs = Date.now();
  const wanted = {agentId: 'pi-07', tenantId: 't1', role: 'worker', lifetimeMs: 60_000} as const;
  const {tokenId} = await keys.createToken(wanted);
  await keys.revokeToken({tokenId});
  await keys.rotateTokenKey(null);
  await keys.initAuthority({name: 'test', days: 30});
  await keys.withAuthority(authority => authority.issue({...wanted, days: 1}));
  const copy = join(rig.folder, 'copy.db');
  expect(await hub.backup(copy)).toMatchObject({ok: true});
  const told = hub.getAudit({sinceMs: beganMs});
  expect(told.map(({who}) => who)).toEqual(told.map(() => 'operator'));
  expect(told.map(({what}) => what).toSorted()).toEqual(
    ['backup', 'create-token', 'issue-certificate', 'revoke-token', 'rotate-token-key'].toSorted(),
  );
  // Taken in once.
  expect(hub.getAudit({sinceMs: beganMs})).toEqual(told);
  expect(verbs(hub, {agentId: 'pi-07'}).toSorted()).toEqual(
    ['assign-task', 'create-token', 'issue-certificate', 'revoke-token'].toSorted(),
  );
  expect(hub.getAudit({agentId: 'lead', tenantId: 't1'})).toMatchObject([
    {what: 'assign-task', detail: {agentId: 'pi-07', message: 'm1'}},
  ]);
  expect(verbs(hub, {tenantId: 't2'})).toEqual([]);
  expect(verbs(hub, {limit: 2})).toHaveLength(2);
  const rows = hub.getAudit();
  await hub.stop();

  // The database is read as it is, and what has been noted since is shown before any hub has taken it in.
  const known = (await hubAudit(closed(), {})).filter(({num}) => num !== null);
  expect(known).toEqual(rows);
  await keys.createToken({...wanted, agentId: 'late'});
  expect(await hubAudit(closed(), {limit: 1})).toMatchObject([{num: null, what: 'create-token'}]);
  const second = join(rig.folder, 'second.db');
  expect(await backUpHub({...closed(), file: second})).toMatchObject({ok: true});
  expect((await hubAudit(closed(), {agentId: 'late'})).map(({what}) => what)).toEqual(['create-token']);
  const elsewhere = {dbPath: join(rig.folder, 'restored.db'), masterKeys: null};
  expect(await restoreHub({...elsewhere, from: copy})).toMatchObject({ok: true});
  expect(await hubAudit(elsewhere, {limit: 1})).toMatchObject([{what: 'restore', detail: {from: copy}}]);
  const again = await rig.start();
  expect(verbs(again, {agentId: 'late'})).toEqual(['create-token']);
  expect(verbs(again).filter(what => what === 'backup')).toHaveLength(2);
});

test('sessions that last and that are over can be read, those of a hub that was killed, too', async () => {
  const hub = await rig.start();
  const ann = await rig.join(hub, 'ann');
  await rig.join(hub, 'bob', {tenantId: 't2'});
  ann.webSocket.close();
  await ann.end();
  await until('she is gone', () => hub.getSessions({state: 'past'}).length === 1);
  expect(hub.getSessions()).toMatchObject([
    {agent: 'bob', tenant: 't2', ending: null},
    {agent: 'ann', tenant: 't1', ending: 'left'},
  ]);
  expect(hub.getSessions({agentId: 'bob', state: 'active'})).toHaveLength(1);
  expect(hub.getSessions({tenantId: 't1', state: 'active'})).toEqual([]);
  expect(hub.getSessions({sinceMs: Date.now() + 60_000})).toMatchObject([{agent: 'bob'}]);
  // As a kill would leave it: the copy has him connected.
  const copy = join(rig.folder, 'copy.db');
  await hub.backup(copy);
  await hub.stop();
  const killed = {dbPath: copy, masterKeys: null};
  expect(await hubSessions(killed, {state: 'active'})).toEqual([]);
  expect(await hubSessions(killed, {state: 'past'})).toMatchObject([
    {agent: 'bob', ending: 'hub-ended'},
    {agent: 'ann'},
  ]);
});

test('a sealed audit log is read with the key only', async () => {
  const bytes = randomBytes(32);
  const path = join(rig.folder, 'master.key');
  writeFileSync(path, bytes.toString('base64'), {mode: 0o600});
  const hub = await rig.start({sealing: {masterKey: masterKey(bytes)}});
  const ann = await rig.join(hub, 'ann');
  // What is of no tenant is sealed, too, and takes nothing with it.
  const stranger = await rig.open(hub);
  stranger.hello('no token at all');
  await stranger.end();
  await ann.ask('pushed', pushOf(lesson('ann')));
  expect(hub.getAudit().map(({what}) => what)).toContain('refuse');
  await hub.stop();
  await expect(hubAudit(closed(), {})).rejects.toMatchObject({
    failure: {reason: 'store-unusable', detail: expect.stringContaining('sealed')},
  });
  const masterKeys = {master: {kind: 'file', path}, older: []} as const;
  expect(await hubAudit({...closed(), masterKeys}, {agentId: 'ann'})).toMatchObject([{what: 'push', who: 'ann'}]);
});

test('what was not kept since the disk was full is in no row, and the next push begins another', async () => {
  const hub = await rig.start({storeLimits: {fileBytes: 600_000}});
  const ann = await rig.join(hub, 'ann');
  await ann.ask('pushed', pushOf(lesson('ann')));
  const large = Array.from({length: 50}, () => ({...lesson('ann'), output: randomBytes(20_000).toString('base64')}));
  expect(await ann.ask('error', pushOf(...large))).toMatchObject({code: 'disk-full'});
  await ann.ask('pushed', pushOf(lesson('ann')));
  expect(
    hub
      .getAudit({agentId: 'ann'})
      .filter(({what}) => what === 'push')
      .toSorted((a, b) => b.num - a.num),
  ).toMatchObject([
    {detail: {pushes: 1, episodes: 1, positions: [2, 2]}},
    {detail: {pushes: 1, episodes: 1, positions: [1, 1]}},
  ]);
});
