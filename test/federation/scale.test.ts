import {describe, expect, it} from 'vitest';
import type {AgentGroup} from '../../src/model/agent.ts';
import type {Autoscale} from '../../src/model/autoscale.ts';
import type {TeamId} from '../../src/model/ids.ts';
import type {TaskSpec} from '../../src/model/task.ts';
import type {TeamSpec} from '../../src/model/team.ts';
import {UNKNOWN_USAGE} from '../../src/model/usage.ts';
import {EngineWorld, SUCCESS, task} from './engine-world.ts';

const group = (name: string, changes: Partial<AgentGroup> = {}): AgentGroup => ({
  name,
  count: 1,
  slots: 1,
  skills: [],
  runtime: 'command',
  model: null,
  costPerHour: null,
  speed: 1,
  ...changes,
});

function promptSpec(id: string, {needs = []}: {needs?: readonly string[]} = {}): TaskSpec {
  return {...task(id), run: undefined, prompt: ['Do it'], change: 'none', needs};
}

const tasks = (count: number) => Array.from({length: count}, (_, index) => task(`t${index}`));
const agentsOf = (groups: readonly AgentGroup[]): Partial<TeamSpec> => {
  return {groups, count: groups.reduce((sum, {count}) => sum + count, 0)};
};

function scale(world: EngineWorld, teamId: TeamId, count: number, group?: string) {
  return world.ask({type: 'scale-team', teamId, change: {count, ...(group === undefined ? {} : {group})}});
}

const closed = (world: EngineWorld) => {
  return world.effects.flatMap(effect => (effect.type === 'close-agents' ? effect.agents : []));
};
const decisions = (world: EngineWorld) => world.events('team-scaled').map(({decision}) => decision);

describe('scaling up', () => {
  it('opens new agents at once, which work at once', () => {
    const world = new EngineWorld();
    const id = world.start(tasks(4), {count: 1});
    expect(world.order()).toEqual(['t0']);
    expect(scale(world, id, 3)).toMatchObject({ok: true, value: {agents: {requested: 3, starting: 2}}});
    expect(world.assigned().map(({agentId}) => agentId)).toEqual(['audit-01', 'audit-02', 'audit-03']);
    expect(decisions(world)).toEqual([{from: 1, to: 3, why: 'asked', inputs: null}]);
  });

  it('shares out what is added as the groups are now, and can be told which group', () => {
    const world = new EngineWorld();
    const id = world.start(tasks(1), agentsOf([group('a', {count: 1}), group('b', {count: 3})]));
    scale(world, id, 8);
    const count = (name: string) => world.engine.view(id, {now: world.now()}) && groupSize(world, name);
    expect([count('a'), count('b')]).toEqual([2, 6]);
    scale(world, id, 5, 'a');
    expect([count('a'), count('b')]).toEqual([5, 6]);
  });

  it('takes those back that have not left yet', () => {
    const world = new EngineWorld();
    const id = world.start(tasks(2), {count: 2});
    scale(world, id, 1);
    expect(world.view(id).agents).toMatchObject({requested: 1, draining: 1});
    scale(world, id, 2);
    expect(world.view(id).agents).toMatchObject({requested: 2, busy: 2});
    expect(world.view(id).agents.draining).toBeUndefined();
    world.finish('t0');
    world.finish('t1');
    expect(closed(world)).toEqual([]);
  });

  it('begins with a group that unfinished tasks have nobody of', () => {
    const world = new EngineWorld();
    const groups = [group('a', {count: 2, skills: ['x']}), group('b', {skills: ['y']})];
    const id = world.start([task('t', {skills: ['y']}), task('x', {skills: ['x']})], agentsOf(groups));
    const agent = world.assigned().find(({taskId}) => taskId === 't')!.agentId;
    world.ask({type: 'agent-order', teamId: id, agent, what: 'kill'});
    world.finish('t', {...stopped, durationMs: 1});
    expect(world.view(id).waiting).toContainEqual({why: 'an agent: none that can do it is left', tasks: 1});
    scale(world, id, 3);
    expect(world.assigned().at(-1)).toMatchObject({taskId: 't', agentId: 'audit-04'});
  });

  it('replaces agents that have failed', () => {
    const world = new EngineWorld();
    const id = world.start(tasks(1), {count: 2});
    const idle = world.view(id).running[0]!.agent === 'audit-01' ? 'audit-02' : 'audit-01';
    world.give({type: 'agents-failed', hostId: world.host, agents: [idle as never], detail: 'no runtime'});
    expect(world.view(id).agents).toMatchObject({requested: 2, failed: 1});
    scale(world, id, 2);
    expect(world.view(id).agents).toMatchObject({requested: 2, failed: 0, ready: 2});
  });
});

