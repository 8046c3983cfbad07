import {type ChildProcess, execFileSync, spawn} from 'node:child_process';
import {afterEach, expect, test} from 'vitest';
import {
  parsePsLine,
  parseStatLine,
  type ProcessLine,
  type ProcessSource,
  ProcessTrees,
  type StartedWith,
} from '../../src/os/process-trees.ts';
import {parseStat} from '../../src/os/process-identity.ts';
import {until} from '../rig/until.ts';

/** A machine whose processes the test makes. */
class Machine implements ProcessSource {
  readonly lines = new Map<number, ProcessLine>();
  readonly cookies = new Map<number, string>();
  readonly read: number[] = [];
  isMute = false;

  put(pid: number, facts: Partial<ProcessLine> = {}): void {
    const line = {
      pid,
      parent: 1,
      groupId: pid,
      state: 'S',
      startTime: 1,
      cpuMs: 0,
      rssBytes: 1000,
      nice: 0,
      ...facts,
    };
    this.lines.set(pid, line);
  }

  pids() {
    return this.isMute ? 'unknown' : [...this.lines.keys()];
  }

  line(pid: number) {
    this.read.push(pid);
    return this.lines.get(pid) ?? 'gone';
  }

  cookie(pid: number): StartedWith {
    const cookie = this.cookies.get(pid);
    return cookie === undefined ? null : cookie === 'unclear' ? cookie : {cookie};
  }
}

function followed() {
  const machine = new Machine();
  const trees = new ProcessTrees(machine);
  trees.follow('a', 10);
  trees.follow('b', 20);
  machine.put(10);
  machine.put(20);
  return {machine, trees};
}

const counts = (trees: ProcessTrees) => ['a', 'b'].map(cookie => trees.use(cookie)?.processes);

test('what is in the group, what descends from it, and what carries the cookie belongs together', () => {
  const {machine, trees} = followed();
  machine.put(11, {groupId: 10});
  machine.put(13, {parent: 12, groupId: 13});
  machine.put(12, {parent: 11, groupId: 12});
  machine.put(30);
  machine.cookies.set(30, 'b');
  machine.put(31, {parent: 30});
  machine.put(40);
  machine.cookies.set(40, 'somebody else');
  trees.look();
  expect(counts(trees)).toEqual([4, 3]);
  expect(trees.use('a')?.rssBytes).toBe(4000);
});

test('who belongs to an attempt stays with it when its parent has ended', () => {
  const {machine, trees} = followed();
  machine.put(11, {parent: 10});
  trees.look();
  machine.lines.delete(10);
  machine.put(11, {parent: 1});
  machine.put(12, {parent: 11});
  trees.look();
  expect(counts(trees)).toEqual([2, 1]);
});

test('strangers are read once, until they are looked at anew', () => {
  const {machine, trees} = followed();
  for (let pid = 100; pid < 200; pid += 1) machine.put(pid);
  trees.look();
  machine.read.length = 0;
  trees.look();
  expect(machine.read).toEqual([10, 20]);
  machine.cookies.set(150, 'a');
  trees.look();
  expect(counts(trees)).toEqual([1, 1]);
  trees.lookAnew();
  trees.look();
  expect(counts(trees)).toEqual([2, 1]);
});

test('a look at some attempts reads no others, and finds what is new all the same', () => {
  const {machine, trees} = followed();
  trees.look();
  machine.read.length = 0;
  machine.put(21, {parent: 20});
  machine.put(11, {parent: 10});
  trees.look(new Set(['a']));
  expect(machine.read).toEqual([10, 21, 11]);
  expect(trees.use('a')?.processes).toBe(2);
});

test('one that is just being started is looked at again', () => {
  const {machine, trees} = followed();
  machine.put(30);
  machine.cookies.set(30, 'unclear');
  trees.look();
  expect(counts(trees)).toEqual([1, 1]);
  machine.cookies.set(30, 'a');
  trees.look();
  expect(counts(trees)).toEqual([2, 1]);
});

test('a pid that now means another process is none of the attempt’s, nor is a group whose leader has ended', () => {
  const {machine, trees} = followed();
  trees.look();
  machine.put(10, {startTime: 2, groupId: 99});
  trees.leave('b', 20);
  machine.put(50, {groupId: 20});
  trees.look();
  expect(counts(trees)).toEqual([0, 1]);
});

test('CPU time never goes back, also when somebody ends for whom nobody waits', () => {
  const {machine, trees} = followed();
  machine.put(10, {cpuMs: 100});
  machine.put(11, {parent: 10, cpuMs: 500});
  trees.look();
  expect(trees.use('a')?.cpuMs).toBe(600);
  machine.lines.delete(11);
  trees.look();
  expect(trees.use('a')?.cpuMs).toBe(600);
  machine.put(10, {cpuMs: 130});
  trees.look();
  expect(trees.use('a')?.cpuMs).toBe(630);
});

test('a parent that has waited takes over the time of its child, which is not counted twice', () => {
  const {machine, trees} = followed();
  machine.put(10, {cpuMs: 100});
  machine.put(11, {parent: 10, cpuMs: 500});
  trees.look();
  machine.lines.delete(11);
  machine.put(10, {cpuMs: 620});
  trees.look();
  expect(trees.use('a')?.cpuMs).toBe(620);
});

