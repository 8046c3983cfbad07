import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import type {AgentView} from '../../src/model/agent-view.ts';
import type {Explanation} from '../../src/model/explanation.ts';
import type {TeamView} from '../../src/model/team-view.ts';
import {processState} from '../../src/os/process-identity.ts';
import {Rig} from '../rig/rig.ts';
import {processesOf} from '../rig/rig-processes.ts';
import {until} from '../rig/until.ts';

/** Tasks that run until a file says that they may end. */
const HELD = `
version: 1
name: held
defaults: {retries: 0}
tasks:
  work: {foreach: [a, b, c, d], run: 'echo "$GODEL_ITEM" >> ran; until test -e go; do sleep 0.05; done'}
  after: {needs: [work], run: 'echo after >> ran'}
`;

async function spawned(rig: Rig, plan: string, args: readonly string[]): Promise<void> {
  const {code, stderr} = await rig.godel(['team', 'spawn', '--plan', rig.writePlan(plan), '--detach', ...args]);
  expect(code, stderr).toBe(0);
}

const viewOf = async (rig: Rig, team = 'held'): Promise<TeamView> => {
  const view = await rig.client().team(team);
  if (!view.ok) throw new Error(view.failure.reason);
  return view.value;
};

const running = (rig: Rig, count: number, team?: string) =>
  until(`${count} tasks run`, async () => (await viewOf(rig, team)).tasks.running === count);

const ran = (rig: Rig) =>
  existsSync(join(rig.folder, 'ran')) ? readFileSync(join(rig.folder, 'ran'), 'utf8').trimEnd().split('\n') : [];

async function agents(rig: Rig): Promise<readonly AgentView[]> {
  return (JSON.parse((await rig.godel(['team', 'agents', '--json'])).stdout) as {agents: AgentView[]}).agents;
}

test('a team is given more agents, which take what waits, and fewer, which end what they have', async () => {
  await using rig = await Rig.create();
  await spawned(rig, HELD, ['--count', '2']);
  await running(rig, 2);
  const up = await rig.godel(['team', 'scale', '--count', '4']);
  expect(up).toMatchObject({code: 0, stdout: expect.stringMatching(/^Team held is to have 4 agents: /)});
  await running(rig, 4);
  const down = await rig.godel(['team', 'scale', 'held', '--count', '1', '--json']);
  expect(JSON.parse(down.stdout)).toMatchObject({v: 1, team: 'held', agents: {requested: 1}});
  expect((await viewOf(rig)).tasks.running).toBe(4);
  expect((await agents(rig)).filter(({state}) => state === 'draining')).toHaveLength(3);
  const why = await rig.godel(['team', 'explain']);
  expect(why.stdout).toContain('From 2 to 4 agents: somebody asked for it.');
  expect(why.stdout).toContain('From 4 to 1 agent: somebody asked for it.');
  writeFileSync(join(rig.folder, 'go'), '');
  expect((await rig.waitFor('held')).tasks).toMatchObject({succeeded: 5});
  const late = await rig.godel(['team', 'scale', 'held', '--count', '3']);
  expect(late.code).toBe(2);
  expect(late.stderr).toContain('succeeded');
});

test('a team chooses its agents as the config file says, unless its plan or the command line says otherwise', async () => {
  await using rig = await Rig.create();
  writeFileSync(join(rig.folder, 'godel.config.yaml'), 'strategy: weighted\nstrategy-weights: speed=2\n');
  const plan = (name: string, more = '') => `version: 1\nname: ${name}\n${more}tasks: {one: {run: 'true'}}\n`;
  await spawned(rig, plan('plain'), ['--count', '1']);
  await spawned(rig, plan('planned', 'strategy: round-robin\n'), ['--count', '1']);
  await spawned(rig, plan('asked', 'strategy: round-robin\n'), ['--count', '1', '--strategy', 'peak-ewma']);
  const strategies = await Promise.all(
    ['plain', 'planned', 'asked'].map(async team => (await viewOf(rig, team)).settings?.strategy),
  );
  expect(strategies).toEqual([
    {name: 'weighted', weights: {speed: 2, cost: 0, reliability: 0}},
    {name: 'round-robin'},
    {name: 'peak-ewma'},
  ]);
});