const stopped = {
  result: {ok: false as const, failure: {reason: 'stopped' as const, by: 'agent-killed' as const}},
  usage: {
    cpuSeconds: null,
    maxRssBytes: null,
    usd: null,
    inputTokens: null,
    outputTokens: null,
    cacheReadTokens: null,
    cacheWriteTokens: null,
  },
  outputBytes: null,
};

function groupSize(world: EngineWorld, name: string): number {
  const groups = world.effects
    .flatMap(effect => (effect.type === 'open-team' ? [effect.spec.groups ?? []] : []))
    .at(-1);
  const index = groups?.findIndex(each => each.name === name) ?? -1;
  const rows = new Map<string, {group: number; standing: string}>();
  let number = 0;
  for (const [at, {count}] of (groups ?? []).entries()) {
    for (let each = 0; each < count; each += 1) {
      number += 1;
      rows.set(`audit-${String(number).padStart(2, '0')}`, {group: at, standing: 'present'});
    }
  }
  for (const record of world.records) {
    if (record.kind === 'agents') for (const row of record.agents) rows.set(row.id, row);
  }
  return [...rows.values()].filter(row => row.group === index && row.standing === 'present').length;
}

describe('scaling down', () => {
  it('lets idle agents go at once and busy ones when they are done', () => {
    const world = new EngineWorld();
    const id = world.start(tasks(3), {count: 4});
    scale(world, id, 1);
    expect(closed(world)).toEqual(['audit-04']);
    expect(world.view(id).agents).toMatchObject({requested: 1, busy: 3, draining: 2});
    world.finish('t2');
    world.finish('t1');
    expect(closed(world)).toEqual(['audit-04', 'audit-03', 'audit-02']);
    world.finish('t0');
    expect(world.view(id).state).toBe('succeeded');
    expect(world.effects.some(({type}) => type === 'stop-attempts')).toBe(false);
  });

  it('begins with the most expensive group, and ends with the one whose cost nobody knows', () => {
    const world = new EngineWorld();
    const groups = [group('unknown'), group('dear', {costPerHour: 9}), group('cheap', {costPerHour: 1})];
    const id = world.start([task('t', {priority: 1})], agentsOf(groups));
    // The one task keeps the cheap agent busy: commands prefer it.
    expect(world.assigned()[0]!.agentId).toBe('audit-03');
    scale(world, id, 2);
    expect(closed(world)).toEqual(['audit-02']);
    scale(world, id, 1);
    expect(closed(world)).toEqual(['audit-02', 'audit-01']);
  });

  it('keeps the last agent that an unfinished task needs, and says so', () => {
    const world = new EngineWorld();
    const groups = [group('a', {skills: ['x']}), group('b', {skills: ['y'], costPerHour: 99}), group('c')];
    const plan = [task('first', {skills: ['x']}), task('later', {skills: ['y'], needs: ['first']})];
    const id = world.start(plan, agentsOf(groups));
    scale(world, id, 0);
    // What accepts every task can do both, so one of it is enough.
    expect(world.view(id).agents.requested).toBe(1);
    expect(closed(world)).toEqual(['audit-02', 'audit-03'].slice(0, closed(world).length));
    expect(world.events('team-warning').at(-1)!.text).toMatch(/^One agent stays beyond what was asked for/);
    world.finish('first');
    world.finish('later');
    expect(world.view(id).state).toBe('succeeded');
  });

  it('goes down to nobody when nothing is left to do', () => {
    const world = new EngineWorld();
    world.connect();
    const id = world.spawn({...world.engineSpec(), count: 3});
    expect(scale(world, id, 0)).toMatchObject({ok: true, value: {state: 'idle', agents: {requested: 0}}});
    expect(decisions(world)).toEqual([{from: 3, to: 0, why: 'asked', inputs: null}]);
    scale(world, id, 1);
    expect(world.view(id).agents).toMatchObject({requested: 1, ready: 1});
  });

  it('is remembered by a restarted daemon, and told to a host that was away', () => {
    const world = new EngineWorld();
    const id = world.start(tasks(4), {count: 2});
    world.give({type: 'host-disconnected', hostId: world.host});
    scale(world, id, 3);
    scale(world, id, 1);
    const again = world.restarted();
    const agents = ['audit-01', 'audit-02', 'audit-03'] as never;
    const holds = world.assigned().map(({attempt}) => attempt);
    again.give({
      type: 'host-connected',
      host: {id: world.host, machineId: 'm', process: {pid: 1, startTime: '1', bootId: 'b'}, gone: false},
      holds,
      agents,
      teams: [id],
    });
    expect(again.view(id).agents).toMatchObject({requested: 1, busy: 2, draining: 1});
    expect(closed(again)).toEqual(['audit-03']);
    scale(again, id, 3);
    expect(again.assigned().map(({agentId}) => agentId)).toEqual(['audit-04']);
  });
});

