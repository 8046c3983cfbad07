import {expect, test} from 'vitest';
import type {AgentGroup} from '../../src/model/agent.ts';
import type {Vitals} from '../../src/model/health.ts';
import type {AgentId, TeamId} from '../../src/model/ids.ts';
import type {TeamSpec} from '../../src/model/team.ts';
import {EngineWorld, failing, SUCCESS, task} from './engine-world.ts';

const MIB = 1024 * 1024;
const SIX: AgentGroup = {
  name: 'agent',
  count: 6,
  skills: [],
  runtime: 'command',
  model: null,
  costPerHour: null,
  speed: 1,
  slots: 1,
};

function spawned(tasks: number, spec: Partial<TeamSpec> = {}): {world: EngineWorld; id: TeamId; odd: AgentId} {
  const world = new EngineWorld();
  const list = Array.from({length: tasks}, (_, n) => task(`t${n}`, {retries: 9}));
  const id = world.start(list, {count: 6, groups: [SIX], ...spec});
  const [first] = world.assigned();
  if (!first) throw new Error('nothing was assigned');
  return {world, id, odd: first.agentId};
}

/** What the host says of the attempts that run, twice a second. */
function run(world: EngineWorld, seconds: number, usedBy: (agent: AgentId, second: number) => Partial<Vitals>): void {
  for (let beat = 1; beat <= seconds * 2; beat += 1) {
    world.nowMs += 500;
    const vitals = world.assigned().map(({attempt, agentId}) => {
      const idle = {attempt, processes: 1, cpuMs: beat, rssBytes: 50 * MIB, outputBytes: 100 * beat, silentMs: 0};
      return {...idle, ...usedBy(agentId, beat / 2)};
    });
    world.give({type: 'vitals', hostId: world.host, lagMs: 0, vitals});
  }
}

test.each([
  ['memory', (second: number) => ({rssBytes: (50 + 4 * second) * MIB}), 4 * MIB, 0],
  ['output', (second: number) => ({outputBytes: 200 * 1024 * second}), 200 * 1024, 200],
] as const)('an agent that stands out in %s is told of once', (what, used, value, median) => {
  const {world, id, odd} = spawned(6);
  run(world, 10, () => ({}));
  expect(world.events('agent-anomaly')).toEqual([]);
  run(world, 60, (agent, second) => (agent === odd ? used(second) : {}));
  const told = world.events('agent-anomaly');
  expect(told).toMatchObject([{agent: odd, what}]);
  expect(told[0]?.value).toBeGreaterThan(0.3 * value);
  const shown = world.engine.agents(id, {now: world.now(), recorded: () => undefined});
  const view = shown.find(agent => agent.id === odd);
  expect(view?.anomalies).toMatchObject([{what}]);
  expect(Math.abs((view?.anomalies?.[0]?.value ?? 0) / value - 1)).toBeLessThan(0.2);
  expect(Math.abs((view?.anomalies?.[0]?.median ?? -1) - median)).toBeLessThan(20);
  expect(view?.why).toBeNull();
  expect(shown.filter(({anomalies}) => anomalies !== undefined)).toHaveLength(1);
});

test('when it is over and begins again, it is told again', () => {
  const {world, odd} = spawned(6);
  let grown = 0;
  const grow = (agent: AgentId, second: number, mib: number) =>
    agent === odd ? {rssBytes: (50 + grown + mib * second) * MIB} : {};
  run(world, 60, (agent, second) => grow(agent, second, 4));
  grown = 240;
  run(world, 300, (agent, second) => grow(agent, second, 0));
  expect(world.events('agent-anomaly')).toHaveLength(1);
  run(world, 60, (agent, second) => grow(agent, second, 4));
  expect(world.events('agent-anomaly')).toHaveLength(2);
});

test('what stands out is chosen less, and still chosen when nobody else is free', () => {
  const {world, odd} = spawned(40, {strategy: {name: 'least-connections'}});
  run(world, 60, (agent, second) => (agent === odd ? {rssBytes: (50 + 4 * second) * MIB} : {}));
  expect(world.events('agent-anomaly')).toHaveLength(1);
  const open = world.assigned();
  for (const {taskId} of open) world.finish(taskId, {...SUCCESS, durationMs: 60_000});
  // All six were free one after the other, and each was given the next task at once.
  const again = world.assigned().slice(open.length);
  expect(new Set(again.map(({agentId}) => agentId)).size).toBe(6);
  world.permits = 0;
  world.give({type: 'permits', permits: 0, why: 'test', gates: []});
  for (const {taskId} of again) world.finish(taskId, {...SUCCESS, durationMs: 60_000});
  const before = world.assigned().length;
  world.give({type: 'permits', permits: 5, why: 'test', gates: []});
  const chosen = world.assigned().slice(before);
  expect(chosen).toHaveLength(5);
  expect(chosen.map(({agentId}) => agentId)).not.toContain(odd);
});

test('an agent that takes much longer than the others, and one that fails more, are told of', () => {
  const {world, odd} = spawned(400);
  const [, second] = world.assigned();
  const flaky = second?.agentId;
  const over = new Set<number>();
  for (let round = 0; round < 40; round += 1) {
    world.nowMs += 1000;
    for (const {attempt, agentId} of world.assigned().filter(each => !over.has(each.attempt))) {
      over.add(attempt);
      const succeeded = {...SUCCESS, durationMs: agentId === odd ? 6000 : 1000 + (attempt % 5) * 20};
      const outcome = agentId === flaky && round % 3 === 0 ? failing() : succeeded;
      world.give({type: 'attempt-finished', hostId: world.host, attempt, outcome});
    }
  }
  const told = world.events('agent-anomaly').map(({agent, what}) => [agent, what]);
  expect(told.toSorted()).toEqual(
    [
      [odd, 'duration'],
      [flaky, 'errors'],
    ].toSorted(),
  );
});
