import {describe, expect, it} from 'vitest';
import type {AgentGroup} from '../../src/model/agent.ts';
import {type Autoscale, DEFAULT_AUTOSCALE} from '../../src/model/autoscale.ts';
import type {AgentId, TeamId} from '../../src/model/ids.ts';
import type {TaskSpec} from '../../src/model/task.ts';
import type {TeamSpec} from '../../src/model/team.ts';
import {EngineWorld, failing, SUCCESS, task, teamSpec} from './engine-world.ts';

const SCALED: Autoscale = {...DEFAULT_AUTOSCALE, min: 2, max: 50, scaleUpThreshold: 10};

const abreast = (count: number, changes: Parameters<typeof task>[1] = {}) =>
  Array.from({length: count}, (_, index) => task(`t${index}`, changes));

function spawned(tasks: readonly TaskSpec[], autoscale: Autoscale = SCALED, spec: Partial<TeamSpec> = {}) {
  const world = new EngineWorld();
  const id = world.start(tasks, {count: autoscale.min || 1, autoscale, ...spec});
  return {world, id};
}

const decisions = (world: EngineWorld) => world.events('team-scaled').map(({decision}) => decision);
const agentsOf = (world: EngineWorld, id: TeamId) => world.view(id).agents.requested;

/** Tasks that have been assigned and not finished, in that order. */
function running(world: EngineWorld): string[] {
  const over = new Set(world.events('task-succeeded').map(({task: id}) => id));
  return world.order().filter(id => !over.has(id));
}

/** Lets time pass until the team has changed, or so much has passed. */
function until(world: EngineWorld, isDone: () => boolean, mostMs = 120_000): void {
  const endMs = world.nowMs + mostMs;
  while (!isDone()) {
    const next = world.engine.nextDeadlineMs();
    if (next === null || next > endMs) throw new Error('it did not happen in time');
    world.later(Math.max(0, next - world.nowMs));
  }
}

const one = (name: string, count: number): AgentGroup => ({
  name,
  count,
  skills: [name],
  runtime: 'command',
  model: null,
  costPerHour: null,
  speed: 1,
  slots: 1,
});

