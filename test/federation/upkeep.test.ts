import {describe, expect, test} from 'vitest';
import type {AgentGroup} from '../../src/model/agent.ts';
import type {BreakerState} from '../../src/model/edge.ts';
import type {Failure} from '../../src/model/failure.ts';
import type {ProcessProbe, Vitals} from '../../src/model/health.ts';
import {hostId} from '../../src/model/ids.ts';
import type {PromptTask} from '../../src/model/task.ts';
import type {TeamSpec} from '../../src/model/team.ts';
import type {TeamRepository} from '../../src/model/work.ts';
import {EngineWorld, failing, SUCCESS, task} from './engine-world.ts';

const BEAT_MS = 500;

function prompt(id: string, changes: Partial<PromptTask> = {}): PromptTask {
  const {expressions, needs, condition, priority, env, continueOnError, retries} = task(id);
  const facts = {id, expressions, needs, condition, priority, env, continueOnError, retries};
  return {...facts, prompt: [`Do ${id}`], workspace: 'worktree', change: 'optional', ...changes};
}

const REPOSITORY: TeamRepository = {
  root: '/r',
  gitFolder: '/r/.git',
  prefix: '',
  base: '0'.repeat(40),
  branch: 'godel/audit',
  checkedOut: 'main',
  dirtyFiles: 0,
};

function group(runtime: string, count: number): AgentGroup {
  return {name: runtime, count, skills: [], runtime, model: null, costPerHour: null, speed: 1, slots: 1};
}

function agents(...groups: AgentGroup[]): Partial<TeamSpec> {
  return {count: groups.reduce((sum, {count}) => sum + count, 0), groups, repository: REPOSITORY};
}

/** What hosts tell in a time in which nothing else happens. */
function live(world: EngineWorld, ms: number, vitals: (beat: number) => Partial<Vitals> | null = () => null): void {
  const beats = Math.round(ms / BEAT_MS);
  for (let beat = 1; beat <= beats; beat += 1) {
    const endMs = world.nowMs + BEAT_MS;
    sleepUntil(world, endMs);
    const said = vitals(beat);
    const attempt = world.assigned().at(-1)?.attempt ?? 0;
    const idle = {attempt, processes: 1, cpuMs: 0, rssBytes: 1, outputBytes: 0, silentMs: beat * BEAT_MS};
    world.give({type: 'vitals', hostId: world.host, lagMs: 0, vitals: said ? [{...idle, ...said}] : []});
  }
}

/** Time passes; the engine is woken whenever it wants to be. */
function sleepUntil(world: EngineWorld, endMs: number, probe: ProcessProbe = {state: 'waiting', cpuMs: 1}): void {
  for (;;) {
    const dueMs = world.engine.nextDeadlineMs();
    if (dueMs === null || dueMs > endMs) break;
    world.nowMs = Math.max(world.nowMs, dueMs);
    const {effects} = world.give({type: 'tick'});
    for (const {type} of effects) {
      if (type === 'probe-host') world.give({type: 'host-probed', hostId: world.host, probe});
    }
  }
  world.nowMs = endMs;
}

function effectsOf(world: EngineWorld, type: string): number {
  return world.effects.filter(effect => effect.type === type).length;
}

describe('an attempt that hangs', () => {
  const SILENT: Failure = {reason: 'stopped', by: 'silent'};

  test('is stopped at its budget, fails as silent, and goes to somebody again without using up a retry', () => {
    const world = new EngineWorld();
    world.start([task('a', {limits: {silenceMs: 10_000}})]);
    live(world, 11_000, () => ({}));
    expect(world.effects).toContainEqual({
      type: 'stop-attempts',
      hostId: world.host,
      attempts: [world.attemptOf('a')],
      by: 'silent',
    });
    world.finish('a', failing(SILENT));
    expect(world.events('attempt-failed')).toMatchObject([
      {failure: {reason: 'silent', budgetMs: 10_000}, retryInMs: 0},
    ]);
    expect(world.order()).toEqual(['a', 'a']);
  });

  test('keeps a success that comes before it is stopped', () => {
    const world = new EngineWorld();
    const team = world.start([task('a', {limits: {silenceMs: 10_000}})]);
    live(world, 11_000, () => ({}));
    world.finish('a');
    expect(world.view(team).state).toBe('succeeded');
  });

  test('again and again has failed as silent after three more attempts, however many losses are allowed', () => {
    const world = new EngineWorld({maxLosses: 100});
    const team = world.start([task('a', {limits: {silenceMs: 10_000}})]);
    for (let times = 0; times < 4; times += 1) {
      live(world, 2000);
      live(world, 11_000, () => ({}));
      world.finish('a', failing(SILENT));
    }
    expect(world.view(team).state).toBe('failed');
    expect(world.events('task-failed')).toMatchObject([{failure: {reason: 'silent'}}]);
  });

  test('may be silent for ever where nothing was said, if it is a command', () => {
    const world = new EngineWorld();
    world.start([task('a')]);
    live(world, 3_600_000, () => ({}));
    expect(effectsOf(world, 'stop-attempts')).toBe(0);
  });

  test('is not judged while it is paused', () => {
    const world = new EngineWorld();
    const teamId = world.start([task('a', {limits: {silenceMs: 10_000}})]);
    live(world, 4000, () => ({}));
    world.ask({type: 'pause', teamId, agent: null});
    live(world, 60_000);
    world.ask({type: 'resume', teamId, agent: null});
    live(world, 4000);
    expect(effectsOf(world, 'stop-attempts')).toBe(0);
    live(world, 4000);
    expect(effectsOf(world, 'stop-attempts')).toBe(1);
  });
});