describe('a change of settings', () => {
  const autoscale: Autoscale = {
    min: 2,
    max: 4,
    scaleUpThreshold: 0,
    scaleDownThreshold: 0.2,
    idleMs: 1000,
    maxCostPerHour: null,
  };

  it('holds the team within the limits of auto-scaling, until somebody asks for a number', () => {
    const world = new EngineWorld();
    const id = world.start([task('a'), task('b', {needs: ['a']})], {count: 1});
    world.ask({type: 'scale-team', teamId: id, change: {autoscale}});
    expect(world.view(id)).toMatchObject({agents: {requested: 2}, settings: {autoscale}});
    expect(decisions(world)).toEqual([{from: 1, to: 2, why: 'limits', inputs: null}]);
    scale(world, id, 7);
    expect(world.view(id)).toMatchObject({agents: {requested: 7}, settings: {autoscale: null}});
    expect(world.restarted().view(id)).toMatchObject({agents: {requested: 7}, settings: {autoscale: null}});
    const strategy = {name: 'peak-ewma'} as const;
    world.ask({type: 'scale-team', teamId: id, change: {autoscale, strategy}});
    // Held to the limits at once; then it is seen that the plan has no use for more than the least.
    expect(decisions(world).at(-1)).toMatchObject({from: 4, to: 2, why: 'width'});
    expect(world.restarted().view(id)).toMatchObject({agents: {requested: 2}, settings: {autoscale, strategy}});
  });

  it('holds also from the start', () => {
    const world = new EngineWorld();
    const id = world.start(tasks(1), {count: 9, autoscale});
    expect(world.view(id)).toMatchObject({agents: {requested: 4, busy: 1}});
    expect(decisions(world)).toEqual([{from: 9, to: 4, why: 'limits', inputs: null}]);
  });

  it.each([
    [{count: -1}, 'out-of-range'],
    [{count: 1.5}, 'out-of-range'],
    [{count: 2, group: 'codre'}, 'group-not-found'],
    [{autoscale: {...autoscale, min: 5}}, 'out-of-range'],
    [{autoscale: {...autoscale, scaleDownThreshold: Number.NaN}}, 'out-of-range'],
  ])('is refused when it makes no sense: %j', (change, reason) => {
    const world = new EngineWorld();
    const id = world.start(tasks(1));
    const before = world.records.length;
    expect(world.ask({type: 'scale-team', teamId: id, change})).toMatchObject({ok: false, failure: {reason}});
    expect(world.records).toHaveLength(before);
  });

  it('is refused when the team is over or unknown', () => {
    const world = new EngineWorld();
    const id = world.start(tasks(1));
    world.finish('t0');
    expect(scale(world, id, 2)).toMatchObject({failure: {reason: 'team-over', name: 'audit', state: 'succeeded'}});
    expect(scale(world, 99 as TeamId, 2)).toMatchObject({failure: {reason: 'team-not-found'}});
  });
});

it('ends a team whose budget is used up, though somebody who is not there could be paid', () => {
  const world = new EngineWorld();
  const groups = [group('a', {runtime: 'claude'}), group('b', {runtime: 'codex'})];
  const budget = {usd: 0.3, tokens: null};
  const id = world.start([promptSpec('x'), promptSpec('y', {needs: ['x']})], {...agentsOf(groups), budget});
  scale(world, id, 0, 'b');
  world.finish('x', {...SUCCESS, usage: {...UNKNOWN_USAGE, usd: 0.3}});
  expect(world.view(id)).toMatchObject({state: 'failed', outcome: 'budget'});
});