test('agents that fail are left out as settings and plan say, which the team keeps when the daemon is another', async () => {
  await using rig = await Rig.create({env: {GODEL_EJECT_SHARE: '0.5'}});
  writeFileSync(join(rig.folder, 'godel.config.yaml'), 'eject-failures: 4\n');
  const plan = `
version: 1
name: picky
eject: {failures: 2, time: 1h}
defaults: {retries: 3}
tasks:
  work: {foreach: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20], run: 'test "$GODEL_AGENT_ID" != picky-01 && sleep 0.1'}
  held: {needs: [work], run: 'until test -e go; do sleep 0.05; done'}
`;
  await spawned(rig, plan, ['--count', '3']);
  await until('only what is held is left', async () => {
    const {tasks} = await viewOf(rig, 'picky');
    return tasks.succeeded === 20 && tasks.running === 1;
  });
  const ejection = {failures: 2, timeMs: 3_600_000, share: 0.5, intervalMs: 10_000};
  expect((await viewOf(rig, 'picky')).settings?.ejection).toEqual(ejection);
  expect((await agents(rig)).map(({id, breaker}) => [id, breaker])).toEqual([
    ['picky-01', 'open'],
    ['picky-02', 'closed'],
    ['picky-03', 'closed'],
  ]);
  const first = rig.daemonPid() ?? 0;
  process.kill(first, 'SIGKILL');
  await until('the daemon is gone', () => rig.daemonPid() !== first);
  expect((await rig.godel(['team', 'status', 'picky'])).code).toBe(0);
  expect((await viewOf(rig, 'picky')).settings?.ejection).toEqual(ejection);
  writeFileSync(join(rig.folder, 'go'), '');
  expect((await rig.waitFor('picky')).tasks).toMatchObject({succeeded: 21});
});

test('what cannot be is refused with what to do, before or by the daemon', async () => {
  await using rig = await Rig.create({env: {GODEL_MAX_AGENTS: '10'}});
  await spawned(rig, HELD, ['--count', '2']);
  const refusal = async (...args: string[]) => {
    const {code, stderr} = await rig.godel(args);
    return {code, stderr};
  };
  expect(await refusal('team', 'scale', '--count', '11')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('max-agents 10'),
  });
  expect(await refusal('team', 'scale', '--max', '50')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('1 to 10'),
  });
  expect(await refusal('team', 'scale', '--count', '3', '--group', 'nobody')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('nobody'),
  });
  expect(await refusal('agent', 'kill', 'held-0')).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/no team has an agent "held-0"[\s\S]*Did you mean "held-01" or "held-02"/),
  });
  expect(await refusal('team', 'pause', 'held', 'held-77')).toMatchObject({code: 2});
  expect(await refusal('team', 'explain', 'held', 'wrok')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('work'),
  });
  expect(await refusal('team', 'explain', 'held', 'held-77')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('has no agent "held-77"'),
  });
  expect(await refusal('team', 'scale', 'ghost', '--count', '1')).toMatchObject({code: 2});
  const json = await rig.godel(['team', 'scale', '--json']);
  expect(JSON.parse(json.stdout)).toMatchObject({v: 1, error: {reason: 'usage'}});
});

test('a team that scales by itself says so, and can be told to stop', async () => {
  await using rig = await Rig.create();
  await spawned(rig, HELD, ['--autoscale', '--min', '1', '--max', '3', '--strategy', 'least-connections']);
  expect((await viewOf(rig)).settings).toMatchObject({
    autoscale: {min: 1, max: 3},
    strategy: {name: 'least-connections'},
  });
  expect((await rig.godel(['team', 'status', '--plain'])).stdout).toContain('scales from 1 to 3');
  const wider = await rig.godel(['team', 'scale', '--max', '4', '--strategy', 'round-robin']);
  expect(wider.stdout).toContain('between 1 and 4 agents');
  expect(wider.stdout).toContain('chooses its agents by round-robin');
  expect((await viewOf(rig)).settings).toMatchObject({autoscale: {min: 1, max: 4}, strategy: {name: 'round-robin'}});
  expect(await rig.godel(['team', 'scale', '--max', '1000000'])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^godel: The largest number of agents is "1000000", but must be 1 to 1000 \(/),
  });
  expect((await rig.godel(['team', 'scale', '--autoscale', 'off'])).code).toBe(0);
  expect((await viewOf(rig)).settings?.autoscale).toBe(null);
});

test('a paused team stands still, processes and all, until it is resumed; one agent likewise', async () => {
  await using rig = await Rig.create();
  await spawned(rig, HELD, ['--count', '2']);
  await running(rig, 2);
  const shells = () => processesOf(rig.root).filter(({command}) => command.includes('until test -e go'));
  await until('both shells run', () => shells().length === 2);
  const paused = await rig.godel(['team', 'pause']);
  expect(paused.stdout).toBe(
    'Team held is paused: nothing new starts, and what runs is being stopped as it is. Let it go on with `godel team resume held`.\n',
  );
  await until('both shells are stopped', () => shells().every(({pid}) => processState(pid) === 'T'));
  expect(await viewOf(rig)).toMatchObject({state: 'paused'});
  expect((await rig.godel(['team', 'explain'])).stdout).toContain('Somebody has paused it.');
  expect((await rig.godel(['team', 'explain', 'after'])).stdout).toContain('It needs work');
  expect((await rig.godel(['team', 'resume', 'held'])).stdout).toBe('Team held goes on.\n');
  expect((await rig.godel(['team', 'resume', 'held'])).stdout).toBe('Team held is not paused.\n');
  expect((await rig.godel(['team', 'resume', 'held', '--budget', '3'])).stdout).toBe(
    'Team held was not paused; what it may use has been changed.\n',
  );
  expect((await rig.godel(['team', 'resume', 'held', 'held-01'])).stdout).toBe(
    'Agent held-01 of team held is not paused.\n',
  );
  await until('both shells go on', () => shells().every(({pid}) => processState(pid) !== 'T'));

  const one = await rig.godel(['team', 'pause', 'held-01']);
  expect(one.stdout).toContain(
    'Agent held-01 of team held is paused: it is given nothing, and what it runs is being stopped',
  );
  await until('one shell is stopped', () => shells().filter(({pid}) => processState(pid) === 'T').length === 1);
  expect(await agents(rig)).toMatchObject([
    {id: 'held-01', state: 'paused', why: 'it was paused'},
    {id: 'held-02', state: 'busy', why: null},
  ]);
  expect((await rig.godel(['team', 'resume', 'held', 'held-01'])).stdout).toBe('Agent held-01 of team held goes on.\n');
  writeFileSync(join(rig.folder, 'go'), '');
  expect((await rig.waitFor('held')).tasks).toMatchObject({succeeded: 5, failed: 0});
});

