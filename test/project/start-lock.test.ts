import {mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, expect, test} from 'vitest';
import {ownIdentity} from '../../src/os/process-identity.ts';
import {type StartLock, takeStartLock} from '../../src/project/start-lock.ts';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'godel-lock-'));
  path = join(folder, 'p.start');
});

afterEach(() => rmSync(folder, {recursive: true}));

/** A process of an earlier boot with our pid: dead by its identity though the pid is taken. */
const dead = {...ownIdentity(), bootId: 'an-earlier-boot'};

function taken(): StartLock {
  const lock = takeStartLock(path);
  if ('heldBy' in lock) throw new Error('the lock is held');
  return lock;
}

test('one holds it; the other learns who', () => {
  using lock = taken();
  expect(takeStartLock(path)).toEqual({heldBy: ownIdentity()});
  lock.release();
  taken().release();
  expect(readdirSync(folder)).toEqual([]);
});

test('a folder in its place is an error, and not waited for', () => {
  mkdirSync(path);
  expect(() => takeStartLock(path)).toThrow('EISDIR');
});

test('the lock of a dead owner is taken over, though its pid lives', () => {
  writeFileSync(path, JSON.stringify({owner: dead, nonce: 'old'}));
  using lock = taken();
  expect(takeStartLock(path)).toHaveProperty('heldBy');
  lock.release();
  expect(readdirSync(folder)).toEqual([]);
});

test('a lock that is no lock file is taken over', () => {
  writeFileSync(path, '');
  taken().release();
});

test('whoever is removing a stale lock keeps others from removing the one that follows', () => {
  writeFileSync(path, JSON.stringify({owner: dead, nonce: 'old'}));
  const removing = takeStartLock(`${path}~`);
  expect(takeStartLock(path)).toEqual({heldBy: ownIdentity()});
  if ('release' in removing) removing.release();
  taken().release();
});

test('a removal that its process did not survive does not block for ever', () => {
  writeFileSync(path, JSON.stringify({owner: dead, nonce: 'old'}));
  writeFileSync(`${path}~`, JSON.stringify({owner: dead, nonce: 'older'}));
  taken().release();
  expect(readdirSync(folder)).toEqual([]);
});

test('releasing a lock that was replaced does not touch the new one', () => {
  const old = taken();
  rmSync(path);
  using current = taken();
  old.release();
  expect(takeStartLock(path)).toHaveProperty('heldBy');
  current.release();
});
