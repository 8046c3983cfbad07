import {mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, expect, test} from 'vitest';
import {type FileLine, readLines, writeWhole} from '../../src/cli/memory-files.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'godel-files-'));
});
afterEach(() => rmSync(folder, {recursive: true, force: true}));

test('a file is there whole or as it was before, and nothing is left beside it', async () => {
  const file = join(folder, 'lessons.jsonl');
  await writeWhole(file, append => append('one\n'));
  const failing = writeWhole(file, async append => {
    await append('half a line');
    throw new Error('the daemon is gone');
  });
  await expect(failing).rejects.toThrow('the daemon is gone');
  expect(readFileSync(file, 'utf8')).toBe('one\n');
  await writeWhole(file, async append => {
    await append('two\n');
    // Whoever looks meanwhile sees what was there before.
    expect(readFileSync(file, 'utf8')).toBe('one\n');
    await append('three\n');
  });
  expect(readFileSync(file, 'utf8')).toBe('two\nthree\n');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual(['lessons.jsonl']);
});

async function linesOf(data: string | Buffer): Promise<readonly FileLine[]> {
  const file = join(folder, 'read');
  writeFileSync(file, data);
  const lines: FileLine[] = [];
  for await (const line of readLines(file)) lines.push(line);
  return lines;
}

test('lines have their numbers, whatever they end with and wherever a character is cut', async () => {
  expect(await linesOf('a\r\n\n  \nü\u2028b')).toEqual([
    {number: 1, text: 'a'},
    {number: 4, text: 'ü\u2028b'},
  ]);
  expect(await linesOf('')).toEqual([]);
  const long = '🚀'.repeat(50_001);
  expect(await linesOf(`x${long}\nxx${long}\nxxx${long}\n`)).toEqual([
    {number: 1, text: `x${long}`},
    {number: 2, text: `xx${long}`},
    {number: 3, text: `xxx${long}`},
  ]);
});

test.each([
  ['a\nb\u0000c\n', 'read:2: it is a binary file'],
  [Buffer.from([0x61, 0x0a, 0x61, 0x0a, 0xff, 0xfe]), 'read:3: it is no UTF-8 text'],
  [Buffer.alloc(33 * 1024 * 1024, 0x61), 'read:1: the line is too long'],
])('what is no text is refused with its place', async (data, says) => {
  await expect(linesOf(data)).rejects.toMatchObject({
    failure: {reason: 'usage', message: expect.stringContaining(says)},
  });
});
