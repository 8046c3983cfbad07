import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {Rig} from '../rig/rig.ts';
import {processesOf} from '../rig/rig-processes.ts';
import {until} from '../rig/until.ts';

/** Says when it runs while an earlier one of it still does; one that is dead and only not collected yet does not. */
const ALONE = [
  'case "$(cat "/proc/$(cat pid || echo none)/stat" 2>/dev/null)" in ""|*") Z "*) ;; *) cat "/proc/$(cat pid)/stat" >> overlap ;; esac',
  'echo $$ > pid',
  'echo x >> ran',
].join('; ');

function timesRun(rig: Rig): number {
  const file = join(rig.folder, 'ran');
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 1 : 0;
}

test('a host that is stopped is ended, and its task runs elsewhere, when nothing of it is left', async () => {
  await using rig = await Rig.create({env: {GODEL_KILL_GRACE: '500ms'}});
  const run = `${ALONE}; while ! test -e go; do sleep 0.05; done`;
  const {team} = await rig.spawn({plan: {version: 1, tasks: {a: {run}}}, count: 1});
  await until('it runs', () => timesRun(rig) === 1);
  const host = processesOf(rig.root).find(({command}) => command.includes('--host-id'));
  if (!host) throw new Error('there is no host');
  process.kill(host.pid, 'SIGSTOP');
  await until('it runs elsewhere', () => timesRun(rig) === 2, {withinMs: 40_000});
  writeFileSync(join(rig.folder, 'go'), '');
  expect(await rig.waitFor(team)).toMatchObject({state: 'succeeded', attempts: 2});
  expect(existsSync(join(rig.folder, 'overlap'))).toBe(false);
});

test('an attempt that does nothing for longer than it may is stopped, and its task goes again', async () => {
  await using rig = await Rig.create({env: {GODEL_KILL_GRACE: '500ms'}});
  const run = `${ALONE}; test "$(wc -l < ran)" -gt 1 || sleep 600`;
  const {team} = await rig.spawn({plan: {version: 1, tasks: {a: {run, silence: '2s'}}}, count: 2});
  expect(await rig.waitFor(team)).toMatchObject({state: 'succeeded', attempts: 2});
  expect(existsSync(join(rig.folder, 'overlap'))).toBe(false);
});
