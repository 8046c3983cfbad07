import {existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {ApiClient} from '../../src/api/client.ts';
import {secretsFile} from '../../src/project/project-paths.ts';
import {Rig} from '../rig/rig.ts';
import {processesOf} from '../rig/rig-processes.ts';
import {until} from '../rig/until.ts';

const AUDIT = {
  version: 1,
  env: {LEVEL: 'strict'},
  tasks: {
    list: {run: 'printf "a\\nb c\\n\\$(touch pwned)\\n"', outputs: 'lines'},
    check: {
      needs: ['list'],
      foreach: '${{ tasks.list.output }}',
      run: 'echo "$LEVEL:$GODEL_ITEM"',
      outputs: 'text',
    },
    report: {needs: ['check'], run: 'cat "$GODEL_INPUTS"/check/* | sort > report.txt; echo "$GODEL_NEEDS"'},
  },
};

test('a plan with a fan-out runs to its end, and its files are where they belong', async () => {
  await using rig = await Rig.create();
  const team = await rig.spawn({plan: AUDIT});
  const view = await rig.waitFor(team.team);
  expect(view).toMatchObject({state: 'succeeded', outcome: 'ok', tasks: {total: 5, succeeded: 5}, failures: []});
  expect(readFileSync(join(rig.folder, 'report.txt'), 'utf8')).toBe('strict:$(touch pwned)\nstrict:a\nstrict:b c\n');
  expect(existsSync(join(rig.folder, 'pwned'))).toBe(false);

  const client = rig.client();
  const log = await client.log(team.team, {task: 'report'});
  const needs = {check: {state: 'succeeded', total: 3, succeeded: 3, failed: 0}};
  expect(log.ok && JSON.parse(Buffer.from(log.value.data).toString())).toEqual(needs);
  expect(log).toMatchObject({value: {over: true}});
  expect(await client.log(team.team, {task: 'reprot'})).toMatchObject({
    failure: {reason: 'task-not-found', similar: ['report']},
  });
  expect(statSync(join(rig.folder, '.godel')).mode & 0o777).toBe(0o700);
});

test('twenty commands at once start one daemon', async () => {
  await using rig = await Rig.create();
  const started = await Promise.all(Array.from({length: 20}, () => rig.godel(['daemon', 'start'])));
  expect(started.map(({code, stderr}) => (code === 0 ? 0 : stderr))).toEqual(Array.from({length: 20}, () => 0));
  expect(processesOf(rig.root).map(({pid}) => pid)).toEqual([rig.daemonPid()]);
  expect(rig.log().match(/the daemon is ready/g)).toHaveLength(1);
});

test('why a daemon cannot start comes back to whoever starts it', async () => {
  await using rig = await Rig.create();
  mkdirSync(rig.paths.godelFolder);
  writeFileSync(rig.paths.storeFile, 'this is no database, whatever its name says. '.repeat(100));
  expect(await rig.launch()).toMatchObject({ok: false, failure: {reason: 'store-unusable', path: rig.paths.storeFile}});
  await until('it has ended', () => processesOf(rig.root).length === 0);
  expect(existsSync(rig.paths.startLock)).toBe(false);
});

test('a team whose secrets a reboot has taken goes on, and the daemon says what is missing', async () => {
  await using rig = await Rig.create();
  const go = join(rig.folder, 'go');
  const run = `while ! test -e ${go}; do sleep 0.05; done`;
  const env = {...rig.env, MY_TOKEN: 'hunter2'};
  const {team, teamId} = await rig.spawn({plan: {version: 1, tasks: {a: {run}}}, env});
  await until('the task runs', async () => {
    const view = await rig.client().team(team);
    return view.ok && view.value.tasks.running === 1;
  });
  rmSync(secretsFile(rig.paths, teamId));
  process.kill(rig.daemonPid()!, 'SIGKILL');
  await until('it is dead', () => rig.daemonPid() === null);
  const daemon = await rig.client().daemon();
  expect(daemon.ok && daemon.value.warnings.join()).toContain(`Team ${team} goes on without MY_TOKEN`);
  writeFileSync(go, '');
  expect(await rig.waitFor(team)).toMatchObject({state: 'succeeded'});
});

test('a daemon that is killed amid a plan is replaced by its host, and every task succeeds once', async () => {
  await using rig = await Rig.create();
  const runs = join(rig.folder, 'runs');
  const plan = {
    version: 1,
    tasks: {
      list: {run: 'seq 40', outputs: 'lines'},
      each: {needs: ['list'], foreach: '${{ tasks.list.output }}', run: `echo $GODEL_ITEM >> ${runs}; sleep 0.2`},
    },
  };
  const {team} = await rig.spawn({plan, count: 4});
  await until('some tasks have run', () => existsSync(runs) && readFileSync(runs, 'utf8').split('\n').length > 8);
  const first = rig.daemonPid()!;
  process.kill(first, 'SIGKILL');
  // No client is there that could start it.
  const second = await until('a host has started a new daemon', () => {
    const pid = rig.daemonPid();
    return pid !== first && pid;
  });
  expect(await rig.waitFor(team)).toMatchObject({state: 'succeeded', tasks: {succeeded: 41}});
  const ran = readFileSync(runs, 'utf8').trim().split('\n').map(Number);
  expect(ran.sort((a, b) => a - b)).toEqual(Array.from({length: 40}, (_, index) => index + 1));
  expect(rig.daemonPid()).toBe(second);
});

test('what a killed daemon has left behind does not hinder the next one', async () => {
  await using rig = await Rig.create();
  expect((await rig.client().daemon()).ok).toBe(true);
  const {socket, startLock} = rig.paths;
  const first = rig.daemonPid()!;
  process.kill(first, 'SIGKILL');
  await until('it is dead', () => rig.daemonPid() === null);
  expect(existsSync(socket)).toBe(true);
  const owner = {pid: first, startTime: '1', bootId: 'b'};
  writeFileSync(startLock, JSON.stringify({owner, nonce: 'n'}));
  expect(await rig.client().daemon()).toMatchObject({ok: true});
  expect(rig.daemonPid()).not.toBe(first);
  expect(existsSync(startLock)).toBe(false);
});

test('a project path of 200 characters with spaces and umlauts works', async () => {
  const projectName = join('x y ü', 'p'.repeat(100), 'q'.repeat(80));
  await using rig = await Rig.create({projectName});
  const {team} = await rig.spawn({plan: {version: 1, tasks: {a: {run: 'pwd > out'}}}});
  expect(await rig.waitFor(team)).toMatchObject({state: 'succeeded'});
  expect(readFileSync(join(rig.folder, 'out'), 'utf8')).toBe(`${rig.folder}\n`);
});

test('two projects have two daemons, and one does not answer for the other', async () => {
  await using one = await Rig.create();
  await using other = await Rig.create();
  expect((await one.client().daemon()).ok).toBe(true);
  expect((await other.client().daemon()).ok).toBe(true);
  expect(one.daemonPid()).not.toBe(other.daemonPid());
  const mistaken = new ApiClient({...one.client().options, socket: other.paths.socket});
  expect(await mistaken.daemon()).toMatchObject({
    ok: false,
    failure: {reason: 'daemon-unreachable', detail: expect.stringContaining(other.folder) as string},
  });
});

test('each team has the environment, folder and umask of whoever spawned it, and secrets are in no file', async () => {
  await using rig = await Rig.create();
  const cwd = join(rig.folder, 'sub');
  mkdirSync(cwd);
  const env = {...rig.env, COLOUR: 'blue', MY_TOKEN: 'hunter2-is-secret'};
  const plan = {version: 1, tasks: {a: {run: 'echo "$COLOUR $MY_TOKEN $(umask) $PWD" > seen'}}};
  const {team} = await rig.spawn({plan, cwd, env, umask: 0o027});
  expect(await rig.waitFor(team)).toMatchObject({state: 'succeeded'});
  expect(readFileSync(join(cwd, 'seen'), 'utf8')).toBe(`blue hunter2-is-secret 0027 ${cwd}\n`);
  expect(statSync(join(cwd, 'seen')).mode & 0o777).toBe(0o640);
  for (const file of ['store.db', 'store.db-wal', 'daemon.log']) {
    const path = join(rig.folder, '.godel', file);
    if (existsSync(path)) expect(readFileSync(path, 'latin1')).not.toContain('hunter2-is-secret');
  }
});

test('a stopped daemon is named with its pid, its state and what to do', async () => {
  await using rig = await Rig.create();
  expect((await rig.client().daemon()).ok).toBe(true);
  const pid = rig.daemonPid()!;
  process.kill(pid, 'SIGSTOP');
  const answer = await rig.client().teams();
  expect(answer).toMatchObject({ok: false, failure: {reason: 'daemon-unreachable'}});
  expect(JSON.stringify(answer)).toContain(`${pid} is stopped (state T)`);
  expect(JSON.stringify(answer)).toContain(`kill -CONT ${pid}`);
  process.kill(pid, 'SIGCONT');
  expect(await rig.client().teams()).toEqual({ok: true, value: []});
});

test('SIGTERM ends the daemon and leaves the work running; the next daemon takes it over', async () => {
  await using rig = await Rig.create();
  const go = join(rig.folder, 'go');
  const plan = {version: 1, tasks: {a: {run: `while ! test -e ${go}; do sleep 0.05; done`}}};
  const {team} = await rig.spawn({plan, count: 1});
  await until('the task runs', async () => {
    const view = await rig.client().team(team);
    return view.ok && view.value.tasks.running === 1;
  });
  const first = rig.daemonPid()!;
  process.kill(first, 'SIGTERM');
  await until('it has ended', () => !processesOf(rig.root).some(({pid}) => pid === first));
  writeFileSync(go, '');
  const view = await rig.waitFor(team);
  expect(view).toMatchObject({state: 'succeeded', attempts: 1});
});

test('a team that is asked for while the daemon ends is run by the next one', async () => {
  await using rig = await Rig.create({env: {GODEL_KILL_GRACE: '500ms'}});
  const stubborn = {run: "trap '' TERM; touch ready; sleep 600 & wait; wait; sleep 600"};
  const {team} = await rig.spawn({plan: {version: 1, tasks: {stubborn}}, count: 1});
  await until('it runs', () => existsSync(join(rig.folder, 'ready')));
  const first = rig.daemonPid();
  const stopped = rig.client().stopDaemon({force: true});
  await until('it is being ended', async () => {
    const view = await rig.client().team(team);
    return view.ok && view.value.state === 'draining';
  });
  await rig.spawn({name: 'late', plan: {version: 1, tasks: {a: {run: 'touch done'}}}, count: 1});
  expect(await stopped).toEqual({ok: true, value: [team]});
  // Nobody asks again: a question would start a daemon and hide that there was none.
  await until('the late team has run', () => existsSync(join(rig.folder, 'done')));
  expect(rig.daemonPid()).not.toBe(first);
});

test('an environment that no program could be started with is refused', async () => {
  await using rig = await Rig.create();
  const large = Object.fromEntries(Array.from({length: 200}, (_, index) => [`V${index}`, 'x'.repeat(100_000)]));
  const spawned = await rig.client().spawn({count: 1, cwd: rig.folder, umask: 0o022, env: {...rig.env, ...large}});
  expect(spawned).toMatchObject({ok: false, failure: {reason: 'out-of-range'}});
});

test('stopping the daemon is refused while a team runs, unless the team is to end with it', async () => {
  await using rig = await Rig.create();
  const {team} = await rig.spawn({plan: {version: 1, tasks: {a: {run: 'sleep 600'}}}, count: 1});
  const client = rig.client();
  expect(await client.stopDaemon({force: false})).toMatchObject({failure: {reason: 'team-active', name: team}});
  expect(await client.stopDaemon({force: true})).toEqual({ok: true, value: [team]});
  await until('nothing is left', () => processesOf(rig.root).length === 0);
  expect(existsSync(rig.paths.socket)).toBe(false);
  expect(await rig.client().team(team)).toMatchObject({ok: true, value: {state: 'killed'}});
});

test('a daemon that nobody uses ends with its hosts', async () => {
  await using rig = await Rig.create({env: {GODEL_IDLE_SHUTDOWN: '1s'}});
  const {team} = await rig.spawn({plan: {version: 1, tasks: {a: {run: 'true'}}}});
  expect(await rig.waitFor(team)).toMatchObject({state: 'succeeded'});
  await until('nothing is left', () => processesOf(rig.root).length === 0);
});

test('a removed team is forgotten with its files', async () => {
  await using rig = await Rig.create();
  const {team, teamId} = await rig.spawn({plan: {version: 1, tasks: {a: {run: 'echo hi', outputs: 'text'}}}});
  await rig.waitFor(team);
  const folder = join(rig.folder, '.godel', 'teams', String(teamId));
  expect(readFileSync(join(folder, 'outputs', 'a.txt'), 'utf8')).toBe('hi\n');
  expect(await rig.client().remove(team)).toMatchObject({ok: true});
  expect(existsSync(folder)).toBe(false);
  expect(await rig.client().team(team)).toMatchObject({ok: false, failure: {reason: 'team-not-found'}});
});
