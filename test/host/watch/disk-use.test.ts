import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, expect, test, vi} from 'vitest';
import {DiskUse, diskUseOf} from '../../../src/host/watch/disk-use.ts';

afterEach(() => vi.useRealTimers());

test('a folder takes what its files take', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'godel-disk-'));
  mkdirSync(join(folder, 'a'));
  writeFileSync(join(folder, 'a', 'b'), Buffer.alloc(3 * 1024 * 1024, 1));
  const bytes = await diskUseOf(folder);
  expect(bytes).toBeGreaterThanOrEqual(3 * 1024 * 1024);
  expect(bytes).toBeLessThan(4 * 1024 * 1024);
  rmSync(folder, {recursive: true});
  expect(await diskUseOf(folder)).toBeNull();
});

test('folders are measured one at a time, and a slow one seldom', async () => {
  vi.useFakeTimers();
  const measured: string[] = [];
  let running = 0;
  const disk = new DiskUse(async path => {
    running += 1;
    expect(running).toBe(1);
    measured.push(path);
    await new Promise(resolve => setTimeout(resolve, path === 'slow' ? 2000 : 1));
    running -= 1;
    return 100;
  });
  const told: string[] = [];
  const forget = [disk.watch('slow', () => told.push('slow')), disk.watch('fast', () => told.push('fast'))];
  await vi.advanceTimersByTimeAsync(44_000);
  expect(measured.filter(path => path === 'slow')).toHaveLength(2);
  expect(measured.filter(path => path === 'fast').length).toBeGreaterThan(6);
  expect(told).toContain('slow');
  for (const one of forget) one();
  const before = measured.length;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(measured).toHaveLength(before);
  expect(vi.getTimerCount()).toBe(0);
});

test('nobody is told of a folder that is not watched any more', async () => {
  vi.useFakeTimers();
  const disk = new DiskUse(() => new Promise(resolve => setTimeout(() => resolve(1), 500)));
  const told: number[] = [];
  const forget = disk.watch('x', bytes => told.push(bytes));
  await vi.advanceTimersByTimeAsync(1200);
  forget();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(told).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});