describe('a host that hangs', () => {
  test('is given nothing, ended when it is stuck for certain, and its task is done by others only after that', () => {
    const world = new EngineWorld();
    world.start([task('a'), task('b', {needs: ['a']})]);
    live(world, 10_000);
    sleepUntil(world, world.nowMs + 950, {state: 'stopped', cpuMs: 1});
    expect(world.events('host-health').map(({health}) => health)).toEqual(['suspect', 'unhealthy']);
    world.finish('a');
    expect(world.order()).toEqual(['a']);
    expect(effectsOf(world, 'kill-host')).toBe(0);
    sleepUntil(world, world.nowMs + 5000, {state: 'stopped', cpuMs: 1});
    expect(effectsOf(world, 'kill-host')).toBe(1);
    world.give({type: 'host-gone', hostId: world.host});
    world.connect(hostId('h2'));
    expect(world.order()).toEqual(['a', 'b']);
  });

  test('leaves its tasks leased until nothing of them is left', () => {
    const world = new EngineWorld();
    world.start([task('a')]);
    live(world, 10_000);
    sleepUntil(world, world.nowMs + 20_000, {state: 'stopped', cpuMs: 1});
    expect(effectsOf(world, 'kill-host')).toBe(1);
    world.give({type: 'host-gone', hostId: world.host});
    world.connect(hostId('h2'));
    expect(world.order()).toEqual(['a']);
    world.give({type: 'strays-gone', hostId: hostId('h2'), attempts: [world.attemptOf('a')]});
    expect(world.order()).toEqual(['a', 'a']);
  });

  test('is given things again when it is heard again', () => {
    const world = new EngineWorld();
    world.start([task('a'), task('b', {needs: ['a']})]);
    live(world, 10_000);
    sleepUntil(world, world.nowMs + 1500, {state: 'working', cpuMs: 1});
    world.finish('a');
    expect(world.order()).toEqual(['a']);
    live(world, 1000);
    expect(world.order()).toEqual(['a', 'b']);
    expect(effectsOf(world, 'kill-host')).toBe(0);
  });

  test('is not one that has nothing to do any more and says nothing', () => {
    const world = new EngineWorld();
    world.start([task('a')]);
    live(world, 10_000);
    world.finish('a');
    sleepUntil(world, world.nowMs + 600_000);
    expect(world.events('host-health')).toEqual([]);
    expect(world.engine.nextDeadlineMs()).toBeNull();
  });

  test('is not one that could not be heard, because the daemon was held up', () => {
    const world = new EngineWorld();
    world.start([task('a')]);
    for (let times = 0; times < 20; times += 1) {
      live(world, 2000);
      world.nowMs += 3_600_000;
      world.give({type: 'tick'});
    }
    expect(world.events('host-health')).toEqual([]);
  });
});

