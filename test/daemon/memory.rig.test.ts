import {execFileSync} from 'node:child_process';
import {existsSync, readdirSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import type {GivenMemory} from '../../src/model/memory.ts';
import {Rig} from '../rig/rig.ts';
import {until} from '../rig/until.ts';

async function outputOf(rig: Rig, team: string, task: string): Promise<string> {
  const output = await rig.client().output(team, {task});
  if (!output.ok) throw new Error(output.failure.reason);
  return Buffer.from(output.value.data).toString();
}

/** What the attempt found in the file. */
async function givenTo(rig: Rig, team: string, task: string): Promise<readonly GivenMemory[]> {
  return JSON.parse(await outputOf(rig, team, task)) as readonly GivenMemory[];
}

const SHOW = 'stat -c %a "$GODEL_MEMORIES" >> modes; cat "$GODEL_MEMORIES"';
const build = {run: 'echo "the parser needs make -j2, $API_TOKEN"; exit 3', 'continue-on-error': true};
const show = {needs: 'build', if: 'always()', run: `: build the parser again with make; ${SHOW}`, outputs: 'text'};

test('a command finds in GODEL_MEMORIES what another has learned before it, without secrets', async () => {
  await using rig = await Rig.create({env: {GODEL_MEMORY_WAIT: '10s'}});
  const env = {...rig.env, API_TOKEN: 'hunter2-hunter2'};
  const {team} = await rig.spawn({plan: {version: 1, name: 'first', tasks: {build, show}}, env});
  expect(await rig.waitFor(team)).toMatchObject({state: 'succeeded'});
  const [learned, ...others] = await givenTo(rig, team, 'show');
  expect(others).toEqual([]);
  expect(learned).toMatchObject({success: false, reward: 0, tags: ['command', 'first']});
  expect(learned?.task).toMatch(/^build: echo "the parser/);
  expect(learned?.output).toBe('the parser needs make -j2, ***');
  expect(learned?.critique).toMatch(/exited with code 3/);
  // Another team of another daemon finds what both have left.
  await rig.client().stopDaemon({force: true});
  const next = await rig.spawn({plan: {version: 1, name: 'second', tasks: {show: {run: show.run, outputs: 'text'}}}});
  await rig.waitFor(next.team);
  const given = await givenTo(rig, next.team, 'show');
  expect(given.map(({task, success}) => [task.split(':')[0], success]).toSorted()).toEqual([
    ['build', false],
    ['show', true],
  ]);
  expect(execFileSync('sort', ['-u', join(rig.folder, 'modes')]).toString()).toBe('600\n');
  expect(statSync(rig.paths.memoryFile).mode & 0o077).toBe(0);
  const left = readdirSync(rig.paths.teamsFolder, {recursive: true}).filter(name => String(name).includes('memories'));
  expect(left).toEqual([]);
});

test('with --no-memory, `memory: off` in the plan or in the configuration nothing is given and nothing is kept', async () => {
  await using rig = await Rig.create({env: {GODEL_MEMORIES: '/of/another/godel'}});
  const unset = {run: 'echo "${GODEL_MEMORIES-unset}" > found', outputs: 'text'};
  const plan = {version: 1, tasks: {unset}};
  const found = () => execFileSync('cat', [join(rig.folder, 'found')]).toString();
  const file = rig.writePlan(JSON.stringify(plan));
  expect(await rig.godel(['team', 'spawn', '--count', '1', '--plan', file, '--no-memory'])).toMatchObject({code: 0});
  expect(found()).toBe('unset\n');
  const planned = await rig.spawn({plan: {...plan, memory: 'off'}});
  await rig.waitFor(planned.team);
  expect(found()).toBe('unset\n');
  expect(existsSync(rig.paths.memoryFile)).toBe(false);
  await rig.client().stopDaemon({force: true});
  writeFileSync(join(rig.folder, 'godel.config.yaml'), 'memory: off\n');
  const configured = await rig.spawn({plan});
  await rig.waitFor(configured.team);
  expect(found()).toBe('unset\n');
  expect(existsSync(rig.paths.memoryFile)).toBe(false);
  const asked = await rig.spawn({plan, memory: 'on'});
  await rig.waitFor(asked.team);
  expect(found()).toMatch(/\.memories\.json\n$/);
  // A team that is given more to do does with memory as that says.
  const {team} = await rig.spawn({memory: 'on', count: 1});
  expect(await rig.client().run(team, {plan: {...plan, memory: 'off'}, env: rig.env})).toMatchObject({ok: true});
  await until('it has run', () => found() === 'unset\n');
});

test('a memory that cannot be opened keeps nobody from working: the file is an empty list', async () => {
  await using rig = await Rig.create();
  const first = await rig.spawn({plan: {version: 1, tasks: {one: {run: 'true'}}}, memory: 'off'});
  await rig.waitFor(first.team);
  writeFileSync(rig.paths.memoryFile, 'no database'.repeat(1000));
  const {team} = await rig.spawn({plan: {version: 1, tasks: {build, show}}});
  expect(await rig.waitFor(team)).toMatchObject({state: 'succeeded'});
  expect(await givenTo(rig, team, 'show')).toEqual([]);
  expect(rig.log()).toContain('the memory cannot be opened');
});

test('what an attempt learns is kept though the daemon was killed while it was at work', async () => {
  await using rig = await Rig.create({env: {GODEL_MEMORY_WAIT: '10s'}});
  const slow = 'touch began; while ! test -e go; do sleep 0.02; done; echo "the compiler is slow"';
  const first = await rig.spawn({plan: {version: 1, name: 'slow', tasks: {slow: {run: slow}}}});
  await until('it is at work', () => existsSync(join(rig.folder, 'began')));
  const pid = rig.daemonPid();
  if (pid === null) throw new Error('no daemon');
  process.kill(pid, 'SIGKILL');
  await until('another one is there', () => rig.daemonPid() !== null && rig.daemonPid() !== pid);
  writeFileSync(join(rig.folder, 'go'), '');
  expect(await rig.waitFor(first.team)).toMatchObject({state: 'succeeded', attempts: 1});
  const run = `: touch began, is the compiler slow; ${SHOW}`;
  const next = await rig.spawn({plan: {version: 1, tasks: {show: {run, outputs: 'text'}}}});
  await rig.waitFor(next.team);
  expect(await givenTo(rig, next.team, 'show')).toMatchObject([{output: 'the compiler is slow', success: true}]);
});
