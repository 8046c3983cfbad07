import {writeFileSync} from 'node:fs';
import {request} from 'node:http';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import type {AgentView} from '../../src/model/agent-view.ts';
import {Rig} from '../rig/rig.ts';
import {until} from '../rig/until.ts';

const PLAN = `
version: 1
name: picky
eject: {failures: 2, time: 1h}
defaults: {retries: 3}
tasks:
  work: {foreach: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20], run: 'test "$GODEL_AGENT_ID" != picky-01 && sleep 0.1'}
  held: {needs: [work], run: 'until test -e go; do sleep 0.05; done'}
`;

/** As `curl --unix-socket` would ask. */
function get(socketPath: string, path: string): Promise<{type: string | undefined; text: string}> {
  return new Promise((resolve, reject) => {
    request({socketPath, path}, response => {
      let text = '';
      response.on('data', (part: Buffer) => (text += part.toString()));
      response.on('end', () => resolve({type: response.headers['content-type'], text}));
    })
      .on('error', reject)
      .end();
  });
}

const figureOf = (text: string, name: string) =>
  Number(
    text
      .split('\n')
      .find(line => line.startsWith(`${name} `))
      ?.split(' ')[1],
  );

test('the figures of a daemon are those of what its agents have done', async () => {
  await using rig = await Rig.create();
  expect(await rig.godel(['daemon', 'metrics'])).toMatchObject({code: 5});
  const spawned = await rig.godel(['team', 'spawn', '--plan', rig.writePlan(PLAN), '--detach', '--count', '3']);
  expect(spawned.code, spawned.stderr).toBe(0);
  const metrics = async () => (await get(rig.paths.socket, '/metrics')).text;
  await until('only what is held is left, at a host that is well', async () => {
    const now = await metrics();
    return (
      figureOf(now, 'godel_tasks{team="picky",state="running"}') === 1 &&
      figureOf(now, 'godel_tasks{team="picky",state="succeeded"}') === 20 &&
      figureOf(now, 'godel_hosts{health="healthy"}') === 1
    );
  });
  const {type, text} = await get(rig.paths.socket, '/metrics');
  expect(type).toBe('text/plain; version=0.0.4; charset=utf-8');
  const view = await rig.client().team('picky');
  if (!view.ok) throw new Error(view.failure.reason);
  const failed = figureOf(text, 'godel_attempts_total{outcome="command-failed"}');
  expect(failed).toBeGreaterThanOrEqual(2);
  expect(figureOf(text, 'godel_attempts_total{outcome="succeeded"}')).toBe(20);
  expect(figureOf(text, 'godel_attempts_started_total')).toBe(20 + failed + 1);
  expect(view.value.attempts).toBe(20 + failed + 1);
  expect(figureOf(text, 'godel_agent_breaker_trips_total{team="picky"}')).toBe(1);
  expect(figureOf(text, 'godel_agent_breakers{team="picky",state="open"}')).toBe(1);
  const agents = JSON.parse((await rig.godel(['team', 'agents', '--json'])).stdout) as {agents: AgentView[]};
  expect(agents.agents.map(({id, trips}) => [id, trips])).toEqual([
    ['picky-01', 1],
    ['picky-02', 0],
    ['picky-03', 0],
  ]);
  expect((await rig.godel(['daemon', 'metrics'])).stdout).toContain(
    'godel_agent_breaker_trips_total{team="picky"} 1\n',
  );
  writeFileSync(join(rig.folder, 'go'), '');
  await rig.waitFor('picky');
  expect(await metrics()).not.toContain('picky');
  expect(figureOf(await metrics(), 'godel_attempts_total{outcome="succeeded"}')).toBe(21);
});
