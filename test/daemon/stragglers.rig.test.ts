import {execFileSync} from 'node:child_process';
import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import type {AttemptRow} from '../../src/model/row.ts';
import {Rig} from '../rig/rig.ts';
import {until} from '../rig/until.ts';

const linesOf = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : []);

async function attemptsAt(rig: Rig, team: string, task: string): Promise<readonly AttemptRow[]> {
  const attempts = await rig.client().attempts(team, task);
  if (!attempts.ok) throw new Error(attempts.failure.reason);
  return attempts.value;
}

async function outputOf(rig: Rig, team: string, task: string): Promise<string> {
  const output = await rig.client().output(team, {task});
  if (!output.ok) throw new Error(output.failure.reason);
  return Buffer.from(output.value.data).toString();
}

async function eventsOf(rig: Rig, team: string, type: string) {
  const events = await rig.client().events(team, {limit: 10_000});
  if (!events.ok) throw new Error(events.failure.reason);
  return events.value.flatMap(({body}) => (body.type === type ? [body] : []));
}

test('a task that hangs at its first attempt is done by a second one, long before its timeout, and nothing is left of the first', async () => {
  await using rig = await Rig.create();
  const run = [
    'echo "$ITEM $GODEL_ATTEMPT" >> ran',
    'if [ "$ITEM-$GODEL_ATTEMPT" = 13-1 ]; then sleep 900; fi',
    'sleep 0.3; echo "$GODEL_ATTEMPT"',
  ].join('\n');
  const items = Array.from({length: 20}, (_, index) => index + 1);
  const each = {
    foreach: items,
    run,
    env: {ITEM: '${{ item }}'},
    outputs: 'text',
    idempotent: true,
    timeout: '10m',
  };
  const collect = {needs: 'each', run: 'cat "$GODEL_INPUTS"/each/* | sort | uniq -c', outputs: 'text'};
  const {team} = await rig.spawn({plan: {version: 1, tasks: {each, collect}}, count: 6});
  const view = await rig.waitFor(team);
  expect(view).toMatchObject({state: 'succeeded', retries: 0, tasks: {total: 21, succeeded: 21}});
  // On a machine with much else to do another one may be held up for so long that it gets a second attempt as well.
  expect(view.attempts - 22).toBeLessThanOrEqual(3);
  const ran = linesOf(join(rig.folder, 'ran'));
  expect(ran.filter(line => line.endsWith(' 1')).toSorted()).toEqual(items.map(item => `${item} 1`).toSorted());
  expect(ran.filter(line => line.startsWith('13 '))).toEqual(['13 1', '13 2']);
  const [first, second, ...others] = await attemptsAt(rig, team, 'each[13]');
  expect(others).toEqual([]);
  expect(first).toMatchObject({number: 1, outcome: {result: {failure: {reason: 'stopped', by: 'lost-race'}}}});
  expect(second).toMatchObject({number: 2, twinOf: first?.id, outcome: {result: {ok: true}, outputBytes: 2}});
  expect(second?.agentId).not.toBe(first?.agentId);
  expect(await outputOf(rig, team, 'each[13]')).toBe('2\n');
  const collected = (await outputOf(rig, team, 'collect'))
    .trim()
    .split('\n')
    .map(line => Number(line.trim().split(' ')[0]));
  expect(collected.reduce((sum, times) => sum + times)).toBe(20);
  const speculated = await eventsOf(rig, team, 'attempt-speculated');
  expect(speculated).toContainEqual(
    expect.objectContaining({task: 'each[13]', attempt: second?.id, twinOf: first?.id}),
  );
  const told = await rig.godel(['team', 'explain', team, 'each[13]']);
  expect(told.stdout).toMatch(/A second attempt was started: the first had run for [\d.]+ ?m?s, longer than /);
});

