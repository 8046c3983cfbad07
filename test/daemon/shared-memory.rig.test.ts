import {rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {FederationHub} from '../../src/hub/client/federation-hub.ts';
import {HubKeys} from '../../src/hub/process/hub-keys.ts';
import {runningHub} from '../../src/hub/process/run-hub.ts';
import type {AddedMemory, MemoryAnswer, MemoryStats, MemoryView} from '../../src/api/memory-contract.ts';
import type {GivenMemory} from '../../src/model/memory.ts';
import {ServedHubRig} from '../hub/process/served-hub.ts';
import {Rig} from '../rig/rig.ts';
import {until} from '../rig/until.ts';

const LEARN = {version: 1, name: 'first', tasks: {build: {run: 'echo the parser needs make -j2; exit 3'}}};
const SHOW = {
  version: 1,
  name: 'second',
  tasks: {show: {run: ': build the parser with make; cat "$GODEL_MEMORIES"', outputs: 'text'}},
};
const env = {GODEL_HUB: 'project', GODEL_MEMORY_WAIT: '10s', GODEL_MEMORY_COUNT: '20'};

async function run(rig: Rig, plan: object, more: object = {}): Promise<string> {
  const {team} = await rig.spawn({plan, count: 1, env: rig.env, ...more});
  await rig.waitFor(team);
  return team;
}

async function given(rig: Rig, more: object = {}): Promise<readonly GivenMemory[]> {
  const team = await run(rig, SHOW, more);
  const output = await rig.client().output(team, {task: 'show'});
  if (!output.ok) throw new Error(output.failure.reason);
  return JSON.parse(Buffer.from(output.value.data).toString()) as readonly GivenMemory[];
}

/** An agent of its own at the project's hub, as one that sees what is there. */
async function watcher(rig: Rig): Promise<FederationHub> {
  const dbPath = join(rig.paths.godelFolder, 'hub.db');
  const {note} = await until('the hub runs', () => runningHub(dbPath));
  const token = async () => {
    const wanted = {agentId: 'watcher', tenantId: 'project', role: 'reader', lifetimeMs: 60_000} as const;
    return (await new HubKeys(dbPath).createToken(wanted)).token;
  };
  const hub = new FederationHub({endpoint: note.url, agentId: 'watcher', tenantId: 'project', token});
  await hub.connect();
  return hub;
}

const lessons =
  (hub: FederationHub, word = 'parser') =>
  async () => {
    await hub.sync();
    return (await hub.db.queryMemories(word, 20, {from: 'cache'})).map(({episode}) => episode);
  };

test('what attempts learn is at the project’s hub before long, comes back from it, and outlives a kill of it', async () => {
  await using rig = await Rig.create({env});
  await run(rig, LEARN);
  await using hub = await watcher(rig);
  const [learned] = await until('the lesson is there', async () => (await lessons(hub)()).length > 0 && lessons(hub)());
  expect(learned).toMatchObject({agentId: 'godel/first-01', sessionId: 'first', success: false});
  // A hub that is killed is there again, and is told what came meanwhile.
  const dbPath = join(rig.paths.godelFolder, 'hub.db');
  const first = (await until('the hub runs', () => runningHub(dbPath))).note.pid;
  process.kill(first, 'SIGKILL');
  await run(rig, LEARN);
  await until('both are there', async () => (await lessons(hub)().catch(() => [])).length === 2);
  expect((await until('it runs', () => runningHub(dbPath))).note.pid).not.toBe(first);
  await hub.close();
  // The daemon ends, its hub with it; the next one has it all from the hub, even without the file of its own.
  await rig.client().stopDaemon({force: true});
  await until('the hub has ended', async () => (await runningHub(dbPath)) === null);
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${rig.paths.memoryFile}${suffix}`, {force: true});
  await run(rig, {...LEARN, tasks: {other: {run: 'true'}}});
  await using later = await watcher(rig);
  // Once its own lesson is there, the daemon is connected.
  await until('the next one is connected', async () => (await lessons(later, 'other')()).length > 0);
  const found = await given(rig);
  expect(found.find(({task}) => task.startsWith('build:'))?.output).toBe('the parser needs make -j2');
});

test('what teams with another hub remember is looked at and added to with the options of the team', async () => {
  await using served = new ServedHubRig();
  const {url} = await served.serve();
  await using rig = await Rig.create({env});
  const args = ['token', 'create', '--agent', 'ann', '--tenant', 't1', '--role', 'coordinator'];
  writeFileSync(join(rig.folder, 'token'), (await served.run(...args)).stdout, {mode: 0o600});
  const at = ['--hub', url, '--tenant', 't1', '--hub-token-file', 'token'];
  const learning = await rig.godel([
    'team',
    'spawn',
    '--count',
    '1',
    '--plan',
    rig.writePlan(JSON.stringify(LEARN)),
    ...at,
  ]);
  expect(learning).toMatchObject({code: 1});
  const json = async <T>(...given: readonly string[]) => {
    const {code, stdout, stderr} = await rig.godel(['memory', ...given, '--json']);
    if (code !== 0) throw new Error(stderr);
    return JSON.parse(stdout) as T;
  };
  const found = await until('it has learned', async () => {
    const {memories} = await json<MemoryAnswer>('search', 'parser', ...at);
    return memories.length > 0 && memories;
  });
  expect(found).toMatchObject([{episode: {agentId: 'ann/first-01'}}]);
  expect((await json<MemoryAnswer>('search', 'parser')).memories).toEqual([]);
  // The first that a new daemon is asked for.
  await rig.client().stopDaemon({force: true});
  expect((await json<MemoryStats>('stats', ...at)).hub).toMatchObject({url, agentId: 'ann', connected: true});
  const {id} = await json<AddedMemory>('add', '--task', 'draw a map', ...at);
  expect(await json<MemoryView>('show', id, ...at)).toMatchObject({episode: {agentId: 'ann/user'}});
  expect((await rig.godel(['memory', 'export', ...at])).stdout.trim().split('\n')).toHaveLength(2);
  expect(await rig.godel(['memory', 'forget', id, '--yes', ...at])).toMatchObject({code: 0});
  expect(await rig.godel(['memory', 'show', id])).toMatchObject({code: 2});
  const refused = await rig.godel(['memory', 'search', 'parser', '--hub', url]);
  expect(refused).toMatchObject({code: 2, stderr: expect.stringContaining('needs --tenant') as string});
});

test('a team whose token has expired or is refused is told so, with what mends it, until it is mended', async () => {
  await using served = new ServedHubRig();
  const {url} = await served.serve();
  await using rig = await Rig.create({env});
  const file = join(rig.folder, 'token');
  const create = ['token', 'create', '--agent', 'ann', '--tenant', 't1', '--role', 'coordinator'];
  const short = await served.run(...create, '--expires-in', '1s');
  expect(short.stderr).toContain('ends in 1 s, ');
  expect((await served.run(...create)).stderr).toContain('--expires-in 30d');
  writeFileSync(file, short.stdout);
  await until('it has expired', async () => (await served.run('token', 'list')).stdout.match(/ ann /g)?.length === 1);
  const at = ['--hub', url, '--tenant', 't1', '--hub-token-file', file];
  const plan = rig.writePlan(JSON.stringify(LEARN));
  const fix = 'Put a new one there: godel hub token create --agent ann --tenant t1 --role coordinator';
  const warned = `as the hub ${url} does not take the token in ${file}: The token has expired. ${fix}`;
  const learning = await rig.godel(['team', 'spawn', '--count', '1', '--plan', plan, ...at]);
  expect(learning.stdout).toMatch(/^Team first failed[^]*\n {2}Warning: What this team learns stays in the project/m);
  expect(learning.stdout).toContain(warned);
  const warnings = async (name: string) => {
    const {stdout} = await rig.godel(['team', 'status', name, '--json']);
    return (JSON.parse(stdout) as {warnings: readonly string[]}).warnings;
  };
  expect(await warnings('first')).toEqual([expect.stringContaining(warned) as string]);
  expect((await rig.godel(['team', 'status', 'first'])).stdout).toContain('warning   What this team');

  const good = await served.json(...create, '--expires-in', '1h');
  writeFileSync(file, String(good['token']));
  await until('what it has learned is there', async () => {
    const {stdout} = await rig.godel(['memory', 'search', 'parser', '--from', 'hub', '--json', ...at]);
    return stdout !== '' && (JSON.parse(stdout) as Partial<MemoryAnswer>).memories?.length === 1;
  });
  // The file is looked at again once a second at most.
  await until('it is mended', async () => (await warnings('first')).length === 0);
  // What becomes known later is told to a team that is at work.
  const held = rig.writePlan("{version: 1, name: held, tasks: {hold: {run: 'until test -e go; do sleep 0.05; done'}}}");
  expect(await rig.godel(['team', 'spawn', '--count', '1', '--plan', held, '--detach', ...at])).toMatchObject({
    code: 0,
  });
  await served.run('token', 'revoke', String(good['tokenId']));
  const [told] = await until('it is refused', async () => {
    const all = await warnings('held');
    return all.length > 0 && all;
  });
  expect(told).toContain(fix);
  writeFileSync(join(rig.folder, 'go'), '');
  await rig.waitFor('held');
});

test('two projects share what they learn at a hub of somebody else, each as itself', async () => {
  await using served = new ServedHubRig();
  const {url} = await served.serve();
  await using one = await Rig.create({env: {...env, GODEL_HUB: 'off'}});
  await using two = await Rig.create({env: {...env, GODEL_HUB: 'off'}});
  for (const [rig, agent] of [
    [one, 'ann'],
    [two, 'ben'],
  ] as const) {
    const args = ['token', 'create', '--agent', agent, '--tenant', 't1', '--role', 'coordinator'];
    writeFileSync(join(rig.root, 'token'), (await served.run(...args)).stdout, {mode: 0o600});
  }
  const plan = one.writePlan(JSON.stringify(LEARN));
  const at = (rig: Rig) => ['--hub', url, '--tenant', 't1', '--hub-token-file', join(rig.root, 'token')];
  const learning = await one.godel(['team', 'spawn', '--count', '1', '--plan', plan, ...at(one)]);
  expect(learning).toMatchObject({code: 1, stdout: expect.stringContaining('Team first failed') as string});
  const hub = {url, tenant: 't1', tokenFile: join(two.root, 'token')};
  await given(two, {hub});
  const token = await served.token('watcher');
  await using watching = new FederationHub({endpoint: url, agentId: 'watcher', tenantId: 't1', token});
  const agents = await until('both are there', async () => {
    const all = new Set((await lessons(watching)()).map(({agentId}) => agentId));
    return all.size > 1 && all;
  });
  expect(agents).toContain('ann/first-01');
  expect(agents).toContain('ben/second-01');
  const found = await given(two, {hub});
  expect(found.find(({task}) => task.startsWith('build:'))?.output).toBe('the parser needs make -j2');
  // What it is told nothing of it does not know: the project's own memory is another.
  expect(await given(two)).toEqual([]);
});

test.each([
  [['--hub', 'wss://hub.example', '--hub-token-file', 't'], 'The hub wss://hub.example needs --tenant'],
  [['--hub', 'wss://hub.example', '--tenant', 't1'], 'needs --hub-token-file'],
  [['--hub', 'quic://hub.example', '--tenant', 't1', '--hub-token-file', 't'], 'quic:// is not spoken here'],
  [['--hub', 'hub.example', '--tenant', 't1', '--hub-token-file', 't'], 'is no address of a hub'],
  [['--tenant', 't1'], '--tenant and --hub-token-file are for another hub, and the hub is off'],
  [
    ['--hub', 'wss://hub.example', '--tenant', 't1', '--hub-token-file', 'none'],
    'The token for the hub cannot be read',
  ],
  [['--hub', 'ws://hub.example', '--tenant', 't1', '--hub-token-file', 'godel.yaml'], 'use wss://'],
  [['--hub', 'off'], '--hub off is for the configuration'],
])('a hub that cannot be is refused: %j', async (args, sentence) => {
  await using rig = await Rig.create();
  const plan = rig.writePlan(JSON.stringify(LEARN));
  const refused = await rig.godel(['team', 'spawn', '--count', '1', '--plan', plan, ...args]);
  expect(refused).toMatchObject({code: 2});
  expect(refused.stderr).toContain(sentence);
});

test('a hub that cannot be reached keeps nobody from working, and the log says why', async () => {
  await using rig = await Rig.create();
  writeFileSync(join(rig.root, 'token'), 'no token\n');
  const hub = {url: 'ws://127.0.0.1:1', tenant: 't1', tokenFile: join(rig.root, 'token')};
  await run(rig, LEARN, {hub});
  expect(await given(rig, {hub})).toMatchObject([{task: expect.stringContaining('build:') as string}]);
  const gone = {...hub, url: 'ws://127.0.0.1:2', tokenFile: join(rig.root, 'other')};
  writeFileSync(gone.tokenFile, 'no token\n');
  await rig.spawn({hub: gone, plan: LEARN, count: 1, env: rig.env});
  rmSync(gone.tokenFile);
  await until('the log says so', () => rig.log().includes('the token for the hub cannot be read'));
});
