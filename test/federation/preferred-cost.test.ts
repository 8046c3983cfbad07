import {expect, test} from 'vitest';
import type {AgentGroup} from '../../src/model/agent.ts';
import type {PreferredCost} from '../../src/model/strategy.ts';
import {EngineWorld, task} from './engine-world.ts';

const GROUP: AgentGroup = {
  name: 'cheap',
  count: 2,
  skills: [],
  runtime: 'command',
  model: null,
  costPerHour: 0.2,
  speed: 0.5,
  slots: 1,
};
/** Four times as fast, for ten times the price: an attempt costs two and a half times as much. */
const GROUPS = [GROUP, {...GROUP, name: 'dear', costPerHour: 2, speed: 2}];

/** The groups that have got a task, in a team in which everybody is free. */
function groupsFor(preferredCost: PreferredCost | undefined, timeoutMs: number | null = null, count = 1): string[] {
  const world = new EngineWorld();
  const tasks = Array.from({length: count}, (_, n) => task(`t${n}`, preferredCost ? {preferredCost} : {}));
  const id = world.start(tasks, {count: 4, groups: GROUPS, timeoutMs});
  const agents = world.engine.agents(id, {now: world.now(), recorded: () => undefined});
  return world.assigned().map(({agentId}) => agents.find(agent => agent.id === agentId)?.group ?? '');
}

test('a task says what counts between agents of different cost', () => {
  expect(groupsFor(undefined)).toEqual(['cheap']);
  expect(groupsFor('low')).toEqual(['cheap']);
  expect(groupsFor('high')).toEqual(['dear']);
});

test('with low the cheapest attempt is wanted, which is not always the one of the cheapest hour', () => {
  const world = new EngineWorld();
  const fast = {...GROUP, name: 'dear', costPerHour: 0.4, speed: 4};
  world.start([task('a', {preferredCost: 'low'})], {count: 4, groups: [GROUP, fast]});
  expect(world.assigned()[0]?.agentId).toBe('audit-03');
});

test('nobody waits for the agents that would be preferred', () => {
  expect(groupsFor('low', null, 4)).toEqual(['cheap', 'cheap', 'dear', 'dear']);
  expect(groupsFor('high', null, 4)).toEqual(['dear', 'dear', 'cheap', 'cheap']);
});

test('what is left of the time of the team is a deadline, shared with what comes after', () => {
  const first = (timeoutMs: number, chain: boolean) => {
    const world = new EngineWorld();
    const rest = chain ? [task('b', {needs: ['a']}), task('c', {needs: ['b']})] : [];
    world.start([task('a', {preferredCost: 'low'}), ...rest], {count: 4, groups: GROUPS, timeoutMs});
    return world.assigned()[0]?.agentId;
  };
  expect(first(150_000, false)).toBe('audit-01');
  expect(first(100_000, false)).toBe('audit-03');
  expect(first(150_000, true)).toBe('audit-03');
  expect(first(400_000, true)).toBe('audit-01');
});
