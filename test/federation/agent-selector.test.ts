import {describe, expect, it} from 'vitest';
import {AgentSelector, type Selectable} from '../../src/federation/agent-selector.ts';
import {LoadBalancer} from '../../src/federation/load-balancer.ts';
import type {AgentGroup} from '../../src/model/agent.ts';
import {WeightedStrategy} from '../../src/federation/strategies/weighted.ts';
import {agentId} from '../../src/model/ids.ts';
import type {StrategyName} from '../../src/model/strategy.ts';

function group(name: string, changes: Partial<AgentGroup> = {}): AgentGroup {
  return {
    name,
    count: 0,
    skills: [],
    runtime: 'command',
    model: null,
    costPerHour: null,
    speed: 1,
    slots: 1,
    ...changes,
  };
}

const KIND = {name: 'task', skills: []};

function selectorOf(groups: readonly AgentGroup[], name: StrategyName = 'weighted') {
  const selector = new AgentSelector<Selectable>({groups, strategy: {name}, random: () => 0});
  const seats = groups.map(({name: id, slots}, index) => ({id: agentId(id), group: index, slots, load: 0, host: null}));
  for (const seat of seats) selector.offer(seat);
  return selector;
}

describe('an agent is selected', () => {
  const groups = [
    group('cheap', {skills: ['ts'], costPerHour: 1, speed: 0.5}),
    group('dear', {skills: ['ts', 'sql'], costPerHour: 9}),
  ];

  it('by the skills that it must have', () => {
    const selector = selectorOf(groups);
    expect(selector.selectAgent({task: {id: 't'}, requiredSkills: ['sql']})?.agent.id).toBe('dear');
    expect(selector.selectAgent({task: {id: 't'}, requiredSkills: ['rust']})).toBeNull();
  });

  it('by what it may cost, and the cheapest that is in time', () => {
    const selector = selectorOf(groups);
    const select = (wish: {preferredCost?: 'low' | 'high'; deadlineInMs?: number}) =>
      selector.selectAgent({task: {id: 't'}, requiredSkills: ['ts'], ...wish})?.agent.id;
    expect(select({preferredCost: 'low'})).toBe('cheap');
    expect(select({preferredCost: 'high'})).toBe('dear');
    expect(select({deadlineInMs: 150_000})).toBe('cheap');
    expect(select({deadlineInMs: 70_000})).toBe('dear');
  });

  it('and not one that has failed at the task, unless nobody else is there', () => {
    const selector = selectorOf([group('a'), group('b')]);
    const avoid = new Map([[agentId('a'), 'it has failed']]);
    const take = (of: number[]) =>
      selector.take({nowMs: 0, candidates: of.map(index => ({group: index})), kind: KIND, affinity: 't', avoid});
    const both = take([0, 1]);
    expect([both?.agent.id, both?.why.avoided]).toEqual(['b', [{agent: 'a', why: 'it has failed'}]]);
    expect(take([0])?.agent.id).toBe('a');
  });
});

it('a balancer gives each call an agent, makes others wait, and takes back', async () => {
  const balancer = new LoadBalancer({
    strategy: 'least-connections',
    healthCheckInterval: 5000,
    circuitBreaker: {failureThreshold: 3},
  });
  balancer.add({id: 'a'});
  balancer.add({id: 'b'});
  const [first, second] = [await balancer.getAgent(), await balancer.getAgent()];
  expect([first.id, second.id]).toEqual(['a', 'b']);
  const third = balancer.getAgent();
  second.release({ok: true});
  second.release({ok: true});
  const got = await third;
  expect(got.id).toBe('b');
  const ended = balancer.getAgent({signal: AbortSignal.abort(new Error('enough'))});
  await expect(ended).rejects.toThrow('enough');
  got.release({ok: true});
  first.release({ok: true});
});

it('a balancer leaves out who fails so many times one after the other, and tries it again after a while', async () => {
  const balancer = new LoadBalancer({
    strategy: new WeightedStrategy({weights: {speed: 0, cost: 0, reliability: 1}}),
    healthCheckInterval: 50,
    circuitBreaker: {failureThreshold: 3},
  });
  balancer.add({id: 'good'});
  balancer.add({id: 'bad'});
  for (let call = 1; call <= 3; call += 1) {
    expect(balancer.breakerOf('bad')).toBe('closed');
    const leases = [await balancer.getAgent(), await balancer.getAgent()];
    for (const lease of leases) lease.release({ok: lease.id === 'good'});
  }
  expect([balancer.breakerOf('good'), balancer.breakerOf('bad')]).toEqual(['closed', 'open']);
  expect(balancer.breakerOf('nobody')).toBeNull();
  const good = await balancer.getAgent();
  expect(good.id).toBe('good');
  // The only one that is left: whoever asks gets it when its time has passed.
  const again = await balancer.getAgent();
  expect(again.id).toBe('bad');
  again.release({ok: true});
  expect(balancer.breakerOf('bad')).toBe('closed');
  good.release({ok: true});
});