describe('a runtime whose breaker is open', () => {
  function breaker(world: EngineWorld, state: BreakerState): void {
    const of = {kind: 'runtime', name: 'pi'} as const;
    world.give({type: 'breaker', hostId: world.host, of, state, detail: 'no module', retryAfterMs: 1});
  }

  test('is given nothing; what others can do, they do', () => {
    const world = new EngineWorld();
    world.connect();
    breaker(world, 'open');
    const plan = {name: null, env: {}, tasks: [prompt('a'), prompt('b'), prompt('c')]};
    world.spawn({...world.engineSpec(), plan, ...agents(group('pi', 2), group('claude', 1))});
    expect(world.assigned().map(({means}) => means?.runtime)).toEqual(['claude']);
    world.finish('a');
    expect(world.assigned().map(({means}) => means?.runtime)).toEqual(['claude', 'claude']);
  });

  test('is given one attempt when it is half-open, and all when it is closed', () => {
    const world = new EngineWorld();
    world.connect();
    breaker(world, 'open');
    const plan = {name: null, env: {}, tasks: ['a', 'b', 'c'].map(id => prompt(id))};
    const team = world.spawn({...world.engineSpec(), plan, ...agents(group('pi', 3))});
    expect(world.order()).toEqual([]);
    expect(world.view(team).state).toBe('running');
    breaker(world, 'half-open');
    expect(world.order()).toHaveLength(1);
    breaker(world, 'closed');
    expect(world.order()).toHaveLength(3);
  });

  test('is given nothing on the host where it is open, while that of another host is at work', () => {
    const world = new EngineWorld();
    world.connect();
    const team = world.spawn({...world.engineSpec(), secretNames: [], ...agents(group('pi', 1))});
    world.connect(hostId('h2'));
    world.ask({type: 'scale-team', teamId: team, change: {count: 2}});
    breaker(world, 'open');
    const plan = {name: null, env: {}, tasks: ['a', 'b'].map(id => prompt(id))};
    world.ask({type: 'run-plan', teamId: team, plan, secretNames: []});
    expect(world.effects.flatMap(effect => (effect.type === 'assign' ? [effect.hostId] : []))).toEqual(['h2']);
    expect(world.view(team).waiting).toContainEqual({why: expect.stringContaining('no module') as string, tasks: 1});
    breaker(world, 'closed');
    expect(world.order()).toEqual(['a', 'b']);
  });

  test('that turned an attempt away costs that no retry', () => {
    const world = new EngineWorld();
    world.connect();
    const plan = {name: null, env: {}, tasks: [prompt('a')]};
    world.spawn({...world.engineSpec(), plan, ...agents(group('pi', 1))});
    const failure: Failure = {
      reason: 'runtime-unavailable',
      what: 'runtime',
      name: 'pi',
      retryAfterMs: 1000,
      detail: 'no module',
    };
    world.finish('a', failing(failure));
    sleepUntil(world, world.nowMs + 5000);
    expect(world.order()).toEqual(['a', 'a']);
  });
});

