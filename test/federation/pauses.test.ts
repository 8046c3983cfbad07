import {describe, expect, it} from 'vitest';
import type {Effect} from '../../src/federation/engine-io.ts';
import {agentId, type AttemptId, type TeamId} from '../../src/model/ids.ts';
import {EngineWorld, hostRecord, task} from './engine-world.ts';

const pause = (world: EngineWorld, teamId: TeamId, agent: string | null = null) =>
  world.ask({type: 'pause', teamId, agent: agent === null ? null : agentId(agent)});
const resume = (world: EngineWorld, teamId: TeamId, agent: string | null = null) =>
  world.ask({type: 'resume', teamId, agent: agent === null ? null : agentId(agent)});

/** What hosts were told to hold or let go on, in order. */
const held = (world: EngineWorld) =>
  world.effects.flatMap(effect =>
    effect.type === 'pause-attempts' ? [[effect.paused, effect.attempts] as const] : [],
  );

function reconnect(world: EngineWorld, facts: {holds: AttemptId[]; paused?: AttemptId[]}, agents: string[] = []): void {
  const named = {agents: agents.map(agentId), teams: []};
  world.give({type: 'host-connected', host: hostRecord(world.host), ...facts, ...named});
}

describe('a team that is paused', () => {
  it('starts nothing and holds what runs, until it is resumed', () => {
    const world = new EngineWorld();
    const id = world.start([task('a'), task('b'), task('c', {needs: ['a']})], {count: 2});
    const [a, b] = [world.attemptOf('a'), world.attemptOf('b')];
    expect(pause(world, id)).toMatchObject({ok: true, value: {state: 'paused', settings: {paused: true}}});
    expect(held(world)).toEqual([[true, [a, b]]]);
    world.finish('a');
    expect(world.order()).toEqual(['a', 'b']);
    expect(world.view(id).waiting).toEqual([{why: 'the team to be resumed', tasks: 1}]);
    pause(world, id);
    expect(resume(world, id)).toMatchObject({value: {state: 'running', settings: {paused: false}}});
    expect(held(world)).toEqual([
      [true, [a, b]],
      [false, [b]],
    ]);
    expect(world.order()).toEqual(['a', 'b', 'c']);
    expect(world.events('team-paused')).toEqual([{type: 'team-paused', why: null}]);
    expect(world.events('team-resumed')).toHaveLength(1);
  });

  it('says how many attempts go on because their host is not heard', () => {
    const world = new EngineWorld();
    const id = world.start([task('a'), task('b')], {count: 2});
    const attempts = [world.attemptOf('a'), world.attemptOf('b')];
    world.give({type: 'host-disconnected', hostId: world.host});
    expect(pause(world, id)).toMatchObject({ok: true, value: {state: 'paused', unheld: 2}});
    expect(held(world)).toEqual([]);
    reconnect(world, {holds: attempts});
    expect(held(world).flatMap(([, ids]) => ids)).toEqual(attempts);
    expect(world.view(id)).not.toHaveProperty('unheld');
    resume(world, id);
    world.give({type: 'host-disconnected', hostId: world.host});
    expect(world.view(id)).not.toHaveProperty('unheld');
  });

  it('does not use up its time', () => {
    const world = new EngineWorld();
    const id = world.start([task('a')], {timeoutMs: 1000});
    world.later(600);
    pause(world, id);
    world.later(5000);
    resume(world, id);
    world.later(399);
    expect(world.view(id).state).toBe('running');
    world.later(1);
    expect(world.view(id).state).toBe('draining');
    expect(world.view(id).endedBecause).toMatch(/--timeout/);
  });

  it('stays paused over a restart of the daemon, with its clock and what it holds', () => {
    const world = new EngineWorld();
    const id = world.start([task('a')], {timeoutMs: 1000});
    const attempt = world.attemptOf('a');
    world.later(600);
    pause(world, id);
    world.nowMs += 5000;
    const again = world.restarted();
    expect(again.view(id).state).toBe('paused');
    reconnect(again, {holds: [attempt], paused: [attempt]});
    expect(held(again)).toEqual([]);
    again.later(5000);
    again.give({type: 'host-disconnected', hostId: world.host});
    reconnect(again, {holds: [attempt]});
    expect(held(again)).toEqual([[true, [attempt]]]);
    resume(again, id);
    const third = again.restarted();
    reconnect(third, {holds: [attempt], paused: [attempt]});
    expect(held(third)).toEqual([[false, [attempt]]]);
    third.later(399);
    expect(third.view(id).state).toBe('running');
    third.later(2);
    expect(third.view(id).state).toBe('draining');
  });

  it('tells its host of a lease that never arrived, and to hold it', () => {
    const world = new EngineWorld();
    const id = world.start([task('a')]);
    world.give({type: 'host-disconnected', hostId: world.host});
    pause(world, id);
    const before = world.effects.length;
    reconnect(world, {holds: []});
    const told = world.effects.slice(before).flatMap(({type}) => (/assign|pause/.test(type) ? [type] : []));
    expect(told).toEqual(['assign', 'pause-attempts'] satisfies Effect['type'][]);
  });

  it('lets what is held go on before it is stopped', () => {
    const world = new EngineWorld();
    const id = world.start([task('a')]);
    pause(world, id);
    world.give({type: 'end-team', request: 5, teamId: id, by: 'user'});
    const told = world.effects.flatMap(({type}) => (/pause|stop/.test(type) ? [type] : []));
    expect(told).toEqual(['pause-attempts', 'pause-attempts', 'stop-attempts']);
    expect(held(world).map(([paused]) => paused)).toEqual([true, false]);
    expect(pause(world, id)).toMatchObject({failure: {reason: 'team-over', state: 'draining'}});
    expect(world.restarted().view(id).state).toBe('draining');
  });

  it('lets what a killed agent has go on before it is stopped, and holds the rest', () => {
    const world = new EngineWorld();
    const id = world.start([task('a'), task('b')], {count: 2});
    pause(world, id);
    const before = world.effects.length;
    const a = world.assigned()[0]!;
    world.ask({type: 'agent-order', teamId: id, agent: a.agentId, what: 'kill'});
    const told = world.effects.slice(before).filter(({type}) => /pause|stop/.test(type));
    expect(told).toMatchObject([
      {type: 'pause-attempts', attempts: [a.attempt], paused: false},
      {type: 'stop-attempts', attempts: [a.attempt], by: 'agent-killed'},
    ]);
  });

  it('may be over all the same, when all its tasks are', () => {
    const world = new EngineWorld();
    const id = world.start([task('a')]);
    pause(world, id);
    world.finish('a');
    expect(world.view(id).state).toBe('succeeded');
  });

  it('is idle again afterwards when it has no plan', () => {
    const world = new EngineWorld();
    world.connect();
    const id = world.spawn(world.engineSpec());
    pause(world, id);
    expect(world.restarted().view(id).state).toBe('paused');
    expect(resume(world, id)).toMatchObject({value: {state: 'idle'}});
  });
});

