import {expect, test} from 'vitest';
import type {BreakerState} from '../../src/model/edge.ts';
import type {AgentGroup} from '../../src/model/agent.ts';
import type {TeamId} from '../../src/model/ids.ts';
import {EngineWorld, failing, hostRecord, SUCCESS, task} from './engine-world.ts';

const AGENTS: AgentGroup = {
  name: 'agent',
  count: 3,
  skills: [],
  runtime: 'command',
  model: null,
  costPerHour: null,
  speed: 1,
  slots: 1,
};

function agentsOf(world: EngineWorld, id: TeamId) {
  return world.engine.agents(id, {now: world.now(), recorded: () => undefined});
}

/** Has the agent that gets the first task fail at everything it is given until it is left out, while the others succeed. Returns its id. */
function failOne(world: EngineWorld, id: TeamId): string {
  const [first] = world.assigned();
  if (!first) throw new Error('nothing was assigned');
  const over = new Set<number>();
  const isLeftOut = () => agentsOf(world, id).some(({breaker}) => breaker === 'open');
  for (let round = 0; round < 200 && !isLeftOut(); round += 1) {
    world.nowMs += 100;
    const open = world.assigned().filter(({attempt}) => !over.has(attempt));
    for (const {attempt, agentId} of open) {
      over.add(attempt);
      const outcome = agentId === first.agentId ? failing() : {...SUCCESS, durationMs: 100};
      world.give({type: 'attempt-finished', hostId: world.host, attempt, outcome});
    }
  }
  return first.agentId;
}

/** The attempt that an agent was given last. */
function lastOf(world: EngineWorld, agent: string) {
  const last = world.assigned().findLast(({agentId}) => agentId === agent);
  if (!last) throw new Error(`${agent} was given nothing`);
  return last.attempt;
}

test('an agent that fails again and again is shown to be left out, for how long, and how it has done', () => {
  const world = new EngineWorld();
  const tasks = Array.from({length: 500}, (_, n) => task(`t${n}`, {retries: 3}));
  const id = world.start(tasks, {count: 3, groups: [AGENTS]});
  const bad = failOne(world, id);
  const views = agentsOf(world, id);
  const view = views.find(agent => agent.id === bad);
  expect(view).toMatchObject({breaker: 'open', trips: 1, state: 'suspect', errorRate: 1, meanMs: null});
  expect(world.engine.figures()).toMatchObject([
    {agents: {suspect: 1, busy: 2, idle: 0}, open: 1, halfOpen: 0, trips: 1},
  ]);
  expect(view?.why).toMatch(/^it has failed too often and is left out for another (29\.\d|30) s$/);
  for (const other of views.filter(agent => agent.id !== bad)) {
    expect(other).toMatchObject({breaker: 'closed', trips: 0, errorRate: 0, meanMs: 100, why: null});
  }
  expect(world.view(id).ailing).toEqual([{agent: bad, why: view?.why}]);
});

test('when an agent that is left out could be tried again is nothing to a team that is over', () => {
  const world = new EngineWorld();
  const tasks = Array.from({length: 500}, (_, n) => task(`t${n}`, {retries: 3}));
  const id = world.start(tasks, {count: 3, groups: [AGENTS]});
  failOne(world, id);
  world.give({type: 'end-team', request: 9, teamId: id, by: 'user'});
  for (const {attempt} of world.assigned()) {
    const outcome = failing({reason: 'stopped', by: 'user'});
    world.give({type: 'attempt-finished', hostId: world.host, attempt, outcome});
  }
  expect(world.view(id).state).toBe('killed');
  world.later(2000);
  expect(world.engine.nextDeadlineMs()).toBeNull();
});

