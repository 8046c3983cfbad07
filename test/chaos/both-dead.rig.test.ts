import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, it} from 'vitest';
import {Rig} from '../rig/rig.ts';
import {processesOf} from '../rig/rig-processes.ts';
import {until} from '../rig/until.ts';

const PLAN = `
version: 1
name: both
tasks:
  quick: {run: 'echo quick >> ran'}
  slow: {needs: [quick], run: 'echo slow >> ran; exec sleep 600'}
  last: {needs: [slow], run: 'echo last >> ran'}
`;

it('goes on at the next command when daemon and host were killed at the same moment', async () => {
  await using rig = await Rig.create();
  const spawned = await rig.godel(['team', 'spawn', '--count', '2', '--plan', rig.writePlan(PLAN), '--detach']);
  expect(spawned.code).toBe(0);
  const ran = () => (existsSync(join(rig.folder, 'ran')) ? readFileSync(join(rig.folder, 'ran'), 'utf8') : '');
  const sleeper = () => processesOf(rig.root).find(({command}) => command === 'sleep 600')?.pid;
  const orphan = await until('the slow task runs', sleeper);
  const own = processesOf(rig.root).filter(({command}) => /dist\/(daemon|host)\.js/.test(command));
  expect(own).toHaveLength(2);
  for (const {pid} of own) process.kill(pid, 'SIGKILL');
  expect(sleeper()).toBe(orphan);

  const waiting = rig.godel(['team', 'wait', '--json'], {env: {GODEL_KILL_GRACE: '1s'}});
  const next = await until('the task runs again', () => {
    const pid = sleeper();
    return pid === orphan ? null : pid;
  });
  process.kill(next, 'SIGTERM');
  const {code, stdout} = await waiting;
  const result = JSON.parse(stdout) as {tasks: object; attempts: number};
  expect(code).toBe(1);
  expect(result).toMatchObject({tasks: {succeeded: 1, failed: 1, skipped: 1}, attempts: 3});
  expect(ran()).toBe('quick\nslow\nslow\n');
});
