import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect, onTestFinished, test} from 'vitest';
import {Worktrees} from '../../src/host/worktrees.ts';
import {attemptId} from '../../src/model/ids.ts';
import type {WorkspacePool} from '../../src/workspace/workspace.ts';
import {until} from '../rig/until.ts';

test('tidying up waits for work that is being saved of a host that was killed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'godel-worktrees-'));
  onTestFinished(() => rmSync(folder, {recursive: true, force: true}));
  const saves: (() => void)[] = [];
  const asked: (readonly number[])[] = [];
  const pool: WorkspacePool = {
    acquire: () => Promise.reject(new Error('nobody wants a worktree')),
    salvage: attempts => {
      asked.push(attempts);
      return new Promise(resolve => saves.push(() => resolve(new Map())));
    },
    orphans: () => [7],
    collect: () => Promise.resolve(),
  };
  const worktrees = new Worktrees({folder, open: () => Promise.resolve(pool), log: () => undefined});
  const settled = worktrees.settle();
  let over = false;
  const tidied = worktrees.tidy().then(() => (over = true));
  await until('it is being saved', () => saves.length === 1);
  await new Promise(resolve => setImmediate(resolve));
  expect(over).toBe(false);
  saves[0]?.();
  await Promise.all([settled, tidied]);
  expect(asked).toEqual([[7]]);
});

test('tidying up is over only when nothing is being removed any more, also by an earlier call', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'godel-worktrees-'));
  onTestFinished(() => rmSync(folder, {recursive: true, force: true}));
  const removals: (() => void)[] = [];
  const pool: WorkspacePool = {
    acquire: () => Promise.reject(new Error('nobody wants a worktree')),
    salvage: () => Promise.resolve(new Map()),
    orphans: () => [],
    collect: () => new Promise(resolve => removals.push(resolve)),
  };
  const worktrees = new Worktrees({folder, open: () => Promise.resolve(pool), log: () => undefined});
  await worktrees.salvage([attemptId(1)]);
  const first = worktrees.tidy();
  await until('the first has begun', () => removals.length === 1);
  let over = false;
  const second = worktrees.tidy().then(() => (over = true));
  await new Promise(resolve => setImmediate(resolve));
  removals.splice(1).forEach(finish => finish());
  await new Promise(resolve => setImmediate(resolve));
  expect(over).toBe(false);
  removals[0]?.();
  await first;
  await until('the second has begun', () => removals.length === 2);
  removals[1]?.();
  await second;
});
