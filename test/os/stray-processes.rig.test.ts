import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {afterEach, expect, test} from 'vitest';
import {identityOf, processState} from '../../src/os/process-identity.ts';
import {cookieIn, cookieOf, endStrays, findByCookie, mayHaveEnvironment} from '../../src/os/stray-processes.ts';

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

const cookie = cookieOf(`test-${process.pid}`, 7);

/** Runs a script that says `ready` when it is set up. */
async function start(script: string, env: Record<string, string> = {GODEL_COOKIE: cookie}): Promise<ChildProcess> {
  const child = spawn('sh', ['-c', script], {
    env: {PATH: process.env['PATH'], ...env},
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  await once(child.stdout, 'data');
  return child;
}

test('finds the cookie wherever it stands in the environment, and no other variable that ends like it', () => {
  expect(cookieIn('GODEL_COOKIE=a.1\0PATH=/bin\0')).toBe('a.1');
  expect(cookieIn('PATH=/bin\0GODEL_COOKIE=a.1\0')).toBe('a.1');
  expect(cookieIn('X=\0GODEL_COOKIE=a.1')).toBe('a.1');
  expect(cookieIn('MY_GODEL_COOKIE=a.1\0')).toBeNull();
  expect(cookieIn('')).toBeNull();
});

test('ends processes that have left for a session of their own, and leaves others alone', async () => {
  await start('setsid sleep 100 & setsid sleep 100 & echo ready');
  const other = await start('echo ready; exec sleep 100', {GODEL_COOKIE: `${cookie}0`});
  expect(findByCookie(new Set([cookie])).length).toBeGreaterThanOrEqual(2);
  const {ended, left} = await endStrays({cookies: new Set([cookie]), graceMs: 2000});
  expect(left).toEqual([]);
  expect(ended).toBeGreaterThanOrEqual(2);
  expect(findByCookie(new Set([cookie]))).toEqual([]);
  expect(identityOf(other.pid!)).not.toBeNull();
});

test('kills what ignores SIGTERM, after the grace', async () => {
  const child = await start("trap '' TERM; echo ready; while :; do sleep 1; done");
  const started = performance.now();
  expect((await endStrays({cookies: new Set([cookie]), graceMs: 150})).left).toEqual([]);
  expect(performance.now() - started).toBeGreaterThanOrEqual(150);
  expect(identityOf(child.pid!)).toBeNull();
});

test('a stopped process can be asked to end', async () => {
  const child = await start('echo ready; exec sleep 100');
  child.kill('SIGSTOP');
  while (processState(child.pid!) !== 'T') await new Promise(resolve => setImmediate(resolve));
  expect((await endStrays({cookies: new Set([cookie]), graceMs: 5000})).left).toEqual([]);
});

test('a zombie counts as dead', async () => {
  // `sleep` takes the place of the shell and never collects the child that the shell had.
  const parent = spawn('sh', ['-c', 'sleep 0.01 & echo $!; exec sleep 100'], {stdio: ['ignore', 'pipe', 'inherit']});
  children.push(parent);
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const pid = Number(line.toString());
  while (processState(pid) !== 'Z') await new Promise(resolve => setImmediate(resolve));
  expect(identityOf(pid)).toBeNull();
});

test('finds what is just being started, however the moment is chosen', async () => {
  for (let round = 0; round < 150; round += 1) {
    const own = new Set([`${cookie}.${round}`]);
    const child = spawn('bash', ['-c', 'setsid sleep 100 & exit 0'], {
      env: {PATH: process.env['PATH'], GODEL_COOKIE: `${cookie}.${round}`},
      stdio: 'ignore',
    });
    await once(child, 'exit');
    await endStrays({cookies: own, graceMs: 2000});
    const left = findByCookie(own);
    for (const {pid} of left) process.kill(pid, 'SIGKILL');
    expect(left, `round ${round}`).toEqual([]);
  }
}, 180_000);

test('an empty environment says something only of a program that has been started', () => {
  const line = (startOfCode: number, environment: readonly [number, number], state = 'R', flags = 4_194_304) =>
    `7 (a b) c) ${state} 1 7 7 0 -1 ${flags} ${'0 '.repeat(16)}${startOfCode} ${'0 '.repeat(23)}${environment.join(' ')} 0`;
  expect(mayHaveEnvironment(line(0, [0, 0])), 'memory taken, nothing filled in').toBe(true);
  expect(mayHaveEnvironment(line(0, [9, 9])), 'the environment is being laid out').toBe(true);
  expect(mayHaveEnvironment(line(5, [9, 12])), 'started since it was read').toBe(true);
  expect(mayHaveEnvironment(line(5, [9, 9])), 'it really has none').toBe(false);
  expect(mayHaveEnvironment(line(1, [0, 0])), 'not ours to look at').toBe(false);
  expect(mayHaveEnvironment(line(0, [0, 0], 'Z')), 'dead').toBe(false);
  expect(mayHaveEnvironment(line(0, [0, 0], 'S', 2_097_152)), 'of the kernel').toBe(false);
});