describe('a runtime that dies whenever it is started', () => {
  const DIED: Failure = {reason: 'agent-error', runtime: 'pi', kind: 'crashed', detail: 'no module x', exitCode: 1};

  test('of three agents side by side is parked in seconds, as its breaker opens no sooner than after as many deaths', () => {
    const world = new EngineWorld();
    world.connect();
    const tasks = ['a', 'b', 'c', 'd', 'e', 'f'].map(id => prompt(id, {retries: 100}));
    const plan = {name: null, env: {}, tasks};
    const team = world.spawn({...world.engineSpec(), plan, ...agents(group('pi', 3))});
    const beganMs = world.nowMs;
    // As a host's breaker: open after five deaths within a minute for ten seconds, twice as long each time.
    let openMs = 10_000;
    let deaths = 0;
    const tell = (state: BreakerState, retryAfterMs = 0) => {
      const of = {kind: 'runtime', name: 'pi'} as const;
      world.give({type: 'breaker', hostId: world.host, of, state, detail: 'no module x', retryAfterMs});
    };
    let opensUntilMs = 0;
    for (let seen = 0; world.view(team).endedBecause === null && world.nowMs < beganMs + 120_000; ) {
      const begun = world.order().slice(seen);
      seen += begun.length;
      for (const id of begun) {
        deaths += 1;
        if (deaths >= 5 && world.nowMs >= opensUntilMs) {
          tell('open', openMs);
          opensUntilMs = world.nowMs + openMs;
          openMs *= 2;
        }
        world.finish(id, failing(DIED));
      }
      const wasOpen = opensUntilMs > world.nowMs;
      sleepUntil(world, world.nowMs + 100);
      if (wasOpen && world.nowMs >= opensUntilMs) tell('half-open');
    }
    expect(world.view(team).endedBecause).toContain('died at its start 5 times in a row');
    expect(world.nowMs - beganMs).toBeLessThan(15_000);
  });

  test('is not parked by what its breaker says of the deaths of other teams', () => {
    const world = new EngineWorld();
    world.connect();
    const plan = {name: null, env: {}, tasks: [prompt('a', {retries: 100})]};
    const team = world.spawn({...world.engineSpec(), plan, ...agents(group('pi', 1))});
    const of = {kind: 'runtime', name: 'pi'} as const;
    for (let times = 0; times < 9; times += 1) {
      for (const state of ['open', 'half-open'] as const) {
        world.give({type: 'breaker', hostId: world.host, of, state, detail: 'no module x', retryAfterMs: 1});
      }
    }
    world.finish('a', failing(DIED));
    expect(world.events('agents-failed')).toEqual([]);
    expect(world.view(team).state).toBe('running');
  });

  test('is parked after five deaths, with what it said; the team ends if it has no other', () => {
    const world = new EngineWorld();
    world.connect();
    const plan = {name: null, env: {}, tasks: [prompt('a', {retries: 100})]};
    const team = world.spawn({...world.engineSpec(), plan, ...agents(group('pi', 1))});
    for (let times = 0; times < 5; times += 1) {
      world.finish('a', failing(DIED));
      sleepUntil(world, world.nowMs + 40_000);
    }
    expect(world.order()).toHaveLength(5);
    expect(world.events('agents-failed')).toMatchObject([{failure: {detail: expect.stringContaining('no module x')}}]);
    expect(world.view(team).endedBecause).toContain('no module x');
  });

  test('has five deaths again when somebody restarts an agent of it', () => {
    const world = new EngineWorld();
    world.connect();
    const plan = {name: null, env: {}, tasks: [prompt('a', {retries: 100}), task('b')]};
    const teamId = world.spawn({...world.engineSpec(), plan, ...agents(group('pi', 1), group('command', 1))});
    const deaths = () => world.order().filter(id => id === 'a').length;
    const die = () => {
      world.finish('a', failing(DIED));
      sleepUntil(world, world.nowMs + 40_000);
    };
    while (world.events('agents-failed').length === 0) die();
    expect(deaths()).toBe(5);
    const {agentId} = world.assigned().find(({taskId}) => taskId === 'a')!;
    world.ask({type: 'agent-order', teamId, agent: agentId, what: 'restart'});
    world.give({type: 'agents-ready', hostId: world.host, agents: [agentId]});
    sleepUntil(world, world.nowMs + 40_000);
    expect(deaths()).toBe(6);
    die();
    expect(deaths()).toBe(7);
    expect(world.events('agents-failed')).toHaveLength(1);
    while (world.events('agents-failed').length === 1) die();
    expect(deaths()).toBe(10);
  });

  test('is parked also where nobody knows how it begins, once others of the team have worked', () => {
    const world = new EngineWorld();
    world.connect();
    const plan = {
      name: null,
      env: {},
      tasks: Array.from({length: 40}, (_, index) => prompt(`t${index}`, {retries: 100})),
    };
    const team = world.spawn({...world.engineSpec(), plan, ...agents(group('dead', 1), group('mine', 1))});
    const died: Failure = {...DIED, runtime: 'dead'};
    let deaths = 0;
    for (let seen = 0; seen < world.assigned().length; seen += 1) {
      const {taskId, means} = world.assigned()[seen]!;
      deaths += means?.runtime === 'dead' ? 1 : 0;
      world.finish(taskId, means?.runtime === 'dead' ? failing(died) : SUCCESS);
      sleepUntil(world, world.nowMs + 1000);
    }
    expect(world.view(team).state).toBe('succeeded');
    expect(deaths).toBeGreaterThanOrEqual(5);
    expect(deaths).toBeLessThanOrEqual(6);
  });

  test('is tried again later each time, and one that works makes good', () => {
    const world = new EngineWorld();
    world.connect();
    const plan = {name: null, env: {}, tasks: ['a', 'b'].map(id => prompt(id, {retries: 100}))};
    const team = world.spawn({...world.engineSpec(), plan, ...agents(group('pi', 1))});
    for (let times = 0; times < 4; times += 1) {
      const last = world.order().at(-1) ?? '';
      world.finish(last, failing(DIED));
      sleepUntil(world, world.nowMs + 40_000);
    }
    world.finish(world.order().at(-1) ?? '', SUCCESS);
    for (let times = 0; times < 4; times += 1) {
      world.finish(world.order().at(-1) ?? '', failing(DIED));
      sleepUntil(world, world.nowMs + 40_000);
    }
    expect(world.events('agents-failed')).toEqual([]);
    expect(world.view(team).state).toBe('running');
  });
});
