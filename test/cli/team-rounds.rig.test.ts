import {execFileSync} from 'node:child_process';
import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import type {TeamView} from '../../src/model/team-view.ts';
import {Rig} from '../rig/rig.ts';
import {until} from '../rig/until.ts';

/** `flaky` fails until there is a file called `mended`; what runs is noted. */
const PLAN = `
version: 1
name: rounds
defaults: {retries: 0}
tasks:
  good: {run: 'echo good >> ran'}
  flaky: {run: 'echo flaky >> ran; test -e mended'}
  after: {needs: [flaky], run: 'echo after >> ran'}
  picky: {run: 'echo "picky $API_TOKEN" >> ran; test -e mended'}
`;

const ran = (rig: Rig) =>
  existsSync(join(rig.folder, 'ran')) ? readFileSync(join(rig.folder, 'ran'), 'utf8').trimEnd().split('\n') : [];

const counts = (stdout: string) => (JSON.parse(stdout) as {tasks: TeamView['tasks']}).tasks;

async function failedOnce(rig: Rig): Promise<void> {
  const args = ['team', 'spawn', '--count', '2', '--plan', rig.writePlan(PLAN), '--json'];
  const {code, stdout, stderr} = await rig.godel(args, {env: {API_TOKEN: 'one'}});
  expect(code, stderr).toBe(1);
  expect(counts(stdout)).toMatchObject({succeeded: 1, failed: 2, skipped: 1});
}

test('retry runs again what failed, of a team that is over, with the secrets of its caller, and nothing that succeeded', async () => {
  await using rig = await Rig.create();
  await failedOnce(rig);
  writeFileSync(join(rig.folder, 'mended'), '');
  const again = await rig.godel(['team', 'retry', '--json'], {env: {API_TOKEN: 'two'}});
  expect(again.code, again.stderr).toBe(0);
  expect(counts(again.stdout)).toMatchObject({total: 4, succeeded: 4, failed: 0, skipped: 0});
  expect(ran(rig).toSorted()).toEqual(['after', 'flaky', 'flaky', 'good', 'picky one', 'picky two']);
  const nothing = await rig.godel(['team', 'retry', 'rounds']);
  expect(nothing.code).toBe(2);
  expect(nothing.stderr).toMatch(/godel: /);
});

test('retry of named tasks runs these, a team left out by name is found, and --detach returns at once', async () => {
  await using rig = await Rig.create();
  await failedOnce(rig);
  writeFileSync(join(rig.folder, 'mended'), '');
  const detached = await rig.godel(['team', 'retry', 'flaky', '--detach']);
  expect(detached.code, detached.stderr).toBe(0);
  expect(detached.stdout).toMatch(/^Team rounds is at work again: .* Follow it with `godel team status rounds`/);
  const view = await rig.waitFor('rounds');
  expect(view).toMatchObject({state: 'failed', tasks: {failed: 1}});
  expect(ran(rig).filter(line => line.startsWith('picky'))).toHaveLength(1);
  expect(ran(rig).filter(line => line === 'flaky')).toHaveLength(2);
  const wrong = await rig.godel(['team', 'retry', 'rounds', 'flakey']);
  expect(wrong).toMatchObject({code: 2, stderr: expect.stringContaining('flaky')});
  expect((await rig.godel(['team', 'retry', 'rounds', 'flaky', '--all'])).code).toBe(2);
});

test('retry fails by its exit code when what it ran fails again, also after the daemon was killed', async () => {
  await using rig = await Rig.create();
  await failedOnce(rig);
  process.kill(rig.daemonPid() ?? 0, 'SIGKILL');
  await until('the daemon is gone', () => rig.daemonPid() === null);
  const again = await rig.godel(['team', 'retry', '--json']);
  expect(again.code, again.stderr).toBe(1);
  expect(counts(again.stdout)).toMatchObject({succeeded: 1, failed: 2, skipped: 1});
  expect(ran(rig).filter(line => line === 'good')).toHaveLength(1);
});

test('an idle team takes one plan after the other, with the variables of its caller, and says how each went', async () => {
  await using rig = await Rig.create();
  await rig.godel(['team', 'spawn', '--count', '2', '--name', 'workers']);
  writeFileSync(
    join(rig.folder, 'one.yaml'),
    'version: 1\nenv: {LEVEL: strict}\ntasks: {a: {run: \'echo "$LEVEL $REGION" >> ran\'}}\n',
  );
  writeFileSync(join(rig.folder, 'two.yaml'), 'version: 1\ndefaults: {retries: 0}\ntasks: {a: {run: exit 3}}\n');
  const first = await rig.godel(['team', 'run', '--plan', 'one.yaml', '--json'], {env: {REGION: 'eu'}});
  expect(first.code, first.stderr).toBe(0);
  expect(JSON.parse(first.stdout)).toMatchObject({team: 'workers', state: 'idle', tasks: {total: 1, succeeded: 1}});
  expect(ran(rig)).toEqual(['strict eu']);
  const second = await rig.godel(['team', 'run', 'workers', '--plan', 'two.yaml', '--json']);
  expect(second.code, second.stderr).toBe(1);
  expect(counts(second.stdout)).toMatchObject({total: 2, succeeded: 1, failed: 1});
  const third = await rig.godel(['team', 'run', 'workers', '--each', 'echo {} >> ran'], {input: 'x\ny\n'});
  expect(third.code, third.stderr).toBe(0);
  expect(ran(rig).toSorted()).toEqual(['strict eu', 'x', 'y']);
  expect((await rig.godel(['team', 'run', 'workers'])).stderr).toContain('a plan is missing');
  await rig.godel(['team', 'pause', 'workers']);
  const paused = await rig.godel(['team', 'run', 'workers', '--plan', 'one.yaml', '--detach']);
  expect(paused.stderr).toContain(
    'Team workers is paused, so nothing of it starts: `godel team resume workers` lets it go on.',
  );
});

