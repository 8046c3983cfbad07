import {execFileSync} from 'node:child_process';
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import type {DaemonView} from '../../src/api/contract.ts';
import type {AgentView} from '../../src/model/agent-view.ts';
import {Rig} from '../rig/rig.ts';
import {until} from '../rig/until.ts';

/** Whatever is given to the first agent fails at once; the others take a moment, and the last task waits to be let go. */
const PLAN = `
version: 1
name: mixed
defaults: {retries: 5}
tasks:
  work:
    foreach: [${Array.from({length: 80}, (_, n) => n).join(', ')}]
    run: 'test "$GODEL_AGENT_ID" != mixed-01 || { echo broken >&2; exit 3; }; sleep 0.05'
  last: {needs: [work], run: 'until test -e go; do sleep 0.05; done'}
`;

test('an agent that fails at everything is left out, and every face says so', async () => {
  await using rig = await Rig.create({env: {GODEL_RETRY_BASE: '20ms', GODEL_RETRY_MAX: '50ms'}});
  const spawned = await rig.godel(['team', 'spawn', '--count', '4', '--plan', rig.writePlan(PLAN), '--detach']);
  expect(spawned.code, spawned.stderr).toBe(0);
  const agents = async () => {
    const {stdout} = await rig.godel(['team', 'agents', '--json']);
    return (JSON.parse(stdout) as {agents: AgentView[]}).agents;
  };
  const isWell = ({breaker, health, why}: AgentView) => breaker === 'closed' && health === 'healthy' && why === null;
  const [bad] = await until(
    'the first agent is left out, and the others are well',
    async () => {
      const all = await agents();
      const isOut = all[0]?.breaker === 'open' && all[0].state === 'suspect';
      return isOut && all.slice(1).every(isWell) ? all : null;
    },
    {withinMs: 60_000},
  );
  expect(bad).toMatchObject({id: 'mixed-01', succeeded: 0, errorRate: 1, meanMs: null});
  expect(bad?.why).toMatch(/^it has failed too often and is left out for another [\d.]+ s$/);
  const table = await rig.godel(['team', 'agents']);
  expect(table.stdout).toMatch(/^mixed-01 .* open +it has failed too often and is left out for another/m);
  const explained = await rig.godel(['team', 'explain', 'mixed-01']);
  expect(explained.stdout).toContain('It is given nothing: it has failed too often and is left out for another');
  const view = await rig.client().team('mixed');
  expect(view).toMatchObject({value: {ailing: [{agent: 'mixed-01'}]}});
  writeFileSync(join(rig.folder, 'go'), '');
  expect(await rig.waitFor('mixed')).toMatchObject({state: 'succeeded'});
});

test('a provider that nobody can reach is named by status, doctor and explain, with since and until', async () => {
  await using rig = await Rig.create({git: true, env: {GODEL_RETRY_BASE: '20ms', GODEL_RETRY_MAX: '50ms'}});
  const agent = join(rig.root, 'agent.mjs');
  writeFileSync(agent, `console.error('connect ECONNREFUSED 127.0.0.1:9'); process.exit(1);\n`);
  const command = JSON.stringify([process.execPath, agent, '{prompt}']);
  writeFileSync(join(rig.folder, 'godel.config.yaml'), `runtimes:\n  mine:\n    command: ${command}\n`);
  rig.writePlan(`
version: 1
name: cut
defaults: {retries: 100}
tasks:
  work: {foreach: [1, 2, 3], prompt: 'Do \${{ item }}'}
`);
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], {cwd: rig.folder});
  git('add', '-A');
  git('commit', '-qm', 'Begin the thing');
  const args = ['team', 'spawn', '--count', '2', '--runtime', 'mine', '--plan', 'godel.yaml', '--detach'];
  const spawned = await rig.godel(args);
  expect(spawned.code, spawned.stderr).toBe(0);
  const status = async () => JSON.parse((await rig.godel(['daemon', 'status', '--json'])).stdout) as DaemonView;
  const isOpen = async () => (await status()).breakers?.some(({state}) => state === 'open') === true;
  await until('the breaker is open', isOpen, {withinMs: 60_000});
  const text = /the breaker of the provider mine on host-\w+ is (open|half-open) since \S+Z, .*ECONNREFUSED/i;
  expect((await rig.godel(['daemon', 'status'])).stdout).toMatch(text);
  expect((await rig.godel(['doctor'])).stdout).toMatch(text);
  expect((await rig.godel(['team', 'explain'])).stdout).toMatch(text);
  expect((await rig.godel(['team', 'explain', 'cut-01'])).stdout).toMatch(text);
  expect((await rig.godel(['team', 'kill', 'cut'])).code).toBe(0);
});