describe('a team that scales itself', () => {
  it('takes a queue of 100 on at once, shrinks as it ends, and loses no work', () => {
    const {world, id} = spawned(abreast(100));
    expect(decisions(world)).toMatchObject([{from: 2, to: 50, why: 'burst', inputs: {queued: 100, width: 100}}]);
    expect(running(world)).toHaveLength(50);
    for (let round = 0; round < 400 && world.events('team-finished').length === 0; round += 1) {
      world.nowMs += 100;
      const [first] = running(world);
      if (first === undefined) break;
      world.finish(first, {...SUCCESS, durationMs: 5000});
      if (world.events('team-finished').length > 0) break;
      const {requested} = world.view(id).agents;
      expect(requested).toBeGreaterThanOrEqual(2);
      expect(requested).toBeLessThanOrEqual(50);
    }
    expect(world.view(id)).toMatchObject({state: 'succeeded', tasks: {succeeded: 100}});
    expect(world.order()).toHaveLength(100);
    expect(world.effects.filter(({type}) => type === 'stop-attempts')).toEqual([]);
    expect(decisions(world).at(-1)).toMatchObject({why: 'width'});
    expect(decisions(world).filter(({from, to}) => to > from)).toHaveLength(1);
  });

  it('gives back whom it has had no work for, first at the end of what idle means', () => {
    const tasks = [
      task('long'),
      ...abreast(30),
      ...abreast(30, {needs: ['long']}).map(one => ({...one, id: `late-${one.id}`})),
    ];
    const {world, id} = spawned(tasks, {...SCALED, idleMs: 20_000, scaleDownThreshold: 0});
    expect(agentsOf(world, id)).toBe(31);
    for (const one of abreast(30)) world.finish(one.id);
    const beganMs = world.nowMs;
    until(world, () => agentsOf(world, id) < 30);
    expect(world.nowMs - beganMs).toBeGreaterThanOrEqual(20_000);
    expect(decisions(world).at(-1)).toMatchObject({from: 30, to: 15, why: 'idle'});
    until(world, () => agentsOf(world, id) === 2);
    expect(running(world)).toEqual(['long']);
  });

  it('has agents there when what runs is expected to end', () => {
    const first = task('first', {estimate: {durationMs: 60_000}});
    const {world, id} = spawned([first, ...abreast(20, {needs: ['first']})], {...SCALED, scaleUpThreshold: 0});
    expect(agentsOf(world, id)).toBe(2);
    until(world, () => agentsOf(world, id) === 20);
    expect(decisions(world)).toMatchObject([{from: 2, to: 20, why: 'width', inputs: {queued: 0, soon: 20}}]);
    expect(world.nowMs).toBe(1000 + 60_000 - 750);
    world.finish('first');
    expect(running(world)).toHaveLength(20);
  });

  it('has no more agents than the plan can use, and none when it has none to do', () => {
    const world = new EngineWorld();
    world.connect();
    const chain = [task('a'), task('b', {needs: ['a']}), task('c', {needs: ['b']})];
    const id = world.spawn(teamSpec(chain, {count: 8, autoscale: {...SCALED, min: 0}}));
    until(world, () => agentsOf(world, id) === 1);
    const idle = world.spawn(teamSpec(null, {name: 'idle', count: 3, autoscale: {...SCALED, min: 0}}));
    expect(agentsOf(world, idle)).toBe(3);
    until(world, () => agentsOf(world, idle) === 0);
    expect(world.view(idle).state).toBe('idle');
  });

  it('starts nobody for what nobody can do, or cannot be paid, or the machine would not let run', () => {
    const skilled: AgentGroup = {
      name: 'go',
      count: 2,
      skills: ['go'],
      runtime: 'command',
      model: null,
      costPerHour: null,
      speed: 1,
      slots: 1,
    };
    const lost = spawned(abreast(40, {skills: ['sql']}), SCALED, {groups: [skilled]});
    expect(decisions(lost.world)).toEqual([]);
    const full = new EngineWorld({permits: 12});
    const id = full.start(abreast(200), {count: 2, autoscale: SCALED});
    expect(running(full)).toHaveLength(12);
    const most = Math.max(...decisions(full).map(({to}) => to));
    until(full, () => agentsOf(full, id) === 12);
    full.finish('t0');
    full.later(1000);
    expect(agentsOf(full, id)).toBe(12);
    expect(most).toBe(50);
  });

  it('keeps to what an hour may cost', () => {
    const priced: AgentGroup = {
      name: 'a',
      count: 2,
      skills: [],
      runtime: 'command',
      model: null,
      costPerHour: 0.08,
      speed: 1,
      slots: 1,
    };
    const {world, id} = spawned(abreast(100), {...SCALED, maxCostPerHour: 1}, {groups: [priced]});
    expect(agentsOf(world, id)).toBe(12);
    expect(decisions(world)[0]?.inputs).toMatchObject({usdPerHour: 0.16});
    world.later(100);
    expect(world.view(id).waiting).toEqual([
      {why: 'every agent is busy, and another one would cost more than the $1.00 an hour that it may', tasks: 88},
    ]);
  });

  it('says what it waits for when it may not grow', () => {
    const {world, id} = spawned(abreast(20), {...SCALED, max: 4});
    world.later(100);
    const whys = () => world.view(id).waiting.map(({why}) => why);
    expect(whys()).toEqual(['every agent is busy, and there may be 4 at most']);
    world.ask({type: 'scale-team', teamId: id, change: {autoscale: {...SCALED, scaleUpThreshold: 30}}});
    world.later(100);
    expect(whys()).toEqual(['every agent is busy, and more come when more than 30 tasks wait']);
    world.ask({type: 'scale-team', teamId: id, change: {autoscale: 'off'}});
    expect(whys()).toEqual(['every agent is busy']);
    const changed = world.events('team-changed');
    expect(changed.map(({autoscale}) => autoscale?.scaleUpThreshold ?? null)).toEqual([30, null]);
  });

  it('takes the price of whom it would start for the next one', () => {
    const group = (name: string, costPerHour: number): AgentGroup => ({...one(name, 1), costPerHour});
    const {world, id} = spawned(
      abreast(20, {skills: ['cheap']}),
      {...SCALED, min: 2, maxCostPerHour: 1},
      {groups: [group('dear', 0.5), group('cheap', 0.1)], count: 2},
    );
    expect(agentsOf(world, id)).toBe(6);
  });

  it('keeps its settings and its agents over a restart', () => {
    const {world, id} = spawned(abreast(100));
    const again = world.restarted();
    expect(again.view(id)).toMatchObject({settings: {autoscale: SCALED}, agents: {requested: 50}});
    again.connect(
      again.host,
      world.assigned().map(({attempt}) => attempt),
    );
    expect(decisions(again)).toHaveLength(decisions(world).length);
    expect(agentsOf(again, id)).toBe(50);
  });

  it('does nothing while it is paused, and stops when a number is asked for', () => {
    const {world, id} = spawned([task('first'), ...abreast(60, {needs: ['first']})]);
    world.ask({type: 'pause', teamId: id, agent: null});
    world.finish('first', {...SUCCESS, durationMs: 5000});
    world.later(10_000);
    expect(agentsOf(world, id)).toBe(2);
    world.ask({type: 'resume', teamId: id, agent: null});
    world.later(50);
    expect(agentsOf(world, id)).toBe(50);
    world.ask({type: 'scale-team', teamId: id, change: {count: 4}});
    world.later(10_000);
    expect(agentsOf(world, id)).toBe(4);
  });

  it('stays with the last agent that can do a task, without asking for it over and over', () => {
    const tasks = [task('css', {skills: ['css']}), task('sql', {skills: ['sql'], needs: ['css']})];
    const groups = [one('css', 2), one('sql', 2)];
    const {world, id} = spawned(tasks, {...SCALED, min: 1}, {groups, count: 4});
    until(world, () => agentsOf(world, id) === 2);
    const looks: number[] = [];
    for (let count = 0; count < 50; count += 1) {
      const next = world.engine.nextDeadlineMs();
      if (next === null) break;
      looks.push(next);
      world.later(Math.max(0, next - world.nowMs));
    }
    expect(looks.length).toBeLessThan(10);
    expect(world.events('team-warning')).toEqual([]);
    const kept: AgentId[] = world.assigned().map(({agentId}) => agentId);
    expect(kept).toHaveLength(1);
    world.finish('css');
    expect(running(world)).toEqual(['sql']);
  });

  it('does not grow back to what it had beyond its maximum once one of those is gone', () => {
    const tasks = [...abreast(4, {skills: ['css']}), task('sql', {skills: ['sql']})];
    const {world, id} = spawned(tasks, {...SCALED, min: 1, max: 2}, {groups: [one('css', 3), one('sql', 1)], count: 4});
    until(world, () => agentsOf(world, id) === 2);
    world.ask({type: 'scale-team', teamId: id, change: {autoscale: {...SCALED, min: 1, max: 1}}});
    world.later(60_000);
    expect(agentsOf(world, id)).toBe(2);
    const last = world.assigned().find(({taskId}) => taskId === 't0')!.agentId;
    world.ask({type: 'agent-order', teamId: id, agent: last, what: 'kill'});
    world.finish('t0', failing({reason: 'stopped', by: 'agent-killed'}));
    world.later(60_000);
    expect(agentsOf(world, id)).toBe(1);
    expect(decisions(world).filter(({from, to}) => to > from)).toEqual([]);
  });

  it('ends when none of its agents works, instead of starting new ones without end', () => {
    const world = new EngineWorld();
    const id = world.start(abreast(100), {count: 2, autoscale: {...SCALED, max: 80}});
    expect(running(world)).toHaveLength(52);
    const ids = world.assigned().map(({agentId}) => agentId);
    world.give({type: 'agents-failed', hostId: world.host, agents: ids, detail: 'no such program'});
    for (const one of running(world)) world.finish(one, failing());
    expect(world.view(id)).toMatchObject({state: 'failed', endedBecause: expect.stringMatching(/agent/)});
    expect(decisions(world)).toHaveLength(1);
  });
});