test('a plan with worktrees makes a repository of the place where an idle team works, and merges there', async () => {
  await using rig = await Rig.create({git: true});
  const git = (...args: string[]) => execFileSync('git', args, {cwd: rig.folder, env: rig.env, encoding: 'utf8'});
  await rig.godel(['team', 'spawn', '--count', '2', '--name', 'workers']);
  rig.writePlan("version: 1\ntasks: {one: {run: 'echo one > one', workspace: worktree}}\n");
  const first = await rig.godel(['team', 'run', '--plan', 'godel.yaml', '--json']);
  expect(first.code, first.stderr).toBe(0);
  expect(git('show', 'godel/workers:one')).toBe('one\n');
  process.kill(rig.daemonPid() ?? 0, 'SIGKILL');
  await until('the daemon is gone', () => rig.daemonPid() === null);
  rig.writePlan("version: 1\ntasks: {two: {run: 'cat one one > two', workspace: worktree}}\n");
  const second = await rig.godel(['team', 'run', '--plan', 'godel.yaml', '--json']);
  expect(second.code, second.stderr).toBe(0);
  expect(git('show', 'godel/workers:two')).toBe('one\none\n');
});

test('where there is no repository a plan with worktrees is refused with what to do', async () => {
  await using rig = await Rig.create();
  await rig.godel(['team', 'spawn', '--count', '1', '--name', 'workers']);
  rig.writePlan("version: 1\ntasks: {one: {run: 'true', workspace: worktree}}\n");
  const refused = await rig.godel(['team', 'run', '--plan', 'godel.yaml']);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toMatch(/git init/);
});

test('what a plan says of the team is done, or said not to be with its place', async () => {
  await using rig = await Rig.create();
  await rig.godel(['team', 'spawn', '--count', '2', '--name', 'workers', '--budget', '5']);
  const tasks = "tasks: {one: {run: 'true'}}\n";
  rig.writePlan(`version: 1\nstrategy: peak-ewma\nautoscale: {min: 1, max: 3}\nagents: {coder: {count: 7}}\n${tasks}`);
  const run = await rig.godel(['team', 'run', '--plan', 'godel.yaml']);
  expect(run.code, run.stderr).toBe(0);
  expect(`${run.stdout}${run.stderr}`).toMatch(/godel\.yaml:4: `agents` are for a team that is spawned/);
  expect(await rig.client().team('workers')).toMatchObject({
    value: {settings: {strategy: {name: 'peak-ewma'}, autoscale: {min: 1, max: 3}}},
  });
  rig.writePlan(`version: 1\nbudget: 9\n${tasks}`);
  const refused = await rig.godel(['team', 'run', '--plan', 'godel.yaml']);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toMatch(/godel\.yaml:2: `budget` is not the one that team workers has/);
  expect(refused.stderr).toContain('godel team resume workers --budget USD');
  rig.writePlan(`version: 1\nbudget: 5\n${tasks}`);
  expect(await rig.godel(['team', 'run', '--plan', 'godel.yaml'])).toMatchObject({code: 0});
});

test('a team that is at work takes no other plan', async () => {
  await using rig = await Rig.create();
  rig.writePlan('version: 1\nname: long\ntasks: {a: {run: sleep 600}}\n');
  await rig.godel(['team', 'spawn', '--count', '1', '--plan', 'godel.yaml', '--detach']);
  const refused = await rig.godel(['team', 'run', 'long', '--plan', 'godel.yaml']);
  expect(refused).toMatchObject({code: 2, stderr: expect.stringContaining('godel team wait long')});
});

test('wait returns when a team that takes one plan after the other has done its plan, and says by its code how that went', async () => {
  await using rig = await Rig.create();
  await rig.godel(['team', 'spawn', '--count', '1', '--name', 'workers']);
  const plan = (name: string, run: string) =>
    writeFileSync(join(rig.folder, name), `version: 1\ndefaults: {retries: 0}\ntasks: {a: {run: ${run}}}\n`);
  plan('good.yaml', 'sleep 0.5');
  plan('bad.yaml', 'exit 3');
  await rig.godel(['team', 'run', '--plan', 'good.yaml', '--detach']);
  const good = await rig.godel(['team', 'wait', '--json']);
  expect(good.code, good.stderr).toBe(0);
  expect(counts(good.stdout)).toMatchObject({total: 1, succeeded: 1});
  const second = await rig.godel(['team', 'run', '--plan', 'bad.yaml', '--detach']);
  expect(second.stdout).toContain('has the plan (1 task)');
  expect((await rig.godel(['team', 'wait', '--json'])).code).toBe(1);
});
