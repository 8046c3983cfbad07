import {chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {isOlder, versionIn} from '../../src/runtimes/agent-version.ts';
import {askProgram} from '../../src/runtimes/ask-program.ts';
import {findProgram} from '../../src/runtimes/find-program.ts';
import {until} from '../rig/until.ts';
import {temporaryFolder} from './run-agent.ts';

const ENV = {PATH: process.env['PATH'] ?? ''};

function program(folder: string, name: string, script: string, mode = 0o755): string {
  const file = join(folder, name);
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, mode);
  return file;
}

test('the first program of the name on PATH is found, past what is none', async () => {
  const [a, b, c] = [temporaryFolder('a'), temporaryFolder('b'), temporaryFolder('c')];
  mkdirSync(join(a, 'agent'));
  program(b, 'agent', 'true', 0o644);
  const file = program(c, 'agent', 'true');
  expect(await findProgram('agent', `${a}:${b}::${c}`)).toBe(file);
  expect(await findProgram(file, undefined)).toBe(file);
});

test('a folder of PATH that depends on where one stands is passed over', async () => {
  expect(existsSync('bin/godel.js')).toBe(true);
  expect(await findProgram('godel.js', 'bin:./bin:.')).toBeNull();
  expect(await findProgram('bin/godel.js', process.cwd())).toBeNull();
});

test('a program is asked with its output and exit code', async () => {
  const file = program(temporaryFolder('p'), 'agent', 'echo "agent 1.2.3"; echo oops >&2; exit 4');
  const value = {exitCode: 4, stdout: 'agent 1.2.3\n', stderr: 'oops\n'};
  expect(await askProgram(file, [], {env: ENV})).toEqual({ok: true, value});
});

test('one that takes too long is ended with all it has started', async () => {
  const folder = temporaryFolder('p');
  const file = program(folder, 'agent', `sleep 100 & echo $! > ${folder}/child; wait`);
  const answer = await askProgram(file, [], {env: ENV, limitMs: 300});
  expect(answer).toMatchObject({ok: false, failure: expect.stringContaining('no answer within 0.3 s') as string});
  const child = Number(readFileSync(join(folder, 'child'), 'utf8'));
  await until('the child is gone', () => !isAlive(child));
});

test('one that cannot be started says so', async () => {
  expect(await askProgram('/nonexistent/agent', [], {env: ENV})).toMatchObject({ok: false});
});

test.each([
  ['2.1.328 (Claude Code)', '2.1.328'],
  ['codex-cli 0.169.0', '0.169.0'],
  ['v1.2', '1.2'],
  ['pi 1.0.0-beta.2\n', '1.0.0-beta.2'],
  ['no version', null],
])('the version in %j is %j', (text, version) => {
  expect(versionIn(text)).toBe(version);
});

test.each([
  ['2.1.0', '2.1.0', false],
  ['2.0.99', '2.1.0', true],
  ['2.10.0', '2.9.0', false],
  ['1.2', '1.2.1', true],
])('%s is older than %s: %s', (version, than, older) => {
  expect(isOlder(version, than)).toBe(older);
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
