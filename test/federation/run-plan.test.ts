import {describe, expect, it} from 'vitest';
import {DEFAULT_AUTOSCALE} from '../../src/model/autoscale.ts';
import type {AttemptOutcome} from '../../src/model/attempt.ts';
import type {TeamId} from '../../src/model/ids.ts';
import type {Plan} from '../../src/model/plan.ts';
import type {TaskSpec} from '../../src/model/task.ts';
import {REPOSITORY} from '../store/sample-records.ts';
import {EngineWorld, failing, SUCCESS, task} from './engine-world.ts';

const planOf = (tasks: readonly TaskSpec[], changes: Partial<Plan> = {}): Plan => ({
  name: 'p',
  env: {},
  tasks,
  ...changes,
});

function run(world: EngineWorld, teamId: TeamId, tasks: readonly TaskSpec[], changes: Partial<Plan> = {}) {
  return world.ask({type: 'run-plan', teamId, plan: planOf(tasks, changes), secretNames: ['KEY']});
}

function idleTeam(): {world: EngineWorld; id: TeamId} {
  const world = new EngineWorld();
  world.connect();
  return {world, id: world.spawn({...world.engineSpec(), count: 2})};
}

describe('a plan for a team that has nothing to do', () => {
  it('is run, and leaves the team idle when it is over', () => {
    const {world, id} = idleTeam();
    expect(run(world, id, [task('a'), task('b', {needs: ['a']})])).toMatchObject({
      ok: true,
      value: {state: 'running', tasks: {total: 2}},
    });
    world.finish('a');
    expect(world.view(id).state).toBe('running');
    world.finish('b');
    expect(world.view(id)).toMatchObject({state: 'idle', outcome: null, tasks: {total: 2, succeeded: 2}});
    expect(world.restarted().view(id)).toMatchObject({state: 'idle', tasks: {total: 2, succeeded: 2}});
  });

  it('brings what it says of the team, which holds from then on, also after a restart', () => {
    const {world, id} = idleTeam();
    const settings = {strategy: {name: 'round-robin'}, autoscale: {...DEFAULT_AUTOSCALE, min: 1, max: 3}} as const;
    const budget = {usd: 3, tokens: null, perHour: 1};
    const warnings = ['It says more.'];
    const plan = planOf([task('a')]);
    const repository = {...REPOSITORY, branch: 'godel/audit'};
    const rest = {settings, budget, warnings, repository};
    expect(world.ask({type: 'run-plan', teamId: id, plan, secretNames: [], ...rest})).toMatchObject({ok: true});
    expect(world.view(id).warnings).toContain('It says more.');
    for (const each of [world, world.restarted()]) {
      expect(each.view(id)).toMatchObject({
        settings: {...settings, paused: false},
        budget: {limitUsd: 3, hour: {limitUsd: 1, usedUsd: 0}},
        repository,
      });
    }
    world.finish('a');
    const other = {...REPOSITORY, branch: 'godel/other'};
    world.ask({type: 'run-plan', teamId: id, plan, secretNames: [], repository: other});
    expect(world.view(id).repository).toEqual(repository);
  });

  it('is followed by others, whose tasks have ids of their own wherever they are named', () => {
    const {world, id} = idleTeam();
    const items = {from: 'output', task: 'a', path: []} as const;
    const plan = [task('a', {outputs: 'json'}), task('b', {needs: ['a'], foreach: items})];
    run(world, id, plan);
    const runThrough = (a: string, b: string) => {
      world.finish(a);
      const {task: seq} = world.assigned().at(-1)!;
      world.give({type: 'output-read', teamId: id, task: seq, output: {ok: true, value: ['x']}});
      expect(world.assigned().at(-1)).toMatchObject({taskId: b, needs: [{id: a, name: 'a', state: 'succeeded'}]});
      world.finish(b);
      expect(world.view(id).state).toBe('idle');
    };
    runThrough('a', 'b[x]');
    run(world, id, plan);
    runThrough('a#2', 'b#2[x]');
    run(world, id, plan);
    runThrough('a#3', 'b#3[x]');
    const created = world.records.flatMap(record => (record.kind === 'tasks-created' ? record.tasks : []));
    expect(created.map(({seq, id: name}) => `${seq} ${name}`)).toEqual(
      ['a', 'b', 'b[x]', 'a#2', 'b#2', 'b#2[x]', 'a#3', 'b#3', 'b#3[x]'].map((name, seq) => `${seq} ${name}`),
    );
    expect(created.map(({specIndex}) => specIndex)).toEqual([0, 1, 1, 2, 3, 3, 4, 5, 5]);
  });

  it('goes on after a restart where it was, also behind instances of an earlier one', () => {
    const {world, id} = idleTeam();
    run(world, id, [task('f', {foreach: {from: 'list', items: [1, 2]}})]);
    world.finish('f[1]');
    world.finish('f[2]');
    run(world, id, [task('a'), task('f', {needs: ['a'], foreach: {from: 'list', items: [3]}})], {env: {LEVEL: '2'}});
    const again = world.restarted();
    again.connect(world.host, [world.attemptOf('a')]);
    again.give({
      type: 'attempt-finished',
      hostId: world.host,
      attempt: world.attemptOf('a'),
      outcome: {...failing(), result: {ok: true}},
    });
    expect(again.order()).toEqual(['f#2[3]']);
    const opened = again.effects.flatMap(effect => (effect.type === 'open-team' ? [effect.spec] : [])).at(-1);
    expect(opened).toMatchObject({secretNames: ['KEY'], plan: {env: {LEVEL: '2'}, tasks: [{}, {}, {id: 'f#2'}]}});
    again.finish('f#2[3]');
    expect(again.view(id)).toMatchObject({state: 'idle', tasks: {total: 4, succeeded: 4}});
  });

  it('tells hosts what the team is now before they are given any of it', () => {
    const {world, id} = idleTeam();
    const before = world.effects.length;
    run(world, id, [task('a')], {env: {A: '1'}});
    const told = world.effects.slice(before).flatMap(({type}) => (/open-team|assign/.test(type) ? [type] : []));
    expect(told).toEqual(['open-team', 'assign']);
  });

  it('is refused while there are tasks that are not over, and when the team is', () => {
    const {world, id} = idleTeam();
    run(world, id, [task('a'), task('b')]);
    world.finish('a');
    expect(run(world, id, [task('c')])).toMatchObject({failure: {reason: 'team-busy', name: 'audit', open: 1}});
    world.finish('b', failing());
    expect(world.view(id).state).toBe('idle');
    world.ask({type: 'end-team', teamId: id, by: 'user'});
    expect(run(world, id, [task('c')])).toMatchObject({failure: {reason: 'team-over', state: 'killed'}});
    expect(world.view(id)).toMatchObject({state: 'killed', outcome: 'killed'});
  });

  it('waits while the team is paused', () => {
    const {world, id} = idleTeam();
    world.ask({type: 'pause', teamId: id, agent: null});
    expect(run(world, id, [task('a')])).toMatchObject({value: {state: 'paused'}});
    expect(world.order()).toEqual([]);
    expect(world.ask({type: 'resume', teamId: id, agent: null})).toMatchObject({value: {state: 'running'}});
    expect(world.order()).toEqual(['a']);
  });
});

