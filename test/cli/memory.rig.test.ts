import {existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import type {
  AddedMemory,
  MemoryAnswer,
  MemoryImported,
  MemoryStats,
  MemoryView,
  QuarantineReport,
} from '../../src/api/memory-contract.ts';
import type {GivenMemory} from '../../src/model/memory.ts';
import {hasTerminals, Terminal} from '../edges/terminal.ts';
import {Rig} from '../rig/rig.ts';
import {until} from '../rig/until.ts';

const ENV = {GODEL_MEMORY_WAIT: '10s', GODEL_HUB: 'project'};

async function json<T>(rig: Rig, args: readonly string[], input = ''): Promise<T> {
  const {code, stdout, stderr} = await rig.godel(['memory', ...args, '--json'], {input});
  if (code !== 0) throw new Error(`${args.join(' ')}: ${stdout}${stderr}`);
  return JSON.parse(stdout) as T;
}

const search = (rig: Rig, ...args: string[]) => json<MemoryAnswer>(rig, ['search', ...args]);
const stats = (rig: Rig) => json<MemoryStats>(rig, ['stats']);

async function run(rig: Rig, name: string, tasks: object): Promise<void> {
  writeFileSync(join(rig.folder, `${name}.json`), JSON.stringify({version: 1, name, tasks}));
  const ran = await rig.godel(['team', 'spawn', '--count', '1', '--plan', `${name}.json`]);
  if (ran.signal !== null) throw new Error(ran.stderr);
}

test('what one run learns the next is given; it is found, shown, voted on, taken to another project and forgotten', async () => {
  await using rig = await Rig.create({env: ENV});
  await run(rig, 'first', {build: {run: 'echo "the parser needs make -j2"; exit 3'}});
  await until('it has learned something', async () => (await stats(rig)).episodes === 1);
  const show = {run: ': build the parser again; cat "$GODEL_MEMORIES" > given.json'};
  await run(rig, 'second', {show});
  const given = JSON.parse(readFileSync(join(rig.folder, 'given.json'), 'utf8')) as readonly GivenMemory[];
  expect(given).toMatchObject([{success: false, output: 'the parser needs make -j2'}]);
  const id = given[0]!.id;

  const used = await until('its use is counted', async () => {
    const {memories} = await search(rig, 'the', 'parser', '--explain', '-k', '3');
    const found = memories.find(({episode}) => episode.id === id);
    return found?.state.uses === 1 && found.state.confirmed === 1 && found;
  });
  expect(used.why?.terms).toContain('parser');
  expect(used.episode.agentId).toBe('godel/first-01');
  const listed = await rig.godel(['memory', 'search', 'parser', '--explain']);
  expect(listed.stdout).toMatch(/by text #1/);
  expect(listed.stdout).toContain('borne out by 1');
  expect(await rig.godel(['memory', 'show', id.slice(0, 18)])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('  the parser needs make -j2\n'),
  });
  expect((await search(rig, 'parser', '--success')).memories.map(({episode}) => episode.sessionId)).toEqual(['second']);
  expect(await json<AddedMemory>(rig, ['vote', id, 'up'])).toMatchObject({id});

  const {code, stderr} = await rig.godel(['memory', 'export', 'lessons.jsonl']);
  expect({code, stderr}).toEqual({code: 0, stderr: ''});
  const text = readFileSync(join(rig.folder, 'lessons.jsonl'), 'utf8');
  expect(text.trimEnd().split('\n')).toHaveLength(2);
  expect(statSync(join(rig.folder, 'lessons.jsonl')).mode & 0o077).toBe(0);
  expect((await rig.godel(['memory', 'export'])).stdout).toBe(text);

  await using other = await Rig.create({env: ENV});
  writeFileSync(join(other.folder, 'lessons.jsonl'), text);
  expect(await json<MemoryImported>(other, ['import', 'lessons.jsonl'])).toMatchObject({added: 2, known: 0});
  expect(await json<MemoryImported>(other, ['import', 'lessons.jsonl'])).toMatchObject({added: 0, known: 2});
  expect((await other.godel(['memory', 'import', 'lessons.jsonl'])).stdout).toBe(
    'Nothing is new; 2 were here already.\n',
  );
  await run(other, 'third', {show});
  const taken = JSON.parse(readFileSync(join(other.folder, 'given.json'), 'utf8')) as readonly GivenMemory[];
  expect(taken.map(memory => memory.id)).toContain(id);

  expect((await rig.godel(['memory', 'forget', id])).stdout).toMatch(/^1 memory forgotten\./);
  expect((await search(rig, 'parser', '-k', '100')).memories.map(({episode}) => episode.id)).not.toContain(id);
  expect(await rig.godel(['memory', 'show', id])).toMatchObject({code: 2});
  expect(await stats(rig)).toMatchObject({episodes: 1, active: 1, forgotten: 1, agents: 1, successRate: 1});
  expect((await other.godel(['memory', 'forget', '--before', '1ms', '--yes'])).code).toBe(0);
  expect((await search(other, 'parser')).memories).toEqual([]);
});

test('a person adds by options or JSON, holds an agent back, and asks the hub or the cache', async () => {
  await using rig = await Rig.create({env: ENV});
  const options = ['--task', 'deploy ünïcode 🚀', '--critique', 'nobody looks', '--reward', '0.4', '--tag', 'deploy'];
  const {id} = await json<AddedMemory>(rig, ['add', ...options]);
  const draft = {task: 'draw \u001b[31ma map', output: 'use a projection\nof the \u0007globe', tags: ['maps']};
  await json<AddedMemory>(rig, ['add', '-'], JSON.stringify(draft));
  const view = await json<MemoryView>(rig, ['show', id]);
  expect(view).toMatchObject({v: 1, episode: {success: false, reward: 0.4, agentId: 'godel/user', tags: ['deploy']}});
  await until('the hub is there', async () => (await stats(rig)).hub?.connected);
  expect(await search(rig, 'map', '--from', 'hub')).toMatchObject({
    from: 'hub',
    memories: [{episode: {task: draft.task}}],
  });
  expect(await search(rig, 'map', '--from', 'cache')).toMatchObject({from: 'cache', memories: [{}]});
  const shown = await rig.godel(['memory', 'search', 'map']);
  expect(shown.stdout).not.toMatch(/[\u0007\u001b]/);
  expect(await json<QuarantineReport>(rig, ['quarantine', '--agent', 'user'])).toMatchObject({
    episodes: 2,
    hub: 'kept',
  });
  expect((await search(rig, 'map', '--from', 'hub')).memories).toEqual([]);
  expect(await stats(rig)).toMatchObject({active: 0, quarantined: 2});
  expect((await json<QuarantineReport>(rig, ['quarantine', '--agent', 'godel/user', '--undo'])).ids).toHaveLength(2);
  expect((await search(rig, 'map', '--tag', 'maps')).memories).toHaveLength(1);
});

test('of what a person adds, secrets of teams and what looks like one are not kept, and it is said', async () => {
  await using rig = await Rig.create({env: {...ENV, GODEL_HUB: 'off', SHOP_PASSWORD: 'tulip-harvest-9'}});
  await rig.godel(['team', 'spawn', '--count', '1', '--detach', '--name', 'shop']);
  const key = `sk-ant-api03-${'aB3'.repeat(12)}`;
  const draft = {
    task: 'log in with tulip-harvest-9',
    input: `key ${key}, url https://ann:s3cr3t@shop.example/x`,
    output: '-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- and so on',
    critique: 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl was refused',
    tags: ['tulip-harvest-9'],
    reward: 1,
  };
  const added = await json<AddedMemory>(rig, ['add', '-'], JSON.stringify(draft));
  expect(added.masked).toBe(true);
  expect((await json<MemoryView>(rig, ['show', added.id])).episode).toMatchObject({
    task: 'log in with ***',
    input: 'key ***, url https://ann:***@shop.example/x',
    output: '*** and so on',
    critique: '*** was refused',
    tags: ['***'],
  });
  const told = await rig.godel(['memory', 'add', '--task', `use ${key}`]);
  expect(told.stderr).toContain('looks like a secret');
  const plain = 'ask-me about sk-learn at https://shop.example:8080/a@b';
  const other = await json<AddedMemory>(rig, ['add', '--task', plain]);
  expect(other.masked).toBe(undefined);
  expect((await json<MemoryView>(rig, ['show', other.id])).episode.task).toBe(plain);
});

test('wrong use is refused with what to do, and nothing of a bad file is taken', async () => {
  await using rig = await Rig.create({env: {...ENV, GODEL_HUB: 'off'}});
  const binary = Buffer.from([0x7b, 0, 0xff, 0x0a]);
  const latin = Buffer.from('{"v": 1, "task": "\xfc"}\n', 'latin1');
  for (const [name, data] of [
    ['binary', binary],
    ['latin', latin],
    ['empty', ''],
  ] as const) {
    writeFileSync(join(rig.folder, name), data);
  }
  mkdirSync(join(rig.folder, 'folder'));
  for (const [args, says] of [
    [['search', ''], 'nothing to look for'],
    [['search', 'x', '-k', '0'], '-k is "0", but must be a whole number from 1 to 100'],
    [['search', 'x', '-k', '1e9'], '-k is "1e9"'],
    [['search', 'x', '--from', 'hub'], 'the project has no hub'],
    [['show', 'nope'], 'no memory whose id begins with "nope"'],
    [['vote', 'nope', 'up'], 'no memory'],
    [['vote', 'nope', 'sideways'], 'up, down'],
    [['forget'], 'What is to be forgotten?'],
    [['forget', 'x', '--tag', 'y'], 'not both'],
    [['forget', '--before', '30'], '30s'],
    [['add'], '--task'],
    [['add', '--task', ' '], '--task'],
    [['add', '--task', 'x', '--reward', '2'], 'from 0 to 1'],
    [['add', 'lesson'], 'only `-`'],
    [['add', '-', '--task', 'x'], 'standard input'],
    [['add', '-'], 'not JSON'],
    [['quarantine', '--agent', 'nobody'], 'no memory of an agent "nobody"'],
    [['import', 'folder'], 'it is a folder'],
    [['import', 'missing'], 'no such file'],
    [['import', 'binary'], 'binary:1: it is a binary file'],
    [['import', 'latin'], 'latin:1: it is no UTF-8 text'],
    [['export', 'folder'], 'is a folder'],
    [['export', 'missing/file'], 'no such file or folder'],
  ] as const) {
    const {code, stdout, stderr} = await rig.godel(['memory', ...args]);
    expect({args, code, stdout}).toEqual({args, code: says.includes('no hub') ? 5 : 2, stdout: ''});
    expect(stderr).toContain(says);
  }
  expect((await rig.godel(['memory', 'add', '-'], {input: '{"task": "x", "colour": "red"}'})).stderr).toContain(
    'colour',
  );

  await json<AddedMemory>(rig, ['add', '--task', 'good']);
  const line = (await rig.godel(['memory', 'export', '-'])).stdout.trimEnd().replace(/"id":"[^"]+"/, '"id":"other"');
  writeFileSync(join(rig.folder, 'mixed.jsonl'), `\n${line}\nnope\n{"v": 1}\n`);
  const refused = await rig.godel(['memory', 'import', 'mixed.jsonl']);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toMatch(/mixed\.jsonl:3: it is not JSON\n.*mixed\.jsonl:4: `episode`/);
  expect(await rig.godel(['memory', 'show', 'other'])).toMatchObject({code: 2});
  const taken = await json<MemoryImported>(rig, ['import', 'mixed.jsonl', '--skip-bad']);
  expect(taken).toMatchObject({added: 1, skipped: 2, problems: [{line: 3}, {line: 4}], hub: 'none'});
  expect(await rig.godel(['memory', 'show', 'other'])).toMatchObject({code: 0});
  // As the export of a memory with nothing in it is.
  expect(await rig.godel(['memory', 'import', 'empty'])).toMatchObject({code: 0});
  // What was there before an export that fails is still there, and nothing beside it.
  expect(existsSync(join(rig.folder, 'folder'))).toBe(true);
  expect(readdirSync(rig.folder).filter(name => name.endsWith('.tmp'))).toEqual([]);
});

test.skipIf(!hasTerminals())('where somebody sits, forgetting asks first, and shows what is meant', async () => {
  await using rig = await Rig.create({env: {...ENV, GODEL_HUB: 'off'}});
  for (const task of ['one thing', 'another']) await json<AddedMemory>(rig, ['add', '--task', task, '--tag', 'x']);
  await using cautious = new Terminal(rig, ['memory', 'forget', '--tag', 'x']);
  await cautious.seen('Forget 2 memories for good? (y/n)');
  expect(cautious.text).toMatch(/one thing\s+another/);
  cautious.press('n');
  await cautious.seen('Nothing is forgotten.');
  expect(await cautious.exited).toBe(0);
  expect(await stats(rig)).toMatchObject({episodes: 2});
  await using sure = new Terminal(rig, ['memory', 'forget', '--tag', 'x']);
  await sure.seen('(y/n)');
  sure.press('y');
  await sure.seen('2 memories forgotten.');
  expect(await sure.exited).toBe(0);
  expect(await stats(rig)).toMatchObject({episodes: 0, forgotten: 2});
});