test('the state is that of the liveliest; the dead do not count', () => {
  const {machine, trees} = followed();
  machine.put(10, {state: 'T'});
  machine.put(11, {parent: 10, state: 'Z'});
  trees.look();
  expect(trees.use('a')).toMatchObject({processes: 1, state: 'stopped'});
  machine.put(12, {parent: 10, state: 'S'});
  trees.look();
  expect(trees.use('a')?.state).toBe('sleeping');
  machine.put(13, {parent: 10, state: 'D'});
  trees.look();
  expect(trees.use('a')?.state).toBe('running');
});

test('a machine that cannot be asked just now has lost nothing', () => {
  const {machine, trees} = followed();
  trees.look();
  machine.isMute = true;
  trees.look();
  expect(counts(trees)).toEqual([1, 1]);
  trees.forget('a');
  expect(trees.use('a')).toBeUndefined();
});

test('a look says whether anything is different, and what is used stays the same object as long as nothing is', () => {
  const {machine, trees} = followed();
  expect(trees.look()).toBe(true);
  const use = trees.use('a');
  machine.put(10);
  expect(trees.look()).toBe(false);
  expect(trees.use('a')).toBe(use);
  machine.put(10, {cpuMs: 10});
  expect(trees.look()).toBe(true);
  expect(trees.use('a')).toMatchObject({cpuMs: 10});
  machine.put(11, {parent: 10});
  expect(trees.look()).toBe(true);
  machine.lines.delete(11);
  expect(trees.look()).toBe(true);
  expect(trees.look()).toBe(false);
  expect(trees.use('a')?.processes).toBe(1);
});

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

test('those that were started before their parent was made nicer are made so too', async () => {
  const trees = new ProcessTrees();
  const script = `
    const {spawn} = require('node:child_process');
    spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {stdio: 'ignore'});
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['-e', script], {detached: true, stdio: 'ignore'});
  children.push(child);
  trees.follow('real', child.pid!);
  await until('both are seen', () => {
    trees.look();
    return trees.use('real')?.processes === 2;
  });
  trees.makeNice('real', 9);
  const niceness = execFileSync('ps', ['-o', 'nice=', '-g', String(child.pid)], {encoding: 'utf8'});
  expect(niceness.trim().split(/\s+/)).toEqual(['9', '9']);
  trees.signal('real', 'SIGKILL');
});

test('real processes: memory, time and children, and signals reach all of them', async () => {
  const trees = new ProcessTrees();
  const script = `
    const {spawn} = require('node:child_process');
    spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {detached: true, stdio: 'ignore'});
    globalThis.kept = Buffer.alloc(60 * 1024 * 1024, 1);
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['-e', script], {detached: true, stdio: 'ignore'});
  children.push(child);
  trees.follow('real', child.pid!);
  const use = await until('both are seen', () => {
    trees.look();
    const seen = trees.use('real');
    return seen?.processes === 2 && seen.rssBytes > 90 * 1024 * 1024 ? seen : undefined;
  });
  expect(use.cpuMs).toBeGreaterThan(0);
  expect(use.rssBytes).toBeLessThan(400 * 1024 * 1024);
  expect(trees.signal('real', 'SIGSTOP')).toBe(2);
  await until('both are stopped', () => {
    trees.look();
    return trees.use('real')?.state === 'stopped';
  });
  expect(trees.signal('real', 'SIGSTOP', ['T'])).toBe(0);
  trees.signal('real', 'SIGKILL');
  await until('both are gone', () => {
    trees.look();
    return trees.use('real')?.processes === 0;
  });
});

test.each([
  [
    '  42     1    42 S      0:01.25   2048  5',
    {pid: 42, parent: 1, groupId: 42, state: 'S', cpuMs: 1250, rssBytes: 2_097_152, nice: 5},
  ],
  ['7 1 7 U+ 01:02:03 1', {state: 'D', cpuMs: 3_723_000}],
  ['7 1 7 Rs 2-00:00:01 1', {state: 'R', cpuMs: 172_801_000}],
])('reads a line of ps: %s', (line, expected) => {
  expect(parsePsLine(line)).toMatchObject(expected);
});

test('what is no line of ps is none', () => {
  expect(parsePsLine('')).toBeNull();
});

test.each(['sleep', 'a name) with 7 -1 (in it'])('reads a line of /proc as it is meant: %s', name => {
  const fields = Array.from({length: 49}, (_, index) => index);
  // tpgid and nice are those that can be negative.
  const line = `77 (${name}) S ${fields.map(field => (field === 4 || field === 15 ? -field : field)).join(' ')}\n`;
  const {state, groupId, startTime} = parseStat(line);
  expect(parseStatLine(77, Buffer.from(line, 'latin1'), 1000)).toEqual({
    pid: 77,
    parent: 0,
    groupId,
    state,
    startTime: Number(startTime),
    cpuMs: (10 + 11 + 12 + 13) * 10,
    rssBytes: 20_000,
    nice: -15,
  });
});
