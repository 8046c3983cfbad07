import {spawn} from 'node:child_process';
import {expect, test} from 'vitest';
import {isAlive, identityOf} from '../../../src/os/process-identity.ts';
import {Rig} from '../../rig/rig.ts';
import {processesOf} from '../../rig/rig-processes.ts';
import {until} from '../../rig/until.ts';

/** A task that leaves a process in a session of its own, which nothing but its mark still ties to the attempt. */
const PLAN = `
version: 1
name: deep
defaults: {retries: 0}
tasks:
  a: {run: 'setsid sleep 601 & exec sleep 602'}
`;

interface Doctor {
  readonly ok: boolean;
  readonly findings: readonly {readonly what: string; readonly state: string; readonly text: string}[];
  readonly strays: readonly {readonly pid: number; readonly task: string; readonly team: string}[];
  readonly fixed: {readonly ended: number; readonly left: readonly number[]} | null;
}

const sleepersOf = (rig: Rig) => processesOf(rig.root).filter(({command}) => /^sleep 60[12]$/.test(command));

/** A project whose task runs and whose daemon and host have been killed at the same moment. */
async function orphaned(rig: Rig): Promise<readonly number[]> {
  await rig.godel(['team', 'spawn', '--count', '1', '--plan', rig.writePlan(PLAN), '--detach']);
  await until('the task and what it has left run', () => sleepersOf(rig).length === 2);
  for (const {pid, command} of processesOf(rig.root)) {
    if (/dist\/(daemon|host)\.js/.test(command)) process.kill(pid, 'SIGKILL');
  }
  await until('daemon and host are gone', () => !processesOf(rig.root).some(({command}) => command.includes('dist/')));
  return sleepersOf(rig).map(({pid}) => pid);
}

async function doctor(rig: Rig, args: readonly string[] = []): Promise<Doctor> {
  return JSON.parse((await rig.godel(['doctor', '--json', ...args])).stdout) as Doctor;
}

test('doctor finds what a dead host has left, and --fix ends it and nothing of another project', async () => {
  await using rig = await Rig.create({env: {GODEL_KILL_GRACE: '1s'}});
  await using other = await Rig.create({env: {GODEL_KILL_GRACE: '1s'}});
  const mine = await orphaned(rig);
  const theirs = await orphaned(other);
  // Not marked: what the user runs in the project by hand.
  const own = spawn('sleep', ['603'], {cwd: rig.folder, env: rig.env, stdio: 'ignore'});
  const look = await doctor(rig);
  expect(look.strays.map(({pid}) => pid).sort()).toEqual([...mine].sort());
  expect(look.strays).toMatchObject([
    {team: 'deep', task: 'a'},
    {team: 'deep', task: 'a'},
  ]);
  expect(look.findings.find(({what}) => what === 'strays')).toMatchObject({
    state: 'limited',
    text: expect.stringContaining('`godel doctor --fix` ends them'),
  });
  expect(sleepersOf(rig)).toHaveLength(2);

  const fixed = await doctor(rig, ['--fix']);
  expect(fixed.fixed).toEqual({ended: 2, left: []});
  expect(sleepersOf(rig)).toEqual([]);
  expect(sleepersOf(other).map(({pid}) => pid)).toEqual(theirs);
  expect(own.exitCode).toBe(null);
  own.kill('SIGKILL');
  expect((await doctor(rig)).strays).toEqual([]);
  await doctor(other, ['--fix']);
});

test('what a living host runs is no stray, also while its daemon is dead', async () => {
  await using rig = await Rig.create({env: {GODEL_KILL_GRACE: '1s'}});
  await rig.godel(['team', 'spawn', '--count', '1', '--plan', rig.writePlan(PLAN), '--detach']);
  await until('the task runs', () => sleepersOf(rig).length === 2);
  expect((await doctor(rig, ['--fix'])).strays).toEqual([]);
  const daemon = rig.daemonPid() ?? 0;
  process.kill(daemon, 'SIGSTOP');
  expect((await doctor(rig, ['--fix'])).strays).toEqual([]);
  process.kill(daemon, 'SIGCONT');
  expect(sleepersOf(rig)).toHaveLength(2);
});

test('a daemon that starts ends by itself what a dead host has left', async () => {
  await using rig = await Rig.create({env: {GODEL_KILL_GRACE: '1s'}});
  const left = (await orphaned(rig)).flatMap(pid => identityOf(pid) ?? []);
  expect(left).toHaveLength(2);
  expect((await rig.godel(['daemon', 'start'])).code).toBe(0);
  await until('the strays are gone', () => left.every(identity => !isAlive(identity)));
  await until('the task runs again', () => sleepersOf(rig).length === 2);
  expect((await doctor(rig)).strays).toEqual([]);
});

test('doctor says what it looked at, and exits with 1 when something is missing without which nothing runs', async () => {
  await using rig = await Rig.create();
  const fine = await rig.godel(['doctor']);
  expect(fine.code, fine.stdout).toBe(0);
  for (const what of ['node', 'git', 'memory', 'disk', 'limits', 'daemon', 'strays', 'runtimes']) {
    expect(fine.stdout).toMatch(new RegExp(`^(ok|! ) ${what} `, 'm'));
  }
  expect(fine.stdout).toContain('not running; team commands start it');
  const poor = await rig.godel(['doctor', '--set', 'min-free-memory=1TiB']);
  expect(poor.code).toBe(1);
  expect(poor.stdout).toMatch(/^x {2}memory .* nothing starts below/m);
});
