import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, expect, test} from 'vitest';
import {type VerifyOptions, verifyRunner} from '../../src/daemon/verify-merge.ts';
import {COOKIE_VARIABLE, findByCookie} from '../../src/os/stray-processes.ts';
import {until} from '../rig/until.ts';

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'godel-verify-')));
});
afterEach(() => rmSync(folder, {recursive: true, force: true}));

const cookie = () => `${folder}.merge`;
const never = new AbortController().signal;
const runner = (script: string, options: Partial<VerifyOptions> = {}) =>
  verifyRunner({
    script,
    env: {PATH: process.env['PATH'] ?? '', COLOUR: 'red'},
    prefix: '',
    timeoutMs: null,
    umask: 0o022,
    cookie: cookie(),
    graceMs: 2000,
    ...options,
  });

test('it runs in the folder with the environment of the team, and answers with exit code and the end of the output', async () => {
  mkdirSync(join(folder, 'packages/app'), {recursive: true});
  const verify = runner('echo "$COLOUR in $PWD"; echo why >&2; exit 3', {prefix: 'packages/app/'});
  const verdict = await verify(folder, never);
  expect(verdict).toMatchObject({ok: false, exitCode: 3});
  expect(verdict.tail.split('\n').toSorted()).toEqual([`red in ${folder}/packages/app`, 'why']);
  expect(await runner('true')(folder, never)).toEqual({ok: true, exitCode: 0, tail: ''});
  const {tail} = await runner('seq 1 100000')(folder, never);
  expect(tail.endsWith('\n100000')).toBe(true);
  expect(tail.length).toBeLessThanOrEqual(4096);
});

test('a command or a folder that is not there fails the verify', async () => {
  expect(await runner('no-such-command-anywhere')(folder, never)).toMatchObject({ok: false, exitCode: 127});
  expect(await runner('true', {prefix: 'gone/'})(folder, never)).toMatchObject({ok: false, exitCode: null});
});

test('what it leaves running is ended before it answers', async () => {
  const verdict = await runner('setsid sleep 300 & echo $! > pid; exit 0')(folder, never);
  expect(verdict.ok).toBe(true);
  expect(findByCookie(new Set([cookie()]))).toEqual([]);
});

test('it is ended when its time is up', async () => {
  const verdict = await runner('echo begun; sleep 300', {timeoutMs: 200})(folder, never);
  expect(verdict).toEqual({ok: false, exitCode: null, tail: 'begun\nit ran longer than 200 ms and was stopped'});
});

test('it is ended with all of its processes when nobody wants its answer, and blames nobody', async () => {
  const ending = new AbortController();
  const verdict = runner('sleep 300 & touch begun; wait')(folder, ending.signal);
  await until('it has begun', () => existsSync(join(folder, 'begun')));
  ending.abort(new Error('closing'));
  await expect(verdict).rejects.toThrow('closing');
  expect(findByCookie(new Set([cookie()]))).toEqual([]);
});

test('what a killed daemon has left running is ended before anything is run', async () => {
  const left = spawn('sleep', ['300'], {env: {...process.env, [COOKIE_VARIABLE]: cookie()}, detached: true});
  await once(left, 'spawn');
  const ended = once(left, 'exit');
  await runner('echo run > ran')(folder, never);
  expect(await ended).toEqual([null, 'SIGKILL']);
  expect(readFileSync(join(folder, 'ran'), 'utf8')).toBe('run\n');
});
