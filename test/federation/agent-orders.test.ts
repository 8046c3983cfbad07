import {describe, expect, it} from 'vitest';
import type {Effect} from '../../src/federation/engine-io.ts';
import type {StopReason} from '../../src/model/failure.ts';
import {agentId, type TeamId} from '../../src/model/ids.ts';
import {EngineWorld, failing, hostRecord, task, teamSpec} from './engine-world.ts';

function order(world: EngineWorld, teamId: TeamId, agent: string, what: 'kill' | 'drain' | 'restart') {
  return world.ask({type: 'agent-order', teamId, agent: agentId(agent), what});
}

const stopped = (by: StopReason) => failing({reason: 'stopped', by});
const of = <T extends Effect['type']>(world: EngineWorld, type: T) =>
  world.effects.filter((effect): effect is Extract<Effect, {type: T}> => effect.type === type);

describe('an order to an agent', () => {
  it('kill: what it has goes to another one and uses up no retry, and it is gone for good', () => {
    const world = new EngineWorld();
    const id = world.start([task('a'), task('b')], {count: 2});
    const attempt = world.attemptOf('a');
    order(world, id, 'audit-01', 'kill');
    expect(of(world, 'stop-attempts')).toEqual([
      {type: 'stop-attempts', hostId: world.host, attempts: [attempt], by: 'agent-killed'},
    ]);
    expect(of(world, 'close-agents')).toEqual([]);
    world.finish('b');
    world.give({type: 'attempt-finished', hostId: world.host, attempt, outcome: stopped('agent-killed')});
    expect(world.assigned().at(-1)).toMatchObject({taskId: 'a', agentId: 'audit-02', number: 2});
    expect(of(world, 'close-agents')).toMatchObject([{agents: ['audit-01']}]);
    expect(world.events('agents-changed')).toEqual([{type: 'agents-changed', agents: ['audit-01'], to: 'gone'}]);
    expect(world.view(id)).toMatchObject({agents: {requested: 1, failed: 0}, retries: 0});
    world.finish('a', failing());
    expect(world.view(id).tasks).toMatchObject({failed: 1});
  });

  it('kill: is not forgotten by a restarted daemon, and costs nothing when the host dies instead', () => {
    const world = new EngineWorld();
    const id = world.start([task('a')], {count: 1});
    const attempt = world.attemptOf('a');
    world.give({type: 'host-disconnected', hostId: world.host});
    order(world, id, 'audit-01', 'kill');
    const again = world.restarted();
    again.connect(world.host, [attempt]);
    expect(of(again, 'stop-attempts')).toMatchObject([{attempts: [attempt], by: 'agent-killed'}]);
    again.give({type: 'attempt-finished', hostId: world.host, attempt, outcome: stopped('agent-killed')});
    expect(again.view(id)).toMatchObject({state: 'running', agents: {requested: 0}, tasks: {ready: 1}});
    again.ask({type: 'scale-team', teamId: id, change: {count: 1}});
    expect(again.assigned().at(-1)).toMatchObject({taskId: 'a', agentId: 'audit-02', number: 2});
  });

  it('drain: ends what it has and is gone then', () => {
    const world = new EngineWorld();
    const id = world.start([task('a'), task('b')], {count: 1});
    order(world, id, 'audit-01', 'drain');
    expect(world.view(id).agents).toMatchObject({requested: 0, draining: 1, busy: 1});
    world.finish('a');
    expect(of(world, 'close-agents')).toMatchObject([{agents: ['audit-01']}]);
    expect(world.order()).toEqual(['a']);
    expect(world.view(id).waiting).toEqual([{why: 'an agent: none that can do it is left', tasks: 1}]);
    expect(world.events('agents-changed')).toEqual([
      {type: 'agents-changed', agents: ['audit-01'], to: 'draining'},
      {type: 'agents-changed', agents: ['audit-01'], to: 'gone'},
    ]);
  });

  it('drain: is not undone when the team is to have more agents, also by a restarted daemon', () => {
    let world = new EngineWorld();
    const id = world.start([task('a'), task('b')], {count: 1});
    order(world, id, 'audit-01', 'drain');
    world.ask({type: 'scale-team', teamId: id, change: {count: 1}});
    expect(world.view(id).agents).toMatchObject({requested: 1, draining: 1});
    const attempt = world.attemptOf('a');
    world = world.restarted();
    world.connect(world.host, [attempt]);
    world.ask({type: 'scale-team', teamId: id, change: {count: 2}});
    expect(world.view(id).agents).toMatchObject({requested: 2, draining: 1});
  });

  it('restart: stops what it has, closes it and opens it anew', () => {
    const world = new EngineWorld();
    const id = world.start([task('a')], {count: 1});
    const attempt = world.attemptOf('a');
    order(world, id, 'audit-01', 'restart');
    expect(of(world, 'open-agents')).toHaveLength(1);
    world.give({type: 'attempt-finished', hostId: world.host, attempt, outcome: stopped('agent-killed')});
    expect(of(world, 'close-agents')).toMatchObject([{agents: ['audit-01']}]);
    expect(of(world, 'open-agents').at(-1)).toMatchObject({agents: ['audit-01'], runtimes: {'audit-01': 'command'}});
    expect(world.assigned().at(-1)).toMatchObject({taskId: 'a', agentId: 'audit-01', number: 2});
    expect(world.view(id).agents).toMatchObject({requested: 1, busy: 1});
  });

  it('restart: counts for nothing, however often', () => {
    const world = new EngineWorld();
    const id = world.start([task('a')], {count: 1});
    for (let times = 1; times <= 6; times += 1) {
      order(world, id, 'audit-01', 'restart');
      world.finish('a', stopped('agent-killed'));
      expect(world.assigned().at(-1)).toMatchObject({taskId: 'a', number: times + 1});
    }
    expect(world.records.filter(record => record.kind === 'task-state').at(-1)).toMatchObject({failures: 0, losses: 0});
  });

  it('restart: leaves one that its host is about to open', () => {
    const world = new EngineWorld();
    world.connect();
    const spec = teamSpec([task('a')], {count: 1});
    const opened = world.engine.handle({type: 'spawn-team', request: 1, spec, nameTaken: 'refuse'}, world.now());
    expect(opened.effects.filter(({type}) => type === 'open-agents')).toHaveLength(1);
    const id = world.engine.teamNamed(spec.name);
    if (id === null) throw new Error('the team was refused');
    const restart = {type: 'agent-order', request: 2, teamId: id, agent: agentId('audit-01'), what: 'restart'} as const;
    const {effects} = world.engine.handle(restart, world.now());
    expect(effects.map(({type}) => type)).toEqual(['answer']);
  });

  it('restart: gives one that has failed another chance', () => {
    const world = new EngineWorld();
    const id = world.start([task('a', {skills: []})], {count: 2});
    world.give({type: 'agents-failed', hostId: world.host, agents: [agentId('audit-02')], detail: 'x'});
    expect(world.view(id).agents).toMatchObject({failed: 1});
    order(world, id, 'audit-02', 'restart');
    expect(world.view(id).agents).toMatchObject({failed: 0, ready: 2});
  });

  it('is refused for an agent that is not there, with names that are like it', () => {
    const world = new EngineWorld();
    const id = world.start([task('a')], {count: 2});
    order(world, id, 'audit-02', 'kill');
    for (const agent of ['audit-02', 'audit-7']) {
      expect(order(world, id, agent, 'drain')).toMatchObject({
        failure: {reason: 'agent-not-found', team: 'audit', agent, similar: ['audit-01']},
      });
    }
  });

  it('closes at its return what left while its host was away', () => {
    const world = new EngineWorld();
    const id = world.start([task('a')], {count: 2});
    world.give({type: 'host-disconnected', hostId: world.host});
    order(world, id, 'audit-02', 'kill');
    expect(of(world, 'close-agents')).toEqual([]);
    const agents = [agentId('audit-01'), agentId('audit-02'), agentId('audit-x')];
    const holds = [world.attemptOf('a')];
    world.give({type: 'host-connected', host: hostRecord(world.host), holds, agents, teams: [id]});
    expect(of(world, 'close-agents')).toMatchObject([{agents: ['audit-02'], teamId: id}]);
  });
});
