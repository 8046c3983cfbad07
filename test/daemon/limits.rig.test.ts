import {resolve} from 'node:path';
import {expect, test} from 'vitest';
import {Rig} from '../rig/rig.ts';
import {until} from '../rig/until.ts';

const greedy = (megabytes: number) => `${process.execPath} ${resolve('test/host/greedy.mjs')} ${megabytes}`;

test('the limits of a plan hold, a failure says what was used, and others are not touched', async () => {
  await using rig = await Rig.create();
  const plan = {
    version: 1,
    defaults: {limits: {memory: '150MiB'}},
    tasks: {
      greedy: {run: greedy(600)},
      chatty: {run: 'yes', limits: {output: '1MiB'}},
      modest: {run: 'echo fine'},
      nice: {run: 'while [ "$(nice)" != 11 ]; do sleep 0.05; done; nice', limits: {nice: 11}, outputs: 'text'},
      after: {needs: ['nice'], run: 'test "$(cat "$GODEL_INPUTS/nice.txt")" = 11'},
    },
  };
  const {team} = await rig.spawn({count: 4, plan});
  const view = await rig.waitFor(team);
  expect(view).toMatchObject({outcome: 'tasks-failed', tasks: {total: 5, succeeded: 3, failed: 2}});
  const failures = Object.fromEntries(view.failures.map(({task, failure}) => [task, failure]));
  expect(failures).toMatchObject({
    greedy: {reason: 'memory-exceeded', limitBytes: 150 * 1024 * 1024},
    chatty: {reason: 'output-too-large', limitBytes: 1024 * 1024},
  });
  const shown = await rig.godel(['team', 'status', team, '--plain']);
  expect(shown.stdout).toMatch(/used .* MiB of memory together; its limit is 150 MiB/);
});

test('a task that gives no sign of life for longer than its plan allows is hung; one that computes without a word is not', async () => {
  await using rig = await Rig.create();
  const spin = `${process.execPath} -e 'const end = Date.now() + 4000; while (Date.now() < end);'`;
  const plan = {
    version: 1,
    defaults: {silence: '2s'},
    tasks: {quiet: {run: 'echo begun; exec sleep 300'}, busy: {run: spin}},
  };
  const {team} = await rig.spawn({count: 2, plan});
  const client = rig.client();
  const events = await until('both have ended once', async () => {
    const all = await client.events(team);
    const bodies = all.ok ? all.value.map(({body}) => body) : [];
    const ended = bodies.filter(body => body.type === 'attempt-failed' || body.type === 'task-succeeded');
    return new Set(ended.map(({task}) => task)).size === 2 ? ended : undefined;
  });
  expect(events.find(({task}) => task === 'quiet')).toMatchObject({
    type: 'attempt-failed',
    failure: {reason: 'silent', budgetMs: 2000},
  });
  expect(events.filter(({task}) => task === 'busy')).toMatchObject([{type: 'task-succeeded'}]);
  await rig.godel(['team', 'kill', team]);
  await rig.waitFor(team);
});
