import {once} from 'node:events';
import {connect} from 'node:net';
import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {sleep} from '../../src/base/clock.ts';
import type {TeamResult} from '../../src/cli/team-result.ts';
import {Rig} from '../rig/rig.ts';
import {processesOf} from '../rig/rig-processes.ts';
import {until} from '../rig/until.ts';
import {startCli} from './cli-process.ts';

let rig: Rig;

beforeAll(async () => {
  rig = await Rig.create({env: {GODEL_KILL_GRACE: '1s'}});
  rig.writePlan('version: 1\nname: twin\ntasks: {a: {run: "echo run >> runs"}}\n');
  writeFileSync(
    join(rig.folder, 'long.yaml'),
    'version: 1\nname: long\ntasks: {a: {run: "sleep 600"}, b: {run: "sleep 600"}}\n',
  );
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
});

const spawnTwin = (...more: string[]) => rig.godel(['team', 'spawn', '--count', '1', '--plan', 'godel.yaml', ...more]);
const spawnLong = (...more: string[]) =>
  rig.godel(['team', 'spawn', '--count', '2', '--plan', 'long.yaml', '--detach', '--json', ...more]);

function resultOf({stdout}: {stdout: string}): TeamResult {
  return JSON.parse(stdout) as TeamResult;
}

function hostsAndDaemons(): readonly string[] {
  return processesOf(rig.root).map(({command}) => command);
}

test('the same spawn twice, also at once, makes two teams; a name that was chosen is refused twice', async () => {
  const answers = await Promise.all([spawnTwin('--json'), spawnTwin('--json')]);
  expect(answers.map(answer => resultOf(answer).team).sort()).toEqual(['twin', 'twin-2']);
  expect(resultOf(await spawnTwin('--json')).team).toBe('twin-3');
  expect(readFileSync(join(rig.folder, 'runs'), 'utf8')).toBe('run\n'.repeat(3));

  const named = await Promise.all([spawnTwin('--name', 'chosen'), spawnTwin('--name', 'chosen')]);
  expect(named.map(({code}) => code).sort()).toEqual([0, 2]);
  const refused = named.find(({code}) => code === 2);
  expect(refused?.stderr).toMatch(
    /^godel: There is already a team "chosen" \(\w+\)\. Choose another --name, or remove it with `godel team rm chosen`\.\n$/,
  );
  expect(readFileSync(join(rig.folder, 'runs'), 'utf8')).toBe('run\n'.repeat(4));
});

test('rm while running is refused; two kills at once both say that it is ended; afterwards it is so', async () => {
  expect((await spawnLong()).code).toBe(0);
  const early = await rig.godel(['team', 'rm', 'long']);
  expect(early).toMatchObject({
    code: 2,
    stdout: '',
    stderr: 'godel: Team "long" is running. End it first with `godel team kill long`.\n',
  });
  const waiting = rig.godel(['team', 'wait', 'long', '--json']);
  const kills = await Promise.all([rig.godel(['team', 'kill', 'long']), rig.godel(['team', 'kill', '--all'])]);
  const ended = 'Team long is ended (killed); nothing of it runs any more.\n';
  for (const kill of kills) expect(kill).toMatchObject({code: 0, stderr: ''});
  for (const {stdout} of kills)
    expect([ended, 'Team long was over already (killed).\n', 'No team is running.\n']).toContain(stdout);
  expect(kills.map(({stdout}) => stdout)).toContain(ended);
  expect(hostsAndDaemons().filter(command => command.includes('sleep'))).toEqual([]);
  // Who waited and who comes late hear the same.
  for (const answer of [await waiting, await rig.godel(['team', 'wait', 'long', '--json'])]) {
    expect({code: answer.code, ...resultOf(answer)}).toMatchObject({
      code: 1,
      team: 'long',
      state: 'killed',
      tasks: {total: 2, cancelled: 2, succeeded: 0},
    });
  }

  const again = await rig.godel(['team', 'kill', 'long']);
  expect(again).toMatchObject({code: 0, stdout: 'Team long was over already (killed).\n', stderr: ''});
  expect(await rig.godel(['team', 'kill', 'twin'])).toMatchObject({
    code: 0,
    stdout: 'Team twin was over already (succeeded).\n',
  });
  expect(await rig.godel(['team', 'kill', '--all'])).toMatchObject({code: 0, stdout: 'No team is running.\n'});

  const removed = await Promise.all([rig.godel(['team', 'rm', 'long']), rig.godel(['team', 'rm', 'long'])]);
  expect(removed.map(({code}) => code).sort()).toEqual([0, 2]);
  expect(removed.find(({code}) => code === 2)?.stderr).toContain('There is no team "long"');
  expect(resultOf(await spawnLong()).team).toBe('long');
  expect((await rig.godel(['team', 'kill', 'long'])).code).toBe(0);
});

