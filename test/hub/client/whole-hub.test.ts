import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, expect, test} from 'vitest';
import {EphemeralAgent} from '../../../src/hub/client/ephemeral-agent.ts';
import {FederationHub} from '../../../src/hub/client/federation-hub.ts';
import {
  createAuthority,
  hubTlsOptions,
  issueCertificate,
  issueServerCertificate,
} from '../../../src/hub/security/certificates.ts';
import {permits} from '../../../src/hub/security/permissions.ts';
import {SecurityManager} from '../../../src/hub/security/security-manager.ts';
import {HubServer} from '../../../src/hub/server/hub-server.ts';
import {openHubStore} from '../../../src/hub/server/store/open-hub-store.ts';
import {until} from '../../rig/until.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'godel-whole-hub-'));
});

afterEach(() => rmSync(folder, {recursive: true, force: true}));

test('an agent is who its token says, also when a function gets it', async () => {
  const security = SecurityManager.open(join(folder, 'keys'), {hubId: 'hub'});
  const opened = openHubStore({file: join(folder, 'hub.db')});
  if (!opened.ok) throw new Error(JSON.stringify(opened.failure));
  const hub = new HubServer({
    port: 0,
    store: opened.value,
    totals: opened.value,
    permits,
    auth: {verify: token => security.verifyToken(token), recheck: identity => security.recheck(identity)},
  });
  await hub.start();
  try {
    let asked = 0;
    const token = () => {
      asked += 1;
      return security.generateToken('pi', 't1');
    };
    const hubEndpoint = `ws://127.0.0.1:${hub.address!.port}`;
    const agent = await EphemeralAgent.spawn({tenantId: 't1', hubEndpoint, token});
    expect(agent.agentId).toBe('pi');
    await agent.sync();
    expect(asked).toBe(1);
    await agent.destroy();
    const failing = () => Promise.reject(new Error('no keys here'));
    const alone = await EphemeralAgent.spawn({tenantId: 't1', hubEndpoint, token: failing, finalSyncMs: 0});
    expect(alone.agentId).toMatch(/^agent-/);
    await alone.destroy();
  } finally {
    await hub.stop();
    opened.value.close();
  }
});

/** The hub with its database, its tokens and its certificates. */
test('agents with client certificates share what they learn through the whole hub, and others do not get in', async () => {
  const authority = await createAuthority();
  const server = await issueServerCertificate(authority);
  const who = {agentId: 'ann', tenantId: 't1', role: 'worker'} as const;
  const client = await issueCertificate(authority, who);
  const paths = {certPath: join(folder, 'cert.pem'), keyPath: join(folder, 'key.pem'), caPath: join(folder, 'ca.pem')};
  writeFileSync(paths.certPath, client.certificate);
  writeFileSync(paths.keyPath, client.privateKey, {mode: 0o600});
  writeFileSync(paths.caPath, authority.certificate);
  const security = SecurityManager.open(join(folder, 'keys'), {hubId: 'hub'});
  const opened = openHubStore({file: join(folder, 'hub.db')});
  if (!opened.ok) throw new Error(JSON.stringify(opened.failure));
  const store = opened.value;
  const hub = new HubServer({
    port: 0,
    store,
    totals: store,
    permits,
    auth: {verify: token => security.verifyToken(token), recheck: identity => security.recheck(identity)},
    tls: hubTlsOptions({ca: authority.certificate, cert: server.certificate, key: server.privateKey}),
  });
  await hub.start();
  const endpoint = `wss://127.0.0.1:${hub.address!.port}`;
  const token = () => security.generateToken('ann', 't1');
  try {
    const agent = await EphemeralAgent.spawn({...paths, ...who, hubEndpoint: endpoint, token});
    const id = await agent.storeEpisode({task: 'renew the certificate', output: 'done', reward: 1});
    await agent.db.vote(id, 1);
    expect(await agent.sync()).toMatchObject({refused: []});
    expect(agent.getInfo().sync).toMatchObject({pushed: 2, pending: 0});
    expect(await agent.destroy()).toMatchObject({unsynced: 0, error: null});
    const next = new FederationHub({...paths, ...who, endpoint, token});
    await next.sync();
    expect(await next.db.queryMemories('certificate', 1, {from: 'cache'})).toMatchObject([
      {episode: {id}, state: {up: 1}},
    ]);
    await next.close();
    const bare = new FederationHub({...who, endpoint, token, caPath: paths.caPath});
    await expect(bare.connect({deadlineMs: 500})).rejects.toMatchObject({name: 'HubError'});
    expect(bare.isConnected()).toBe(false);
    await bare.close();
    const distrustful = new FederationHub({...who, endpoint, token});
    await expect(distrustful.connect({deadlineMs: 500})).rejects.toMatchObject({code: 'unreachable'});
    await distrustful.close();
  } finally {
    await hub.stop();
    store.close();
  }
});

test('tokens are refreshed on the live connection, and a reader is told that it may not push', async () => {
  const security = SecurityManager.open(join(folder, 'keys'), {hubId: 'hub'});
  const opened = openHubStore({file: join(folder, 'hub.db')});
  if (!opened.ok) throw new Error(JSON.stringify(opened.failure));
  const store = opened.value;
  const auth = {
    verify: (token: string) => security.verifyToken(token),
    recheck: (identity: Parameters<typeof security.recheck>[0]) => security.recheck(identity),
  };
  const hub = new HubServer({port: 0, store, totals: store, permits, auth});
  await hub.start();
  const endpoint = `ws://127.0.0.1:${hub.address!.port}`;
  let asked = 0;
  const token = () => {
    asked += 1;
    return security.generateToken('ann', 't1', {expiresIn: '2s'});
  };
  const ann = new FederationHub({endpoint, agentId: 'ann', tenantId: 't1', token});
  const reader = new FederationHub({
    endpoint,
    agentId: 'reader',
    tenantId: 't1',
    token: await security.generateToken('reader', 't1', {role: 'reader'}),
  });
  try {
    await ann.connect();
    await until('the token was refreshed twice', () => asked >= 3);
    expect(ann.getSyncStats()).toMatchObject({connections: 1, connected: true});
    await reader.db.storeEpisode({task: 'a reader may not', reward: 1});
    await expect(reader.sync()).rejects.toMatchObject({code: 'forbidden'});
    expect(reader.getSyncStats().pending).toBe(1);
  } finally {
    await Promise.all([ann.close(), reader.close()]);
    await hub.stop();
    store.close();
  }
});