test('an agent that is left out gets one task to show that it works, and is shown so', () => {
  const world = new EngineWorld();
  const tasks = Array.from({length: 500}, (_, n) => task(`t${n}`, {retries: 3}));
  const id = world.start(tasks, {count: 3, groups: [AGENTS]});
  const bad = failOne(world, id);
  world.later(31_000);
  const view = agentsOf(world, id).find(agent => agent.id === bad);
  expect(view).toMatchObject({breaker: 'half-open', state: 'busy'});
  expect(view?.why).toBe('it has failed too often, and has one task to show that it works');
  world.give({type: 'attempt-finished', hostId: world.host, attempt: lastOf(world, bad), outcome: SUCCESS});
  expect(world.events('agent-breaker')).toEqual([
    {type: 'agent-breaker', agent: bad, state: 'open', forMs: 30_000, trips: 1},
    {type: 'agent-breaker', agent: bad, state: 'half-open', forMs: null, trips: 1},
    {type: 'agent-breaker', agent: bad, state: 'closed', forMs: null, trips: 1},
  ]);
});

const ODD = {failures: 2, timeMs: 7000, share: 0.5, intervalMs: 1000};
const many = (prefix: string) => Array.from({length: 500}, (_, n) => task(`${prefix}${n}`, {retries: 3}));

test('a team that says so leaves agents out for as long as it says', () => {
  const world = new EngineWorld();
  const id = world.start(many('t'), {count: 3, groups: [AGENTS], ejection: ODD});
  failOne(world, id);
  expect(world.events('agent-breaker')).toMatchObject([{state: 'open', forMs: 7000}]);
});

test('a plan that a team is given changes when its agents are left out, also for a daemon that comes after', () => {
  const world = new EngineWorld();
  world.connect();
  const id = world.spawn({...world.engineSpec(), count: 3, groups: [AGENTS]});
  const settings = {ejection: {...ODD, timeMs: 9000}};
  world.ask({type: 'run-plan', teamId: id, plan: {name: 'p', env: {}, tasks: []}, secretNames: [], settings});
  const again = world.restarted();
  again.connect();
  expect(again.view(id).settings).toMatchObject(settings);
  again.ask({type: 'run-plan', teamId: id, plan: {name: 'p', env: {}, tasks: many('u')}, secretNames: []});
  failOne(again, id);
  expect(again.events('agent-breaker')).toMatchObject([{state: 'open', forMs: 9000}]);
});

test('orders, and hosts that are away, are reasons', () => {
  const world = new EngineWorld();
  const id = world.start([task('a'), task('b'), task('c')], {count: 3, groups: [AGENTS]});
  const whys = () => agentsOf(world, id).map(({why}) => why);
  const [first, second] = agentsOf(world, id).map(agent => agent.id);
  if (!first || !second) throw new Error('there are three');
  world.ask({type: 'pause', teamId: id, agent: first});
  world.ask({type: 'agent-order', teamId: id, agent: second, what: 'drain'});
  expect(whys()).toEqual(['it was paused', 'it leaves when what it is at work on is done', null]);
  world.ask({type: 'pause', teamId: id, agent: null});
  expect(whys().at(-1)).toBe('the team is paused');
  world.ask({type: 'resume', teamId: id, agent: null});
  world.give({type: 'host-disconnected', hostId: world.host});
  expect(whys().at(-1)).toBe(`its host ${world.host} has not said that it is ready`);
});

test('agents at work on a host that is not heard are not ready, also for a daemon that has just come', () => {
  const world = new EngineWorld();
  const id = world.start([task('a'), task('b'), task('c')], {count: 3, groups: [AGENTS]});
  expect(world.view(id).agents).toMatchObject({ready: 3, starting: 0, busy: 3});
  const attempts = world.assigned().map(({attempt}) => attempt);
  const again = world.restarted();
  expect(again.view(id).agents).toMatchObject({ready: 0, starting: 3, busy: 3});
  const agents = agentsOf(again, id).map(agent => agent.id);
  again.give({type: 'host-connected', host: hostRecord(world.host), holds: attempts, agents, teams: []});
  expect(again.view(id).agents).toMatchObject({ready: 3, starting: 0, busy: 3});
});