test('a daemon is started once, stopped once, and never under a team unless told to', async () => {
  expect((await rig.godel(['daemon', 'stop'])).code).toBe(0);
  const none = await rig.godel(['daemon', 'status']);
  expect(none).toMatchObject({code: 5, stdout: ''});
  expect(none.stderr).toBe(
    'godel: The daemon cannot be reached: No daemon is running for this project. `godel daemon start` starts it; every team command does so by itself.\n',
  );
  expect(await rig.godel(['daemon', 'stop'])).toMatchObject({code: 0, stdout: 'No daemon is running here.\n'});

  const started = await Promise.all([
    rig.godel(['daemon', 'start', '--json']),
    rig.godel(['daemon', 'start', '--json']),
  ]);
  const pids = started.map(({stdout}) => (JSON.parse(stdout) as {pid: number}).pid);
  expect(new Set(pids)).toEqual(new Set([rig.daemonPid()]));

  const {team} = resultOf(await spawnLong());
  const refused = await rig.godel(['daemon', 'stop']);
  expect(refused).toMatchObject({code: 2, stdout: ''});
  expect(refused.stderr).toBe(`godel: Team "${team}" is running. End it first with \`godel team kill ${team}\`.\n`);
  const forced = await Promise.all([
    rig.godel(['daemon', 'stop', '--force']),
    rig.godel(['daemon', 'stop', '--force']),
  ]);
  for (const {code} of forced) expect(code).toBe(0);
  expect(forced.map(({stdout}) => stdout).join('')).toContain(`has stopped. Ended with it: ${team}.`);
  expect(hostsAndDaemons()).toEqual([]);
  expect((await rig.godel(['team', 'list'])).stdout).toMatch(new RegExp(`^${team}\\s+killed`, 'm'));
});

test('a daemon that is stopped by force stays so, though commands are waiting for its teams', async () => {
  const team = 'watched';
  const spawned = startCli(rig, ['team', 'spawn', '--count', '2', '--plan', 'long.yaml', '--name', team]);
  await until('it runs', () => spawned.said().includes(team));
  const wait = startCli(rig, ['team', 'wait', team]);
  await until('it is waited for', () => wait.said().includes(team));
  expect((await rig.godel(['daemon', 'stop', '--force'])).code).toBe(0);
  for (const {result} of [spawned, wait]) {
    expect(await result).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^Team watched killed after/m) as string,
    });
  }
  expect(hostsAndDaemons()).toEqual([]);
});

test('a spawn while the daemon stops is done, on the old daemon or a new one, or refused and not done', async () => {
  const runs = join(rig.folder, 'runs');
  const ranBefore = readFileSync(runs, 'utf8').length / 4;
  let done = 0;
  for (const leadMs of [0, 60, 120]) {
    expect((await rig.godel(['daemon', 'start'])).code).toBe(0);
    // At several moments of its end, which no condition could tell from outside.
    const spawns = [spawnTwin(), sleep(leadMs).then(() => spawnTwin())];
    await sleep(100);
    const stop = await rig.godel(['daemon', 'stop']);
    // Refused where the team was there first.
    expect([0, 2]).toContain(stop.code);
    for (const {code, stderr} of await Promise.all(spawns)) {
      if (code === 0) done += 1;
      else expect({code, stderr}).toEqual({code: 5, stderr: expect.stringMatching(/Run the command again|Try again/)});
    }
  }
  expect(readFileSync(runs, 'utf8').length / 4).toBe(ranBefore + done);
  await until('at most one daemon is left', () => {
    return hostsAndDaemons().filter(command => command.includes('daemon.js')).length <= 1;
  });
});

test('a program that is connected and asks nothing does not keep a daemon from ending', async () => {
  expect((await rig.godel(['daemon', 'start'])).code).toBe(0);
  const idler = connect(rig.client().options.socket);
  await once(idler, 'connect');
  const ended = once(idler, 'close');
  // Sent last, so that the daemon has accepted the connection when it is told to end.
  expect((await rig.godel(['daemon', 'stop'])).code).toBe(0);
  await ended;
  expect(hostsAndDaemons()).toEqual([]);
});
