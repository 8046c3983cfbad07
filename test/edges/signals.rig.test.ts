import {spawn} from 'node:child_process';
import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, beforeAll, expect, test} from 'vitest';
import type {TeamResult} from '../../src/cli/team-result.ts';
import {Rig} from '../rig/rig.ts';
import {processesOf} from '../rig/rig-processes.ts';
import {until} from '../rig/until.ts';
import {PROGRAM, startCli} from './cli-process.ts';

let rig: Rig;

beforeAll(async () => {
  rig = await Rig.create({env: {GODEL_KILL_GRACE: '1s'}});
  for (const name of ['stubborn', 'patient'])
    writeFileSync(join(rig.folder, `${name}.json`), JSON.stringify(plans[name]));
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
});

const plans: Record<string, unknown> = {
  // Only SIGKILL ends it, and one child has left its session.
  stubborn: {
    version: 1,
    tasks: {
      a: {run: "trap '' TERM INT; setsid sleep 600 & echo ready > ready-$GODEL_TEAM; while :; do sleep 0.05; done"},
    },
  },
  patient: {
    version: 1,
    tasks: {a: {run: 'echo ready > ready-$GODEL_TEAM; while ! test -e go; do sleep 0.05; done; echo done'}},
  },
};

function started(team: string): Promise<true> {
  return until(`${team} is at work`, () => existsSync(join(rig.folder, `ready-${team}`)));
}

function tasksLeft(): readonly string[] {
  return processesOf(rig.root).flatMap(({command}) => (/\bnode\b/.test(command) ? [] : [command]));
}

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s without a terminal ends the team, then exits with %i', async (signal, code) => {
  const name = `by-${signal}`;
  const cli = startCli(rig, ['team', 'spawn', '--count', '2', '--plan', 'stubborn.json', '--name', name, '--json']);
  await started(name);
  process.kill(cli.pid, signal);
  const result = await cli.result;
  expect({...result, stdout: JSON.parse(result.stdout) as TeamResult}).toMatchObject({
    code,
    signal: null,
    stdout: {v: 1, team: name, state: 'killed', tasks: {total: 1, cancelled: 1}},
    stderr: expect.stringContaining(`Ending team ${name}…\n`) as string,
  });
  expect(tasksLeft()).toEqual([]);
});

test('a second Ctrl-C does not wait for the end, which comes all the same', async () => {
  const cli = startCli(rig, ['team', 'spawn', '--count', '1', '--plan', 'stubborn.json', '--name', 'hurried']);
  await started('hurried');
  process.kill(cli.pid, 'SIGINT');
  await until('it says that it ends the team', () => cli.said().includes('Ending team hurried…'));
  process.kill(cli.pid, 'SIGINT');
  expect(await cli.result).toMatchObject({code: 130, signal: null});
  const waited = await rig.godel(['team', 'wait', 'hurried', '--json']);
  expect({code: waited.code, ...(JSON.parse(waited.stdout) as TeamResult)}).toMatchObject({code: 1, state: 'killed'});
  expect(tasksLeft()).toEqual([]);
});

test('a team whose command line is killed goes on to its end; those that only wait leave it alone', async () => {
  const cli = startCli(rig, ['team', 'spawn', '--count', '1', '--plan', 'patient.json', '--name', 'orphan']);
  await started('orphan');
  process.kill(cli.pid, 'SIGKILL');
  expect(await cli.result).toMatchObject({code: null, signal: 'SIGKILL'});

  const waits = (['SIGINT', 'SIGTERM'] as const).map(signal => ({
    signal,
    wait: startCli(rig, ['team', 'wait', 'orphan']),
  }));
  for (const {signal, wait} of waits) {
    await until('it waits', () => wait.said().includes('orphan'));
    process.kill(wait.pid, signal);
    const {code, stdout, stderr} = await wait.result;
    expect({code, stdout}).toEqual({code: signal === 'SIGINT' ? 130 : 143, stdout: ''});
    expect(stderr).toContain('Team orphan goes on.');
  }
  writeFileSync(join(rig.folder, 'go'), '');
  const waited = await rig.godel(['team', 'wait', 'orphan', '--json']);
  expect({code: waited.code, ...(JSON.parse(waited.stdout) as TeamResult)}).toMatchObject({
    code: 0,
    team: 'orphan',
    state: 'succeeded',
    attempts: 1,
  });
});

test('a reader that goes away early is no error', async () => {
  writeFileSync(join(rig.folder, 'chatty.json'), JSON.stringify({version: 1, tasks: {a: {run: 'seq 200000'}}}));
  const args = ['team', 'spawn', '--count', '1', '--plan', 'chatty.json', '--name', 'chatty'];
  expect((await rig.godel(args)).code).toBe(0);
  for (const command of [
    'team logs chatty a',
    'team list',
    'team status chatty',
    'team status chatty --json',
    '--help',
    'team logs chatty a --follow',
  ]) {
    const shell = spawn(
      'bash',
      ['-c', `"${process.execPath}" "${PROGRAM}" ${command} 2> errors | head -1 > first; exit \${PIPESTATUS[0]}`],
      {
        cwd: rig.folder,
        env: rig.env,
      },
    );
    const code = await new Promise(resolve => shell.once('close', resolve));
    expect({command, code, errors: readFileSync(join(rig.folder, 'errors'), 'utf8')}).toEqual({
      command,
      code: 0,
      errors: '',
    });
    expect(readFileSync(join(rig.folder, 'first'), 'utf8')).not.toBe('');
  }
});
