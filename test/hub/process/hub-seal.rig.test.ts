import {hash, randomBytes} from 'node:crypto';
import {existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import Database from 'better-sqlite3';
import {expect, test} from 'vitest';
import {WebSocket} from 'ws';
import {DEFAULT_SETTINGS} from '../../../src/config/settings.ts';
import {ProjectHub} from '../../../src/daemon/project-hub.ts';
import {projectHubArguments} from '../../../src/daemon/project-hub-arguments.ts';
import {formatStamp} from '../../../src/hub/replica/hybrid-clock.ts';
import {episode, pushOf, RawClient} from '../server/hub-rig.ts';
import {type Served, ServedHubRig} from './served-hub.ts';

function lesson(agentId: string, output: string) {
  return episode(agentId, {output, at: formatStamp({ms: Date.now(), counter: 0, node: agentId})});
}

function keyFile(rig: ServedHubRig, name: string): string {
  const file = join(rig.folder, name);
  writeFileSync(file, randomBytes(32).toString('base64'), {mode: 0o600});
  return file;
}

async function end(served: Served): Promise<void> {
  served.child.kill('SIGINT');
  await served.ended;
}

function wrappers(rig: ServedHubRig): ReadonlySet<string> {
  const db = new Database(join(rig.folder, 'hub-memory.db'), {readonly: true});
  try {
    return new Set(db.prepare<[], string>('SELECT master FROM data_keys').pluck().all());
  } finally {
    db.close();
  }
}

test('a hub that runs rotates its data keys and is rewrapped; then the new key opens all of it, and the old one is refused', async () => {
  await using rig = new ServedHubRig();
  const [old, next] = [keyFile(rig, 'old.key'), keyFile(rig, 'next.key')];
  const served = await rig.serve('--master-key-file', old);
  const client = await rig.join(served.url, await rig.token('a1'));
  const lessons = ['before', 'rotated', 'rewrapped'].map(output => lesson('a1', `${output} xyzzyplugh`));
  const push = async (at: number) => {
    const item = lessons[at];
    if (item) expect((await client.ask('pushed', pushOf(item))).results).toMatchObject([{position: at + 1}]);
  };
  await push(0);
  expect(await rig.json('seal', 'rotate', '--tenant', 't1')).toMatchObject({keys: [{tenantId: 't1', version: 2}]});
  await push(1);
  expect((await rig.run('seal', 'rotate', '--tenant', 'nobody')).stderr).toContain('"nobody" has no data key');
  const rewrapped = await rig.json('seal', 'rewrap', '--new-master-key-file', next);
  expect(Number(rewrapped['count'])).toBeGreaterThanOrEqual(2);
  await push(2);
  await end(served);
  expect(wrappers(rig)).toEqual(new Set([rewrapped['masterKey']]));

  const refused = await rig.run('serve', '--port', '0', '--embedder', 'hashed', '--master-key-file', old);
  expect(refused).toMatchObject({code: 5, stdout: ''});
  expect(refused.stderr).toMatch(
    /sealed, and not by this master key alone: .*wrapped by the master key .*\. Start with/,
  );
  const again = await rig.serve('--master-key-file', next);
  const reader = await rig.join(again.url, await rig.token('a1'));
  for (const wanted of lessons) {
    const {entry} = await reader.ask('episode', {type: 'get', episode: wanted.id});
    expect(entry).toMatchObject({episode: wanted});
  }
  await end(again);
  expect(await rig.json('verify', '--master-key-file', next)).toMatchObject({
    report: {findings: [], episodes: 3, contents: 'read'},
  });
  expect(readFileSync(join(rig.folder, 'hub-memory.db')).includes('xyzzyplugh')).toBe(false);
});

test('the same with a hub that does not run, whose key comes from a variable or a command', async () => {
  await using rig = new ServedHubRig();
  const [old, next] = [keyFile(rig, 'old.key'), keyFile(rig, 'the next.key')];
  const command = `${process.execPath} -p "require('fs').readFileSync('${next}','utf8')"`;
  const served = await rig.serve('--master-key-command', command);
  const client = await rig.join(served.url, await rig.token('a1'));
  const secret = lesson('a1', 'kept');
  await client.ask('pushed', pushOf(secret));
  await end(served);
  expect(await rig.run('seal', 'rotate')).toMatchObject({code: 5, stderr: expect.stringContaining('it is sealed')});
  const {keys} = await rig.json('seal', 'rotate', '--master-key-file', next);
  expect(keys).toContainEqual({tenantId: 't1', version: 2});
  const how = ['seal', 'rewrap', '--master-key-file', next, '--new-master-key-file', old] as const;
  expect((await rig.json(...how))['count']).toBeGreaterThanOrEqual(2);
  expect(await rig.json(...how)).toMatchObject({count: 0});
  const both = await rig.run('serve', '--master-key-file', old, '--master-key-env', 'X');
  expect(both).toMatchObject({code: 2, stderr: expect.stringContaining('more than one master key')});
  const unset = await rig.run('serve', '--master-key-env', 'GODEL_NO_SUCH_KEY');
  expect(unset).toMatchObject({code: 2, stderr: expect.stringContaining('GODEL_NO_SUCH_KEY')});
  expect(await rig.json('verify', '--master-key-file', old)).toMatchObject({report: {findings: [], episodes: 1}});
});

test('a rewrap that was broken off is refused with one key, opens with both, and is done again', async () => {
  await using rig = new ServedHubRig();
  const [old, next] = [keyFile(rig, 'old.key'), keyFile(rig, 'next.key')];
  const served = await rig.serve('--master-key-file', old);
  for (const tenant of ['t1', 't2', 't3']) {
    const client = await rig.join(served.url, await rig.token('a1', tenant));
    await client.ask('pushed', pushOf(lesson('a1', tenant)));
  }
  await end(served);
  const folder = join(rig.folder, 'hub-memory.keys', 'data-keys');

  const file = join(folder, `${hash('sha256', 't2', 'hex')}.1.json`);
  const before = readFileSync(file, 'utf8');
  expect((await rig.run('seal', 'rewrap', '--master-key-file', old, '--new-master-key-file', next)).code).toBe(0);
  // As if it had been killed before this one.
  writeFileSync(file, before, {mode: 0o600});
  for (const alone of [old, next]) {
    const refused = await rig.run('serve', '--port', '0', '--embedder', 'hashed', '--master-key-file', alone);
    expect(refused).toMatchObject({code: 5, stderr: expect.stringContaining('--older-master-key-file')});
  }
  const both = ['--master-key-file', next, '--older-master-key-file', old] as const;
  const again = await rig.serve(...both);
  expect(await rig.json('seal', 'rewrap', '--new-master-key-file', next)).toMatchObject({count: 1});
  await end(again);
  expect(await rig.json('verify', '--master-key-file', next)).toMatchObject({report: {findings: [], episodes: 3}});
});

test('a database that came without its data keys takes those that are in it', async () => {
  await using rig = new ServedHubRig();
  const key = keyFile(rig, 'master.key');
  const served = await rig.serve('--master-key-file', key);
  const client = await rig.join(served.url, await rig.token('a1'));
  await client.ask('pushed', pushOf(lesson('a1', 'kept')));
  await rig.run('seal', 'rotate');
  await end(served);
  rmSync(join(rig.folder, 'hub-memory.keys', 'data-keys'), {recursive: true});
  await end(await rig.serve('--master-key-file', key));
  expect(await rig.json('verify', '--master-key-file', key)).toMatchObject({report: {findings: [], episodes: 1}});
});

test('the hub of a project is sealed by the key that its settings name', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'godel-sealed-project-'));
  writeFileSync(join(folder, 'master.key'), randomBytes(32).toString('base64'), {mode: 0o600});
  const hub = new ProjectHub({
    paths: {hubFile: join(folder, 'hub.db')},
    log: {info: () => undefined, warn: () => undefined},
    random: Math.random,
    args: projectHubArguments({...DEFAULT_SETTINGS, hubMasterKeyFile: 'master.key'}, folder),
  });
  try {
    const {url, token} = await hub.endpoint({agentId: 'a1', tenantId: 'project'});
    const client = new RawClient(new WebSocket(url));
    await client.opened;
    client.hello(token);
    await client.next('welcome');
    await client.ask('pushed', pushOf(lesson('a1', 'xyzzyplugh')));
    await hub.end();
    expect(existsSync(join(folder, 'hub.keys', 'data-keys'))).toBe(true);
    expect(readFileSync(join(folder, 'hub.db')).includes('xyzzyplugh')).toBe(false);
  } finally {
    await hub.end();
    rmSync(folder, {recursive: true, force: true});
  }
});