test('an agent is drained, killed and restarted, and nothing of its work is lost', async () => {
  await using rig = await Rig.create({env: {GODEL_KILL_GRACE: '1s'}});
  await spawned(rig, HELD, ['--count', '3']);
  await running(rig, 3);
  expect((await rig.godel(['agent', 'drain', 'held-01'])).stdout).toContain('is given nothing more');
  expect((await rig.godel(['agent', 'kill', 'held-02', '--json'])).code).toBe(0);
  expect((await rig.godel(['agent', 'restart', 'held-03', '--team', 'held'])).stdout).toContain('starts anew');
  await until('one is at work again and one is gone', async () => {
    const states = new Map((await agents(rig)).map(({id, state}) => [id as string, state]));
    return states.get('held-01') === 'draining' && !states.has('held-02') && states.get('held-03') === 'busy';
  });
  const table = await rig.godel(['team', 'agents']);
  expect(table.stdout).toMatch(/^AGENT +GROUP +RUNTIME +STATE +HEALTH +TASK/m);
  expect(table.stdout).toMatch(/^held-01 +agent +command +draining .*it leaves when what it is at work on is done$/m);
  const why = JSON.parse((await rig.godel(['team', 'explain', 'held-01', '--json'])).stdout) as Explanation;
  expect(why).toMatchObject({v: 1, about: {kind: 'agent', agent: 'held-01'}, state: 'draining'});
  writeFileSync(join(rig.folder, 'go'), '');
  const view = await rig.waitFor('held');
  expect(view).toMatchObject({state: 'succeeded', tasks: {succeeded: 5, failed: 0}});
  expect(new Set(ran(rig))).toEqual(new Set(['a', 'b', 'c', 'd', 'after']));
});

test('a task whose agents have all left is explained with what to do', async () => {
  await using rig = await Rig.create();
  await spawned(rig, HELD, ['--count', '1']);
  await rig.godel(['agent', 'drain', 'held-01']);
  const waiting = await rig.godel(['team', 'explain', 'held', 'work[b]']);
  expect(waiting.stdout).toContain('The agents that could do it have left: `godel team scale` starts others.');
  await rig.godel(['team', 'kill', '--yes']);
});

test('a task is explained while it waits, while it runs, and when it has failed', async () => {
  await using rig = await Rig.create();
  const plan = `
version: 1
name: held
defaults: {retries: 0}
tasks:
  work: {foreach: [a, b], run: 'until test -e go; do sleep 0.05; done; test "$GODEL_ITEM" != b'}
  skilled: {skills: [rust], run: 'true'}
`;
  await spawned(rig, plan, ['--count', '1', '--skills', 'python']);
  await running(rig, 1);
  const explain = async (about: string) => (await rig.godel(['team', 'explain', about])).stdout;
  expect(await explain('work[a]')).toMatch(/^task work\[a\] {2}running\n {2}Attempt 1 is at work on held-01 for /);
  expect(await explain('work[b]')).toMatch(
    /^task work\[b\] {2}ready\n {2}No agent is free for it: every agent is busy\./,
  );
  expect(await explain('skilled')).toContain(
    'It waits for ever, as things are: there is no agent of the team with the skill rust.',
  );
  writeFileSync(join(rig.folder, 'go'), '');
  await until('it has failed', async () => (await viewOf(rig)).tasks.failed === 1);
  const failed = await explain('work[b]');
  expect(failed).toMatch(/^task work\[b\] {2}failed\n {2}Its command exited with code 1/);
  expect(failed.match(/exited with code 1/g)).toHaveLength(2);
  expect(failed).toMatch(/Attempt 1 went to held-01/);
  await rig.godel(['team', 'kill', '--yes']);
  expect(await explain('skilled')).toContain('It was cancelled: ');
});
