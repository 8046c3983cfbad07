import {generateKeyPairSync, randomBytes} from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {WebSocket} from 'ws';
import {formatStamp} from '../../../src/hub/replica/hybrid-clock.ts';
import {signEpisode, writePublicKey} from '../../../src/hub/security/episode-signature.ts';
import {until} from '../../rig/until.ts';
import {episode, pushOf, RawClient} from '../server/hub-rig.ts';
import {ServedHubRig} from './served-hub.ts';

function lesson(agentId: string, output: string) {
  return episode(agentId, {output, at: formatStamp({ms: Date.now(), counter: 0, node: agentId})});
}

test('a token that is revoked, or whose key was rotated away, ends its connection; status shows who is there', async () => {
  await using rig = new ServedHubRig();
  const served = await rig.serve();
  const made = await rig.json('token', 'create', '--agent', 'a1', '--tenant', 't1', '--role', 'reader');
  expect(made).toMatchObject({agentId: 'a1', tenantId: 't1', role: 'reader'});
  const client = await rig.join(served.url, String(made['token']));
  expect(await rig.json('status')).toMatchObject({hub: {url: served.url}, stats: {agents: 1}});
  await rig.run('token', 'revoke', String(made['tokenId']));
  await client.end();
  expect(client.frames).toContainEqual(expect.objectContaining({type: 'error', code: 'token-revoked'}));
  expect((await rig.json('token', 'list'))['issued']).toMatchObject([{agentId: 'a1', revoked: true}]);

  const older = await rig.token('a2');
  await rig.run('token', 'rotate', '--now');
  const refused = new RawClient(new WebSocket(served.url));
  await refused.opened;
  refused.hello(older);
  await refused.end();
  expect(refused.frames).toContainEqual(expect.objectContaining({type: 'error', code: 'token-invalid'}));
  await rig.join(served.url, await rig.token('a2'));
});

test('the algorithm of tokens is chosen when their first key is made, and when it is rotated', async () => {
  await using rig = new ServedHubRig();
  const who = ['--agent', 'a1', '--tenant', 't1'] as const;
  const headOf = (token: string): unknown => JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString());
  const first = (await rig.run('token', 'create', ...who, '--new', '--algorithm', 'HS256')).stdout.trim();
  expect(headOf(first)).toMatchObject({alg: 'HS256'});
  const other = await rig.run('token', 'create', ...who, '--new', '--algorithm', 'EdDSA');
  expect(other).toMatchObject({code: 2, stderr: expect.stringContaining('token rotate --algorithm EdDSA')});
  const served = await rig.serve();
  await rig.join(served.url, first);
  expect(await rig.json('token', 'rotate')).toMatchObject({key: {algorithm: 'HS256'}});
  expect(await rig.json('token', 'rotate', '--algorithm', 'EdDSA')).toMatchObject({key: {algorithm: 'EdDSA'}});
  const second = await rig.token('a1');
  expect(headOf(second)).toMatchObject({alg: 'EdDSA'});
  for (const token of [second, first]) await rig.join(served.url, token);
  expect((await rig.run('token', 'rotate', '--algorithm', 'none')).code).toBe(2);
});

test('no command for tokens makes a hub where there is none, unless it is told to; its tokens are good once it is started', async () => {
  await using rig = new ServedHubRig();
  const who = ['--agent', 'a1', '--tenant', 't1'] as const;
  const commands = [['create', ...who], ['revoke', ...who], ['list'], ['rotate']];
  for (const args of commands) {
    const {code, stdout, stderr} = await rig.run('token', ...args);
    expect({args, code, stdout}).toEqual({args, code: 2, stdout: ''});
    expect(stderr).toMatch(/^godel: no hub has its database at .*hub-memory\.db\. .*--db.*godel hub serve.*--new/);
  }
  expect(readdirSync(rig.folder)).toEqual([]);
  const {stdout: token} = await rig.run('token', 'create', ...who, '--new');
  expect(await rig.json('token', 'list')).toMatchObject({issued: [{agentId: 'a1'}]});
  const served = await rig.serve();
  await rig.join(served.url, token.trim());
});

test('status finds the hub of the folder, else that of the project, and says which', async () => {
  await using rig = new ServedHubRig();
  expect(await rig.json('status')).toMatchObject({which: 'folder', db: join(rig.folder, 'hub-memory.db'), hub: null});
  const own = join(rig.folder, '.godel', 'hub.db');
  const project = await rig.serve('--db', own);
  const within = join(rig.folder, 'src');
  mkdirSync(within);
  for (const folder of [rig.folder, within]) {
    const {stdout} = await rig.runIn(folder, 'status');
    expect(stdout).toMatch(new RegExp(`^The project's own hub ${project.url} .*, over ${own}\\.`));
  }
  expect(await rig.json('status')).toMatchObject({which: 'project', db: own, hub: {url: project.url}});
  const served = await rig.serve();
  expect(await rig.json('status')).toMatchObject({which: 'folder', hub: {url: served.url}});
  const both = await rig.run('status');
  expect(both.stdout).toContain(`The hub ${served.url}`);
  expect(both.stderr).toContain(`godel hub status --db ${own}`);
  expect(await rig.json('status', '--db', own)).toMatchObject({which: 'named', hub: {url: project.url}});
});