describe('what a daemon has learned before it was started anew', () => {
  /** One of two agents takes ten times as long as the other, or fails, at the tasks of a first plan. */
  function taught(outcomeOf: (isFirst: boolean) => AttemptOutcome) {
    const {world, id} = idleTeam();
    for (let round = 0; round < 4; round += 1) {
      run(world, id, [task(`a${round}`), task(`b${round}`)]);
      for (const {attempt, agentId, taskId} of world.assigned().slice(-2)) {
        const outcome = outcomeOf(agentId === 'audit-01');
        world.give({type: 'attempt-finished', hostId: world.host, attempt, outcome});
        expect(taskId).toMatch(/^[ab]/);
      }
    }
    const again = world.restarted();
    again.connect();
    return {world, again, id};
  }

  it('decides who is chosen: the faster one', () => {
    const {again, id} = taught(isFirst => ({...SUCCESS, durationMs: isFirst ? 10_000 : 1000}));
    run(again, id, [task('next')]);
    expect(again.assigned()).toMatchObject([{taskId: 'next', agentId: 'audit-02'}]);
  });

  it('decides who is chosen: the one that does not fail', () => {
    const {again, id} = taught(isFirst => (isFirst ? failing() : {...SUCCESS, durationMs: 1000}));
    run(again, id, [task('next')]);
    expect(again.assigned()).toMatchObject([{taskId: 'next', agentId: 'audit-02'}]);
  });

  it('is shown of the agents as before', () => {
    const {world, again, id} = taught(isFirst => ({...SUCCESS, durationMs: isFirst ? 10_000 : 1000}));
    const shown = ({engine}: EngineWorld) =>
      engine.agents(id, {now: world.now(), recorded: () => undefined}).map(({meanMs, succeeded, failed, errorRate}) => {
        return {meanMs: Math.round(meanMs ?? 0), succeeded, failed, errorRate};
      });
    expect(shown(again)).toEqual(shown(world));
  });

  it('says what takes too long: a straggler gets its second attempt at once', () => {
    const {world, id} = idleTeam();
    const safe = (name: string) => task(name, {run: 'work', idempotent: true});
    run(world, id, ['a', 'b', 'c', 'd', 'e'].map(safe));
    for (const name of ['a', 'b', 'c', 'd', 'e']) world.finish(name, {...SUCCESS, durationMs: 1000});
    run(world, id, [safe('slow')]);
    const first = world.attemptOf('slow');
    world.later(1000);
    const again = world.restarted();
    again.connect(world.host, [first]);
    again.give({
      type: 'agents-ready',
      hostId: world.host,
      agents: again.engine.agents(id, {now: again.now(), recorded: () => undefined}).map(agent => agent.id),
    });
    again.later(1000);
    expect(again.events('attempt-speculated')).toMatchObject([{task: 'slow', twinOf: first}]);
  });
});
