import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {Rig} from '../rig/rig.ts';
import {until} from '../rig/until.ts';

const PLAN = `
version: 1
name: bounded
limits: {output: 1MiB}
tasks:
  loud: {run: "head -c 2000000 /dev/zero | tr '\\\\0' x; until test -e go; do sleep 0.05; done"}
  gate: {run: 'until test -e next; do sleep 0.05; done'}
  late: {needs: [gate], run: 'true'}
`;

const GROUPS = `
version: 1
name: timed
agents:
  runner: {count: 2, timeout: 1s, limits: {output: 1MiB}}
defaults: {timeout: 1h, limits: {output: 1GiB}}
tasks:
  slow: {run: 'sleep 60'}
  patient: {run: 'sleep 1.5', timeout: 1m}
  loud: {run: "head -c 2000000 /dev/zero | tr '\\\\0' x; sleep 60", timeout: 1m}
`;

async function spawn(rig: Rig, plan: string, ...args: string[]): Promise<void> {
  const {code, stderr} = await rig.godel(['team', 'spawn', '--plan', rig.writePlan(plan), '--detach', ...args]);
  expect(code, stderr).toBe(0);
}

test('a team whose attempts use too much together starts nothing new until they do not, and says so', async () => {
  await using rig = await Rig.create();
  await spawn(rig, PLAN, '--count', '2');
  const told = async () => {
    const events = await rig.client().events('bounded', {limit: 1000});
    if (!events.ok) throw new Error(events.failure.reason);
    return events.value.flatMap(({body}) => (body.type === 'waiting-for-capacity' ? [body.why] : []));
  };
  const why = 'its attempts to use less: they may have printed 1 MiB together (`limits` of the plan)';
  await until('it is over its limit', async () => (await told()).includes(why));
  writeFileSync(join(rig.folder, 'next'), '');
  const view = async () => {
    const answer = await rig.client().team('bounded');
    if (!answer.ok) throw new Error(answer.failure.reason);
    return answer.value;
  };
  await until('the gate is open', async () => (await view()).tasks.succeeded === 1);
  expect(await view()).toMatchObject({waiting: [{why, tasks: 1}], tasks: {running: 1, ready: 1}});
  expect((await rig.godel(['team', 'explain', 'bounded', 'late'])).stdout).toContain(why);
  writeFileSync(join(rig.folder, 'go'), '');
  expect((await rig.waitFor('bounded')).tasks).toMatchObject({succeeded: 3});
});

test('what a group of agents is held to goes over the defaults of the plan, and under what a task says', async () => {
  await using rig = await Rig.create();
  await spawn(rig, GROUPS);
  const {failures, tasks} = await rig.waitFor('timed');
  expect(tasks).toMatchObject({succeeded: 1, failed: 2});
  expect(Object.fromEntries(failures.map(({task, failure}) => [task, failure.reason]))).toEqual({
    slow: 'timed-out',
    loud: 'output-too-large',
  });
});