test('keys of agents are listed and removed, while the hub runs and while it does not', async () => {
  await using rig = new ServedHubRig();
  const served = await rig.serve('--require-signatures');
  const client = await rig.join(served.url, await rig.token('a1'));
  const {privateKey, publicKey} = generateKeyPairSync('ed25519');
  const key = writePublicKey(publicKey);
  expect((await client.ask('pushed', pushOf(lesson('a1', 'x')))).results).toMatchObject([{code: 'forbidden'}]);
  await client.ask('ok', {type: 'key', agentId: null, publicKey: key, signature: null});
  const signed = signEpisode(lesson('a1', 'x'), {tenantId: 't1', privateKey});
  expect((await client.ask('pushed', pushOf(signed))).results).toMatchObject([{position: 1}]);
  const listed = {keys: [{tenantId: 't1', agentId: 'a1', publicKey: key}]};
  expect(await rig.json('key', 'list')).toMatchObject(listed);
  expect(await rig.json('key', 'list', '--tenant', 't2')).toMatchObject({keys: []});
  const which = ['--agent', 'a1', '--tenant', 't1'] as const;
  expect(await rig.run('key', 'remove', ...which, 'none')).toMatchObject({code: 2});
  expect(await rig.json('key', 'remove', ...which)).toMatchObject({removed: [key]});
  expect((await client.ask('pushed', pushOf(lesson('a1', 'y')))).results).toMatchObject([{code: 'forbidden'}]);
  await client.ask('ok', {type: 'key', agentId: null, publicKey: key, signature: null});
  served.child.kill('SIGINT');
  await served.ended;
  expect(await rig.json('key', 'list')).toMatchObject(listed);
  expect((await rig.run('key', 'remove', ...which, key)).stdout).toContain('1 key of a1 forgotten');
  expect((await rig.run('key', 'list')).stdout).toContain('No agent has made a key known');
});

test('who did what and who was connected is shown, while the hub runs and while it does not', async () => {
  await using rig = new ServedHubRig();
  const served = await rig.serve();
  const client = await rig.join(served.url, await rig.token('a1'));
  await client.ask('pushed', pushOf(lesson('a1', 'x')));
  const push = {who: 'a1', tenant: 't1', what: 'push', detail: expect.objectContaining({positions: [1, 1]})};
  const pushed = {rows: expect.arrayContaining([expect.objectContaining(push)])};
  expect(await rig.json('audit', '--agent', 'a1')).toMatchObject(pushed);
  expect(await rig.json('audit', '--tenant', 't2')).toMatchObject({rows: []});
  expect((await rig.run('audit', '--since', '1h')).stdout).toMatch(/t1 +operator +create-token +agentId a1/);
  expect(await rig.json('sessions', '--state', 'active')).toMatchObject({sessions: [{agent: 'a1', ending: null}]});
  expect((await rig.run('sessions')).stdout).toMatch(/now +t1 +a1 +worker/);
  served.child.kill('SIGKILL');
  await served.ended;
  expect(await rig.json('audit', '--agent', 'a1')).toMatchObject(pushed);
  expect((await rig.run('sessions', '--state', 'active')).stdout).toContain('No session');
  expect((await rig.run('sessions')).stdout).toMatch(/the hub ended +t1 +a1/);
  expect(await rig.run('audit', '--db', 'none.db')).toMatchObject({code: 5});
  expect(await rig.run('audit', '--limit', '0')).toMatchObject({code: 2});
});

test('Ctrl-C ends a hub in order, and leaves nothing but its database and keys', async () => {
  await using rig = new ServedHubRig();
  const served = await rig.serve('--db', 'my.db');
  const client = await rig.join(
    served.url,
    (await rig.run('token', 'create', '--db', 'my.db', '--agent', 'a', '--tenant', 't')).stdout.trim(),
  );
  served.child.kill('SIGINT');
  expect(await client.end()).toMatchObject({code: 1001});
  expect(await served.ended).toMatchObject({code: 0});
  expect(readdirSync(rig.folder).toSorted()).toEqual(['my.db', 'my.keys']);
  expect(readdirSync(join(rig.folder, 'my.keys')).toSorted()).toEqual(['hub-id', 'tokens']);
  const status = await rig.run('status', '--db', 'my.db');
  expect(status).toMatchObject({code: 5, stderr: ''});
});