test('of two that end at the same moment the one that is recorded is the one whose output is there', async () => {
  await using rig = await Rig.create();
  const quick = {foreach: [1, 2, 3, 4, 5], run: 'go() { :; }; go', idempotent: true};
  const items = Array.from({length: 8}, (_, index) => index + 1);
  // The first five show what such tasks take, and the others wait for a word.
  const run =
    'if [ "$ITEM" -gt 5 ]; then echo x >> waiting; while ! test -e go; do sleep 0.02; done; fi; echo "$GODEL_ATTEMPT"';
  const race = {foreach: items, run, env: {ITEM: '${{ item }}'}, outputs: 'lines', idempotent: true, needs: 'quick'};
  const {team} = await rig.spawn({plan: {version: 1, tasks: {quick, race}}, count: 24});
  await until('all have two attempts', () => linesOf(join(rig.folder, 'waiting')).length === 6, {withinMs: 30_000});
  writeFileSync(join(rig.folder, 'go'), '');
  expect(await rig.waitFor(team)).toMatchObject({state: 'succeeded', retries: 0, tasks: {succeeded: 13}});
  for (const item of [6, 7, 8]) {
    const attempts = await attemptsAt(rig, team, `race[${item}]`);
    expect(attempts).toHaveLength(2);
    const won = attempts.filter(({outcome}) => outcome?.result.ok);
    expect(won).toHaveLength(1);
    expect(await outputOf(rig, team, `race[${item}]`)).toBe(`${won[0]?.number}\n`);
  }
});

test('a daemon that was killed goes on with both, and what has lost is ended', async () => {
  await using rig = await Rig.create();
  const run =
    'if [ "$ITEM" = 6 ]; then echo "$GODEL_ATTEMPT" >> at; while ! test -e "go-$GODEL_ATTEMPT"; do sleep 0.05; done; fi';
  const items = [1, 2, 3, 4, 5, 6];
  const each = {foreach: items, run, env: {ITEM: '${{ item }}'}, idempotent: true};
  const {team} = await rig.spawn({plan: {version: 1, tasks: {each}}, count: 4});
  await until('both are at it', () => linesOf(join(rig.folder, 'at')).length === 2, {withinMs: 30_000});
  process.kill(rig.daemonPid() ?? 0, 'SIGKILL');
  await until('the daemon is gone', () => rig.daemonPid() === null);
  writeFileSync(join(rig.folder, 'go-1'), '');
  await rig.client().teams();
  expect(await rig.waitFor(team)).toMatchObject({state: 'succeeded', attempts: 7, retries: 0});
  const [first, second] = await attemptsAt(rig, team, 'each[6]');
  expect(first).toMatchObject({outcome: {result: {ok: true}}});
  expect(second).toMatchObject({outcome: {result: {failure: {by: 'lost-race'}}}});
});

test('of two with a worktree each only the change of the winner is merged, and that of the loser is kept in its ref', async () => {
  await using rig = await Rig.create({git: true});
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', ...args], {
      cwd: rig.folder,
      env: rig.env,
      encoding: 'utf8',
    });
  git('commit', '--quiet', '--allow-empty', '-m', 'begin');
  const run = 'echo "$GODEL_ATTEMPT" > "made-$ITEM"; if [ "$ITEM-$GODEL_ATTEMPT" = 6-1 ]; then sleep 900; fi';
  const each = {foreach: [1, 2, 3, 4, 5, 6], run, env: {ITEM: '${{ item }}'}, workspace: 'worktree'};
  const {team} = await rig.spawn({plan: {version: 1, tasks: {each}}, count: 6});
  const view = await rig.waitFor(team);
  expect(view).toMatchObject({state: 'succeeded', attempts: 7, retries: 0});
  const [first, second] = await attemptsAt(rig, team, 'each[6]');
  expect(first).toMatchObject({outcome: {result: {failure: {by: 'lost-race'}}}});
  const branch = view.repository?.branch ?? '';
  expect(git('show', `${branch}:made-6`)).toBe('2\n');
  expect(git('show', `${branch}:made-1`)).toBe('1\n');
  const ref = first?.outcome?.work?.ref ?? 'none';
  expect(git('show', `${ref}:made-6`)).toBe('1\n');
  expect(ref).not.toBe(second?.outcome?.work?.ref);
});