describe('an agent that is leaving', () => {
  it('is neither paused nor resumed, which is said, and leaves', () => {
    const world = new EngineWorld();
    const id = world.start([task('a'), task('b')], {count: 2});
    const agent = agentId('audit-01');
    world.ask({type: 'agent-order', teamId: id, agent, what: 'drain'});
    const refused = {ok: false, failure: {reason: 'agent-leaving', team: 'audit', agent}};
    expect(pause(world, id, agent)).toEqual(refused);
    expect(resume(world, id, agent)).toEqual(refused);
    expect(held(world)).toEqual([]);
    world.finish('a');
    expect(pause(world, id, agent)).toMatchObject({failure: {reason: 'agent-not-found'}});
  });
});

describe('an agent that is paused', () => {
  it('is given nothing, and what it has is held', () => {
    const world = new EngineWorld();
    const id = world.start([task('a'), task('b'), task('c')], {count: 2});
    const a = world.attemptOf('a');
    pause(world, id, 'audit-01');
    expect(held(world)).toEqual([[true, [a]]]);
    expect(world.view(id).agents).toMatchObject({requested: 2, paused: 1, busy: 2, ready: 1});
    world.finish('b');
    expect(world.assigned().at(-1)).toMatchObject({taskId: 'c', agentId: 'audit-02'});
    world.finish('a');
    world.finish('c');
    expect(world.view(id).state).toBe('succeeded');
  });

  it('stays so over a restart, and goes on when it is resumed', () => {
    const world = new EngineWorld();
    const id = world.start([task('a'), task('b')], {count: 1});
    pause(world, id, 'audit-01');
    world.finish('a');
    const again = world.restarted();
    reconnect(again, {holds: []}, ['audit-01']);
    expect(again.view(id)).toMatchObject({
      agents: {paused: 1, requested: 1},
      waiting: [{why: 'agents that are paused', tasks: 1}],
    });
    resume(again, id, 'audit-01');
    expect(again.order()).toEqual(['b']);
  });
});

describe('a team whose budget is used up', () => {
  const prompt = (id: string) => ({...task(id), run: undefined, prompt: ['x']}) as never;
  const coder = {
    name: 'coder',
    count: 1,
    slots: 1,
    skills: [],
    runtime: 'claude',
    model: null,
    costPerHour: null,
    speed: 1,
  };

  it('pauses when it was told to, and goes on with a higher one', () => {
    const world = new EngineWorld();
    const budget = {usd: 0.3, tokens: null};
    const id = world.start([prompt('a'), prompt('b')], {count: 1, groups: [coder], budget, onBudget: 'pause'});
    world.finish('a');
    expect(world.view(id)).toMatchObject({state: 'paused', endedBecause: null});
    expect(world.view(id).pausedBecause).toMatch(/budget/i);
    expect(world.restarted().view(id).pausedBecause).toBe(world.view(id).pausedBecause);
    expect(resume(world, id)).toMatchObject({ok: true});
    expect(world.view(id).state).toBe('paused');
    const more = {usd: 5, tokens: null};
    world.ask({type: 'resume', teamId: id, agent: null, budget: more});
    expect(world.order()).toEqual(['a', 'b']);
    expect(world.view(id)).toMatchObject({state: 'running', budget: {limitUsd: 5}});
    expect(world.view(id).pausedBecause).toBeUndefined();
    expect(world.restarted().view(id).budget).toMatchObject({limitUsd: 5});
  });
});
