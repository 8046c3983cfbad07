import {existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, expect, test} from 'vitest';
import {ControlGroup, controlGroupFolder, type ControlGroupPlaces} from '../../../src/host/watch/control-groups.ts';

/** A tree as the kernel has it under /sys/fs/cgroup, in ordinary files. */
let mount = '';
let places: ControlGroupPlaces;
beforeEach(() => {
  mount = mkdtempSync(join(tmpdir(), 'godel-cgroups-'));
  places = {mount, own: join(mount, 'own')};
});
afterEach(() => rmSync(mount, {recursive: true, force: true}));

function make(place: string, controllers: string): void {
  mkdirSync(join(mount, place), {recursive: true});
  writeFileSync(join(mount, place, 'cgroup.procs'), '');
  writeFileSync(join(mount, place, 'cgroup.subtree_control'), `${controllers}\n`);
}

test('the nearest cgroup upwards that hands the controllers on is taken', () => {
  make('', 'cpu memory pids');
  make('user', 'cpu memory');
  make('user/app', 'memory');
  make('user/app/shell', '');
  writeFileSync(places.own, '0::/user/app/shell\n');
  expect(controlGroupFolder(['memory'], places)).toBe(join(mount, 'user/app'));
  expect(controlGroupFolder(['memory', 'cpu'], places)).toBe(join(mount, 'user'));
  expect(controlGroupFolder(['memory', 'io'], places)).toBeNull();
});

test.each([
  ['there are only cgroups v1', '4:memory:/x\n1:cpu:/\n'],
  ['nothing is handed on', '0::/user\n'],
  ['there is no such file', null],
])('none is made where %s', (_, own) => {
  make('', '');
  make('user', '');
  if (own !== null) writeFileSync(places.own, own);
  expect(ControlGroup.open('godel-x.1', {memoryBytes: 1024}, places)).toBeNull();
});

test('limits are written as the kernel reads them, and processes are put into it', () => {
  make('', 'cpu memory');
  writeFileSync(places.own, '0::/\n');
  const group = ControlGroup.open('godel-x.1', {memoryBytes: 256 * 1024 * 1024, cpus: 1.5}, places);
  const read = (file: string) => readFileSync(join(mount, 'godel-x.1', file), 'utf8');
  expect([read('memory.max'), read('cpu.max')]).toEqual(['268435456', '150000 100000']);
  expect(group?.take(4711)).toBe(true);
  expect(read('cgroup.procs')).toBe('4711');
  expect(group?.hasRunOut).toBe(false);
  writeFileSync(join(mount, 'godel-x.1', 'memory.events'), 'low 0\nmax 12\noom 1\noom_kill 1\n');
  expect(group?.hasRunOut).toBe(true);
});

test('without anything to hold there is none, and only what is limited is written', () => {
  make('', 'cpu memory');
  writeFileSync(places.own, '0::/\n');
  expect(ControlGroup.open('godel-x.1', {}, places)).toBeNull();
  ControlGroup.open('godel-x.2', {cpus: 0.001}, places);
  expect(readFileSync(join(mount, 'godel-x.2', 'cpu.max'), 'utf8')).toBe('1000 100000');
  expect(existsSync(join(mount, 'godel-x.2', 'memory.max'))).toBe(false);
});

test('it goes when its attempt is over', () => {
  make('', 'cpu memory');
  writeFileSync(places.own, '0::/\n');
  const group = ControlGroup.open('godel-x.1', {cpus: 1}, places);
  // The kernel's files vanish with their folder; these do not.
  rmSync(join(mount, 'godel-x.1', 'cpu.max'));
  group?.close();
  expect(existsSync(join(mount, 'godel-x.1'))).toBe(false);
});