test('a team that waits for one agent to start says so in the singular, and of several in the plural', () => {
  const waits = (count: number) => {
    const world = new EngineWorld();
    const id = world.spawn({...world.engineSpec(), count, groups: [{...AGENTS, count}]});
    return world.view(id).waiting;
  };
  expect(waits(1)).toEqual([{why: '1 agent is starting', tasks: 0}]);
  expect(waits(2)).toEqual([{why: '2 agents are starting', tasks: 0}]);
});

test('an agent whose runtime does not work says what that said, until it is restarted', () => {
  const world = new EngineWorld();
  const id = world.start([task('a'), task('b')], {count: 2, groups: [{...AGENTS, count: 2}]});
  world.finish('a');
  const agent = world.assigned()[0]?.agentId;
  if (!agent) throw new Error('nothing was assigned');
  const view = () => agentsOf(world, id).find(each => each.id === agent);
  world.give({type: 'agents-failed', hostId: world.host, agents: [agent], detail: 'There is no shell.'});
  expect(view()).toMatchObject({state: 'gone', why: 'it does not work on its host: There is no shell.'});
  world.ask({type: 'agent-order', teamId: id, agent, what: 'restart'});
  expect(view()).toMatchObject({why: null});
});

test('what is recorded counts as long as nothing has been learned', () => {
  const world = new EngineWorld();
  const id = world.start([task('a')], {count: 1, groups: [{...AGENTS, count: 1}]});
  const recorded = () => ({succeeded: 7, failed: 1, meanMs: 5, errorRate: 0.5});
  const view = () => world.engine.agents(id, {now: world.now(), recorded})[0];
  expect(view()).toMatchObject({succeeded: 7, failed: 1, meanMs: 5, errorRate: 0.5});
});

test('a silent host is named with what is known of it', () => {
  const world = new EngineWorld();
  const id = world.start([task('a')], {count: 1, groups: [{...AGENTS, count: 1}]});
  for (let beat = 0; beat < 20; beat += 1) {
    world.nowMs += 500;
    world.give({type: 'vitals', hostId: world.host, lagMs: 0, vitals: []});
  }
  for (let step = 0; step < 200 && agentsOf(world, id)[0]?.health === 'healthy'; step += 1) {
    world.nowMs = Math.max(world.nowMs, Math.min(world.engine.nextDeadlineMs() ?? Infinity, world.nowMs + 100));
    world.give({type: 'tick'});
  }
  const [view] = agentsOf(world, id);
  expect(view).toMatchObject({health: 'suspect', state: 'suspect'});
  expect(view?.why).toMatch(/^its host h1 is suspect: it has not been heard for \d+ ms$/);
});

test('breakers of runtimes and providers are shown from when to when', () => {
  const world = new EngineWorld();
  world.connect();
  const tell = (state: BreakerState, retryAfterMs: number) => {
    const of = {kind: 'runtime', name: 'pi'} as const;
    world.give({type: 'breaker', hostId: world.host, of, state, detail: 'no module', retryAfterMs});
  };
  expect(world.engine.breakers()).toEqual([]);
  const sinceMs = world.now().wallMs;
  tell('open', 5000);
  const shown = {of: {kind: 'runtime', name: 'pi'}, host: world.host, detail: 'no module', sinceMs};
  expect(world.engine.breakers()).toEqual([{...shown, state: 'open', untilMs: sinceMs + 5000}]);
  world.nowMs += 5000;
  tell('half-open', 0);
  expect(world.engine.breakers()).toEqual([{...shown, state: 'half-open', untilMs: null}]);
  tell('closed', 0);
  tell('closed', 0);
  expect(world.engine.breakers()).toEqual([]);
  expect(world.events('edge-breaker').map(({state}) => state)).toEqual(['open', 'half-open', 'closed']);
});
