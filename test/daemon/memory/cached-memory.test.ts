import {mkdtempSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, expect, test} from 'vitest';
import {CachedMemory} from '../../../src/daemon/memory/cached-memory.ts';
import type {Lesson} from '../../../src/daemon/memory/attempt-memory.ts';
import {lessonId} from '../../../src/daemon/memory/lesson-id.ts';
import {agentId} from '../../../src/model/ids.ts';
import {until} from '../../rig/until.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'godel-memory-'));
});
afterEach(() => rmSync(folder, {recursive: true, force: true}));

const complaints: string[] = [];
const note = (_facts: object, text: string) => void complaints.push(text);
const log = {debug: note, info: note, warn: note, error: note} as never;
const open = (file = join(folder, 'memory.db')) => new CachedMemory({file, tenantId: 'project', source: null, log});
const id = (number: number) => lessonId(1_700_000_000_000, ['store', number]);

function lesson(number: number, over: Partial<Lesson> = {}): Lesson {
  const task = `build-${number}: make the parser`;
  const end = {output: '', critique: null, reward: 1, success: true, tags: ['command']};
  return {id: id(number), agentId: 'a-1', sessionId: 'a', task, input: '', ...end, ...over};
}

const recall = (memory: CachedMemory) => memory.recall({query: 'make a parser', k: 5, deadlineMs: 60_000});

test('what is remembered is found, also by the next one to open the file, and once however often it is told', async () => {
  const memory = open();
  for (const number of [1, 2, 1]) memory.remember(lesson(number));
  memory.confirm({id: id(3), episode: id(1), by: agentId('b-1'), success: true});
  await memory.close();
  await memory.close();
  expect(statSync(join(folder, 'memory.db')).isFile()).toBe(true);
  const next = open();
  const found = await recall(next);
  expect(found.map(({episode}) => episode.id).toSorted()).toEqual([id(1), id(2)].toSorted());
  expect(found.find(({episode}) => episode.id === id(1))?.state.confirmed).toBe(1);
  await next.close();
});

test('it is found while the same daemon goes on', async () => {
  const memory = open(':memory:');
  expect(await recall(memory)).toEqual([]);
  // Told after it was asked, in the same turn: as the end of a task and the beginning of the next are.
  const asked = recall(memory);
  memory.remember(lesson(1));
  expect(await asked).toHaveLength(1);
  await memory.close();
  expect(await recall(memory)).toEqual([]);
});

test('whoever asks too late is answered with nothing', async () => {
  const memory = open(':memory:');
  memory.remember(lesson(1));
  await until('it is there', async () => (await recall(memory)).length === 1);
  expect(await memory.recall({query: 'parser', k: 5, deadlineMs: -1})).toEqual([]);
  await memory.close();
});

test('a file that is none is said once, and everything goes on without', async () => {
  complaints.length = 0;
  writeFileSync(join(folder, 'memory.db'), 'not a database'.repeat(1000));
  const memory = open();
  expect(await recall(memory)).toEqual([]);
  memory.remember(lesson(1));
  expect(await recall(memory)).toEqual([]);
  await memory.close();
  expect(complaints).toEqual(['the memory cannot be opened']);
});

test('a file that could not be opened is tried again later', async () => {
  const file = join(folder, 'memory.db');
  writeFileSync(file, 'not a database'.repeat(1000));
  const memory = new CachedMemory({file, tenantId: 'project', source: null, log, openAgainMs: 50});
  expect(await recall(memory)).toEqual([]);
  rmSync(file);
  await until('it is there', async () => {
    memory.remember(lesson(1));
    return (await recall(memory)).length === 1;
  });
  await memory.close();
});

test('each use counts once, however many there are, and keeps no search waiting', async () => {
  const memory = open();
  memory.remember(lesson(1));
  expect(await recall(memory)).toHaveLength(1);
  const uses = Array.from({length: 1500}, (_, number) => ({id: `use ${number}`, episode: id(1)}));
  for (const use of [...uses, ...uses]) memory.use(use);
  // Nobody waits for them.
  expect((await recall(memory))[0]?.state.uses).toBe(0);
  await until('they are written', async () => (await recall(memory))[0]?.state.uses === 1500);
  memory.use({id: 'one more', episode: id(1)});
  await memory.close();
  const next = open();
  expect((await recall(next))[0]?.state.uses).toBe(1501);
  await next.close();
});
