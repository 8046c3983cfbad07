import {execFileSync, spawnSync} from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import {dirname, join} from 'node:path';
import {expect, test} from 'vitest';
import type {TeamResult} from '../../src/cli/team-result.ts';
import {Rig} from '../rig/rig.ts';
import {processesOf} from '../rig/rig-processes.ts';
import {until} from '../rig/until.ts';
import {PROGRAM} from './cli-process.ts';

/** A file system of its own for the rig's `.godel`, gone at the end of the block. */
class SmallDisk implements AsyncDisposable {
  readonly #rig: Rig;
  readonly #folder: string;

  constructor(rig: Rig, size: string) {
    this.#rig = rig;
    const folder = rig.paths.godelFolder;
    this.#folder = folder;
    mkdirSync(folder, {recursive: true, mode: 0o700});
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=700`, 'tmpfs', folder]);
  }

  /** Leaves not a single block free. */
  fill(): void {
    const {bavail, bsize} = statfsSync(this.#folder);
    spawnSync('dd', ['if=/dev/zero', `of=${this.#ballast}`, `bs=${bsize}`, `count=${bavail + 10}`]);
    expect(statfsSync(this.#folder).bavail).toBe(0);
  }

  free(): void {
    rmSync(this.#ballast);
  }

  get #ballast(): string {
    return join(this.#folder, 'ballast');
  }

  remount(options: string): void {
    execFileSync('mount', ['-o', `remount,${options}`, this.#folder]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#rig.godel(['daemon', 'stop', '--force']);
    // Lazily: should the daemon not have ended, the rig says so, which it cannot while this is mounted.
    execFileSync('umount', ['--lazy', this.#folder]);
  }
}

function canMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  return spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0;
}

function canBeAnother(): boolean {
  return process.platform === 'linux' && spawnSync('setpriv', AS_NOBODY('true')).status === 0;
}

const AS_NOBODY = (...command: string[]) => ['--reuid=65534', '--regid=65534', '--clear-groups', ...command];

interface ErrorValue {
  readonly error: {readonly reason: string};
  readonly text: string;
}

test.runIf(canMount())(
  'a disk that fills up while a team runs costs nothing that was recorded, and the team goes on',
  async () => {
    await using rig = await Rig.create({
      env: {GODEL_MIN_FREE_DISK: '0', GODEL_RETRY_BASE: '100ms', GODEL_RETRY_MAX: '500ms'},
    });
    await using disk = new SmallDisk(rig, '16m');
    const ran = join(rig.folder, 'ran');
    const go = join(rig.folder, 'go');
    const items = Array.from({length: 60}, (_, index) => index);
    const plan = {
      version: 1,
      tasks: {
        work: {foreach: items, run: `echo $GODEL_ITEM >> ${ran}; while ! test -e ${go}; do sleep 0.05; done`},
        end: {needs: ['work'], run: 'echo over'},
      },
    };
    const {team} = await rig.spawn({plan, count: 8});
    await until('eight are at work', () => existsSync(ran) && readFileSync(ran, 'utf8').split('\n').length === 9);
    disk.fill();
    writeFileSync(go, '');
    await until('the daemon says why it stands still', async () => {
      const view = await rig.client().daemon();
      return view.ok && view.value.storeTrouble;
    });
    const status = await rig.godel(['daemon', 'status']);
    expect(status).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/store\s+cannot be written: .*(full|ENOSPC)/) as string,
    });
    const refused = await rig.godel(['team', 'spawn', '--count', '1', '--each', 'true', '--json'], {input: 'x\n'});
    expect(refused.code).toBe(5);
    expect(JSON.parse(refused.stdout)).toMatchObject({error: {reason: 'store-unusable'}});
    const startedWhileFull = readFileSync(ran, 'utf8').split('\n').length;
    expect(startedWhileFull).toBeLessThan(25);

    const pid = rig.daemonPid();
    disk.free();
    const view = await rig.waitFor(team);
    expect(view).toMatchObject({state: 'succeeded', tasks: {total: 61, succeeded: 61}});
    const numbers = readFileSync(ran, 'utf8').trim().split('\n').map(Number);
    expect(numbers.sort((a, b) => a - b)).toEqual(items);
    expect(rig.daemonPid()).toBe(pid);
  },
);

test.runIf(canMount())('a read-only `.godel` is said, and nothing is started', async () => {
  await using rig = await Rig.create();
  await using disk = new SmallDisk(rig, '16m');
  disk.remount('ro');
  rig.writePlan("version: 1\ntasks: {a: {run: 'touch ran'}}\n");
  const {code, stdout, stderr} = await rig.godel(['team', 'spawn', '--count', '1', '--plan', 'godel.yaml']);
  expect({code, stdout}).toEqual({code: 5, stdout: ''});
  expect(stderr).toMatch(
    /^godel: godel cannot work in .*\.godel.*: .*read-only.*\. The file system is read-only: work in a copy of the project that can be written\.\n$/,
  );
  expect(existsSync(join(rig.folder, 'ran'))).toBe(false);
  expect(processesOf(rig.root)).toEqual([]);
});

test.runIf(canBeAnother())(
  'a project that another user runs is refused in one sentence, and stays theirs',
  async () => {
    await using rig = await Rig.create();
    rig.writePlan("version: 1\ntasks: {a: {run: 'true'}}\n");
    const {team} = await rig.spawn({plan: {version: 1, tasks: {a: {run: 'sleep 600'}}}, count: 1});
    const pid = rig.daemonPid();
    chmodSync(rig.root, 0o755);
    const home = join(rig.root, 'home-of-nobody');
    mkdirSync(home);
    chownSync(home, 65534, 65534);
    const godel = (...args: string[]) => {
      const {status, stdout, stderr} = spawnSync('setpriv', AS_NOBODY(process.execPath, PROGRAM, ...args), {
        cwd: rig.folder,
        env: {...rig.env, HOME: home},
        encoding: 'utf8',
      });
      return {code: status, stdout, stderr};
    };
    for (const args of [
      ['team', 'list'],
      ['team', 'status', team],
      ['team', 'kill', team],
      ['team', 'spawn', '--count', '1', '--plan', 'godel.yaml'],
      ['daemon', 'start'],
      ['daemon', 'status'],
      ['daemon', 'stop', '--force'],
      ['daemon', 'logs'],
    ]) {
      const {code, stdout, stderr} = godel(...args);
      expect({args, code, stdout}).toEqual({args, code: 5, stdout: ''});
      expect(stderr).toMatch(/^godel: .*belongs to user 0\. Each project is run by one user: .*\n$/);
    }
    expect(rig.daemonPid()).toBe(pid);
    expect(await rig.client().team(team)).toMatchObject({value: {state: 'running', tasks: {running: 1}}});
  },
);

test('two projects at once have nothing to do with each other', async () => {
  await using one = await Rig.create();
  // Shares the runtime folder, as two projects of one user do.
  await using other = await Rig.create({env: {XDG_RUNTIME_DIR: one.env['XDG_RUNTIME_DIR'] ?? ''}});
  const each = 'for i in 1 2 3; do echo {} "$PWD" >> ran; sleep 0.05; done';
  const answers = await Promise.all(
    [one, other].map(rig =>
      rig.godel(['team', 'spawn', '--count', '4', '--name', 'same', '--each', each, '--json'], {input: 'a\nb\nc\nd\n'}),
    ),
  );
  for (const {code, stdout} of answers) {
    expect({code, ...(JSON.parse(stdout) as TeamResult)}).toMatchObject({code: 0, team: 'same', tasks: {succeeded: 4}});
  }
  for (const rig of [one, other]) {
    const lines = readFileSync(join(rig.folder, 'ran'), 'utf8').trim().split('\n');
    expect(lines).toHaveLength(12);
    for (const line of lines) expect(line).toContain(rig.folder);
  }
  expect(one.daemonPid()).not.toBe(other.daemonPid());
  expect((await one.godel(['daemon', 'stop'])).code).toBe(0);
  expect((await other.godel(['daemon', 'status'])).code).toBe(0);
  expect((await other.godel(['team', 'list'])).stdout).toContain('same');
});

test('a stopped daemon is named with what to do, and after CONT the team goes on', async () => {
  await using rig = await Rig.create();
  const {team} = await rig.spawn({
    plan: {version: 1, tasks: {a: {foreach: [1, 2, 3, 4], run: 'sleep 0.3; echo $GODEL_ITEM >> ran'}}},
    count: 1,
  });
  const pid = rig.daemonPid();
  if (pid === null) throw new Error('there is no daemon');
  process.kill(pid, 'SIGSTOP');
  const answers = await Promise.all([
    rig.godel(['team', 'status', '--plain']),
    rig.godel(['team', 'wait', team]),
    rig.godel(['team', 'kill', team]),
    rig.godel(['team', 'spawn', '--count', '1', '--each', 'true'], {input: 'x\n'}),
    rig.godel(['daemon', 'status']),
    rig.godel(['daemon', 'stop']),
  ]);
  const sentence = `godel: The daemon cannot be reached: Its process ${pid} is stopped (state T) and does not answer. Let it go on with \`kill -CONT ${pid}\`; or end it with \`kill -KILL ${pid}\`, the next command starts a new one that goes on with the teams.\n`;
  for (const {code, stdout, stderr} of answers)
    expect({code, stdout, stderr}).toEqual({code: 5, stdout: '', stderr: sentence});
  process.kill(pid, 'SIGCONT');
  const waited = await rig.godel(['team', 'wait', team, '--json']);
  const result = JSON.parse(waited.stdout) as TeamResult;
  expect({code: waited.code, ...result}).toMatchObject({code: 0, state: 'succeeded', tasks: {total: 4, succeeded: 4}});
  // What was refused is not done behind the back of whoever asked.
  expect(await rig.client().teams()).toMatchObject({ok: true, value: [{team}]});
  expect(rig.daemonPid()).toBe(pid);
});

test('what lies where the socket, the lock or the daemon file belongs is cleared away, or named', async () => {
  await using rig = await Rig.create();
  rig.writePlan("version: 1\ntasks: {a: {run: 'true'}}\n");
  const spawn = () => rig.godel(['team', 'spawn', '--count', '1', '--plan', 'godel.yaml']);
  expect((await spawn()).code).toBe(0);
  expect((await rig.godel(['daemon', 'stop'])).code).toBe(0);
  const {socket, startLock, daemonFile, runtimeFolder} = rig.paths;

  // Rubbish that nobody holds: half a lock, a daemon file without an end, a plain file as socket.
  writeFileSync(startLock, '{"owner": {"pid"');
  writeFileSync(daemonFile, '{"process": {"pid": 1, ');
  writeFileSync(socket, 'not a socket');
  expect(await spawn()).toMatchObject({code: 0, stderr: expect.not.stringContaining('godel:') as string});
  expect((await rig.godel(['daemon', 'stop'])).code).toBe(0);

  // A lock and a daemon file that name a living process which is no daemon.
  const owner = {pid: process.pid, startTime: '1', bootId: 'another boot'};
  writeFileSync(startLock, JSON.stringify({owner, nonce: 'x'}));
  writeFileSync(daemonFile, JSON.stringify({process: owner, version: '0', runtimeFolder, socket, startedAtMs: 0}));
  expect((await spawn()).code).toBe(0);
  expect((await rig.godel(['daemon', 'stop'])).code).toBe(0);

  for (const path of [socket, startLock]) {
    mkdirSync(join(path, 'full'), {recursive: true});
    const {code, stdout, stderr} = await spawn();
    expect({code, stdout}).toEqual({code: 5, stdout: ''});
    expect(stderr).toMatch(/^godel: .*\n$/);
    expect(stderr).toContain(path);
    rmSync(path, {recursive: true});
  }
  rmSync(daemonFile, {force: true});
  mkdirSync(daemonFile);
  const blocked = await spawn();
  expect(blocked).toMatchObject({code: 5, stdout: '', stderr: expect.stringContaining(daemonFile) as string});
  rmSync(daemonFile, {recursive: true});
  expect((await spawn()).code).toBe(0);
  expect(readdirSync(runtimeFolder).filter(name => name.includes('.start'))).toEqual([]);
});

test('a `.godel` or a runtime folder that is a file, or open to others, is named', async () => {
  await using rig = await Rig.create();
  rig.writePlan("version: 1\ntasks: {a: {run: 'true'}}\n");
  const {godelFolder, runtimeFolder} = rig.paths;
  const spawn = async () => {
    const {code, stdout, stderr} = await rig.godel(['team', 'spawn', '--count', '1', '--plan', 'godel.yaml', '--json']);
    return {code, stderr, ...(JSON.parse(stdout) as ErrorValue)};
  };
  writeFileSync(godelFolder, '');
  expect(await spawn()).toMatchObject({
    code: 5,
    error: {reason: 'project-unusable'},
    text: expect.stringContaining(`Move the file that is in the way of ${godelFolder}.`) as string,
  });
  rmSync(godelFolder);
  mkdirSync(dirname(runtimeFolder), {recursive: true});
  writeFileSync(runtimeFolder, '');
  expect(await spawn()).toMatchObject({
    code: 5,
    text: expect.stringContaining(`in the way of ${runtimeFolder}`) as string,
  });
  rmSync(runtimeFolder);
  mkdirSync(runtimeFolder, {mode: 0o700});
  chmodSync(runtimeFolder, 0o777);
  expect(await spawn()).toMatchObject({
    code: 5,
    text: expect.stringContaining('can be entered by others (mode 777)') as string,
  });
  chmodSync(runtimeFolder, 0o700);
  expect(await spawn()).toMatchObject({code: 0, state: 'succeeded'});
});