test('a port in use, keys that others can read, a folder that is none, a second hub: each says what to do', async () => {
  await using rig = new ServedHubRig();
  const served = await rig.serve();
  const {port} = new URL(served.url);
  const taken = await rig.run('serve', '--db', 'other.db', '--port', port, '--embedder', 'hashed');
  expect(taken.code).toBe(2);
  expect(taken.stderr).toMatch(/^godel: port \d+ of 127\.0\.0\.1 is in use by another program\. .*--port/);
  expect(readdirSync(rig.folder).filter(name => name.startsWith('other'))).toEqual([]);
  const second = await rig.run('serve', '--port', '0', '--embedder', 'hashed');
  expect(second).toMatchObject({code: 5});
  expect(second.stderr).toContain('Only one hub may use a database at a time');
  const nowhere = await rig.run('serve', '--db', '/dev/null/hub.db', '--port', '0', '--embedder', 'hashed');
  expect(nowhere).toMatchObject({code: 5});
  expect(nowhere.stderr).toContain('Name a file in a folder that is there');
  const keys = join(rig.folder, 'hub-memory.keys', 'tokens', 'keys');
  for (const name of readdirSync(keys)) chmodSync(join(keys, name), 0o644);
  const open = await rig.run('token', 'list');
  expect(open).toMatchObject({code: 2});
  expect(open.stderr).toMatch(/can be used by others \(mode 644\): run chmod 600/);
});

test('a sealed hub is backed up while it runs, and restored elsewhere from the backup and the master key alone', async () => {
  await using rig = new ServedHubRig();
  const key = join(rig.folder, 'master.key');
  writeFileSync(key, randomBytes(32).toString('base64'), {mode: 0o600});
  const served = await rig.serve('--master-key-file', key, '--backup-every', '1s', '--backup-folder', 'copies');
  const client = await rig.join(served.url, await rig.token('a1'));
  const secret = lesson('a1', 'the vault opens with xyzzyplugh');
  await client.ask('pushed', pushOf(secret));
  await until('its data key is in the database, and a scheduled backup was made', async () => {
    const {report} = (await rig.json('backup', `b${Date.now()}.db`)) as {report: {episodes: number}};
    return report.episodes === 1 && existsSync(join(rig.folder, 'copies'));
  });
  await rig.run('backup', 'copy.db');
  expect(readFileSync(join(rig.folder, 'copy.db')).includes('xyzzyplugh')).toBe(false);
  expect((await rig.run('backup', 'copy.db')).stderr).toContain('nothing is written over it');
  served.child.kill('SIGINT');
  await served.ended;

  for (const name of readdirSync(rig.folder).filter(each => each.startsWith('hub-memory'))) {
    renameSync(join(rig.folder, name), join(rig.folder, `gone-${name}`));
  }
  expect(await rig.json('verify', 'copy.db', '--master-key-file', key)).toMatchObject({
    report: {findings: [], episodes: 1, contents: 'read'},
  });
  expect((await rig.run('restore', 'copy.db', '--master-key-file', key)).code).toBe(0);
  const again = await rig.serve('--master-key-file', key);
  const reader = await rig.join(again.url, await rig.token('a1'));
  const {entry} = await reader.ask('episode', {type: 'get', episode: secret.id});
  expect(entry).toMatchObject({episode: secret});
});

test('with certificates: the right agent gets in, another does not, and who is revoked is cut off', async () => {
  await using rig = new ServedHubRig();
  await rig.run('cert', 'init');
  await rig.run('cert', 'issue', '--server', '--out', 'tls');
  const issued = await rig.json('cert', 'issue', '--agent', 'a1', '--tenant', 't1', '--out', 'a1');
  expect(statSync(String(issued['key'])).mode & 0o777).toBe(0o600);
  const ca = 'hub-memory.keys/authority/ca.pem';
  const served = await rig.serve('--tls-cert', 'tls/hub.pem', '--tls-key', 'tls/hub.key', '--client-ca', ca);
  expect(served.url).toMatch(/^wss:/);
  const tls = {
    ca: readFileSync(join(rig.folder, ca)),
    cert: readFileSync(String(issued['certificate'])),
    key: readFileSync(String(issued['key'])),
  };
  const token = await rig.token('a1');
  const client = await rig.join(served.url, token, tls);
  const bare = new RawClient(new WebSocket(served.url, {ca: tls.ca}));
  await expect(bare.opened).rejects.toThrow();
  const other = new RawClient(new WebSocket(served.url, tls));
  await other.opened;
  other.hello(await rig.token('a2'));
  await other.end();
  expect(other.frames).toContainEqual(expect.objectContaining({type: 'error', code: 'forbidden'}));
  await rig.run('cert', 'revoke', String(issued['serial']));
  await client.end();
  expect(client.frames).toContainEqual(expect.objectContaining({type: 'error', code: 'token-revoked'}));
  const late = new RawClient(new WebSocket(served.url, tls));
  await expect(late.opened.then(() => late.end())).rejects.toThrow();
});
