import {expect, test} from 'vitest';
import {daemonMetrics} from '../../src/daemon/daemon-metrics.ts';
import {Meter} from '../../src/daemon/meter.ts';
import {attemptId, teamId} from '../../src/model/ids.ts';
import type {EngineRecord} from '../../src/model/record.ts';
import {EngineWorld, failing, SUCCESS, task} from '../federation/engine-world.ts';

function counted(world: EngineWorld): Meter {
  const meter = new Meter();
  meter.settled({records: world.records});
  return meter;
}

function pageOf(world: EngineWorld): readonly string[] {
  return daemonMetrics({
    uptimeMs: 1500,
    meter: counted(world),
    teams: world.engine.figures(),
    edges: world.engine.breakerCounts(world.now()),
    hosts: world.engine.hosts().map(({record, state}) => ({
      isConnected: state === 'connected',
      health: world.engine.hostHealth(record.id),
    })),
    permits: world.engine.permits.granted,
  }).split('\n');
}

test('the figures are those of what has been recorded and of teams that are not over', () => {
  const world = new EngineWorld();
  const id = world.start([task('a', {retries: 1}), task('b'), task('c', {needs: ['a']}), task('d')], {count: 2});
  const counts = {opens: 2, refusals: 3, openMs: 1500};
  const of = {kind: 'provider', name: 'anthropic'} as const;
  world.give({type: 'breaker', hostId: world.host, of, state: 'half-open', detail: '', retryAfterMs: 0, counts});
  world.finish('a', failing());
  world.ask({type: 'scale-team', teamId: id, change: {count: 3}});
  const {name: team} = world.engine.teamSpec(id) ?? {name: ''};
  const page = pageOf(world);
  for (const line of [
    'godel_uptime_seconds 1.5',
    'godel_teams 1',
    `godel_tasks{team="${team}",state="backing-off"} 1`,
    `godel_tasks{team="${team}",state="waiting"} 1`,
    `godel_agents{team="${team}",state="busy"} 2`,
    `godel_agent_breaker_trips_total{team="${team}"} 0`,
    'godel_breakers{kind="provider",name="anthropic",state="half-open"} 1',
    'godel_breakers{kind="provider",name="anthropic",state="open"} 0',
    'godel_breaker_opens_total{kind="provider",name="anthropic"} 2',
    'godel_breaker_refusals_total{kind="provider",name="anthropic"} 3',
    'godel_breaker_open_seconds_total{kind="provider",name="anthropic"} 1.5',
    'godel_attempts_total{outcome="command-failed"} 1',
    'godel_scale_decisions_total{why="asked",to="up"} 1',
    'godel_hosts{health="healthy"} 1',
    'godel_hosts_connected 1',
  ]) {
    expect(page).toContain(line);
  }
  expect(page).toContain(`godel_attempts_started_total ${world.assigned().length}`);
  world.finish('b');
  world.give({type: 'end-team', request: 9, teamId: id, by: 'user'});
  for (const {attempt} of world.assigned()) {
    const outcome = failing({reason: 'stopped', by: 'user'});
    world.give({type: 'attempt-finished', hostId: world.host, attempt, outcome});
  }
  const after = pageOf(world);
  expect(after).toContain('godel_teams 0');
  expect(after.join('\n')).not.toContain(team);
  expect(after).toContain('godel_attempts_total{outcome="succeeded"} 1');
});

test('an attempt that was lost with its host is counted as that', () => {
  const meter = new Meter();
  const id = attemptId(1);
  const records: EngineRecord[] = [
    {kind: 'attempt-ended', id, outcome: null, atMs: 1},
    {kind: 'attempt-ended', id, outcome: SUCCESS, atMs: 1},
    {
      kind: 'event',
      event: {
        teamId: teamId(1),
        atMs: 1,
        body: {type: 'team-scaled', decision: {from: 3, to: 1, why: 'idle', inputs: null}},
      },
    },
  ];
  meter.settled({records});
  expect([...meter.attempts]).toEqual([
    ['lost', 1],
    ['succeeded', 1],
  ]);
  expect(meter.scaling).toEqual([{why: 'idle', to: 'down', times: 1}]);
});
