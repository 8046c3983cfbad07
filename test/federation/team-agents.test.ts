import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {type Agent, freeSlots, isLiving} from '../../src/federation/agent.ts';
import {TeamAgents} from '../../src/federation/team-agents.ts';
import type {AgentGroup} from '../../src/model/agent.ts';
import {agentId, hostId} from '../../src/model/ids.ts';
import type {AgentRow} from '../../src/model/record.ts';

const group = (name: string, count: number, slots = 1): AgentGroup => ({
  name,
  count,
  slots,
  skills: [],
  runtime: 'command',
  model: null,
  costPerHour: null,
  speed: 1,
});

const HOST = hostId('h');
const OPTIONS = {strategy: {name: 'round-robin'}, random: () => 0} as const;

function engage(agents: TeamAgents, of: number): Agent | null {
  const kind = {name: 'command', skills: []};
  return agents.engage({nowMs: 0, candidates: [{group: of}], kind, affinity: 'task'})?.agent ?? null;
}

function ready(groups: readonly AgentGroup[]): TeamAgents {
  const agents = new TeamAgents('t', groups, OPTIONS);
  for (const agent of agents.all) {
    agents.place(agent, HOST);
    agents.acknowledge(agent);
  }
  return agents;
}

const get = (agents: TeamAgents, id: string) => {
  const agent = agents.get(agentId(id));
  if (!agent) throw new Error(`${id} is not there`);
  return agent;
};

describe('the agents of a team', () => {
  it('are added with numbers that count on and are never used again', () => {
    const agents = ready([group('a', 2), group('b', 1)]);
    agents.remove(get(agents, 't-03'));
    expect(agents.add(1, 2).map(({id}) => id)).toEqual(['t-04', 't-05']);
    expect(agents.all.map(({id}) => id)).toEqual(['t-01', 't-02', 't-04', 't-05']);
    expect([agents.living(0), agents.living(1), agents.count('starting'), agents.count('idle')]).toEqual([2, 2, 2, 2]);
  });

  it('leave at once when they drain and are idle, otherwise when their last attempt is over', () => {
    const agents = ready([group('a', 2, 2)]);
    const busy = get(agents, 't-01');
    agents.occupy(busy);
    agents.occupy(busy);
    agents.drain(busy);
    agents.drain(get(agents, 't-02'));
    expect(agents.takeDeparted().map(({id}) => id)).toEqual(['t-02']);
    expect([busy.state, agents.freeInAll, agents.livingInAll, agents.working]).toEqual(['draining', 0, 0, 1]);
    agents.release(busy, {usable: true});
    expect(busy.state).toBe('draining');
    agents.release(busy, {usable: true});
    expect([busy.state, agents.all.length, agents.working]).toEqual(['gone', 0, 0]);
    expect(agents.takeDeparted()).toEqual([busy]);
    expect(agents.takeDeparted()).toEqual([]);
    expect([agents.areAllGone, agents.areGone([0])]).toEqual([false, false]);
  });

  it('are given nothing while they are paused or suspect, and something again afterwards', () => {
    const agents = ready([group('a', 1, 2)]);
    const agent = get(agents, 't-01');
    agents.pause(agent);
    expect([agent.state, agents.free(0), engage(agents, 0)]).toEqual(['paused', 0, null]);
    agents.takeBack(agent);
    agents.suspect(agent, true);
    expect([agent.state, agents.free(0), engage(agents, 0)]).toEqual(['suspect', 0, null]);
    agents.suspect(agent, false);
    expect([agent.state, agents.free(0)]).toEqual(['idle', 2]);
    expect(engage(agents, 0)).toBe(agent);
  });

  it('are opened anew once they have no attempt, also when they had failed', () => {
    const agents = ready([group('a', 2)]);
    const [busy, failed] = [get(agents, 't-01'), get(agents, 't-02')];
    agents.occupy(busy);
    agents.restart(busy);
    agents.fail(failed, 'no shell');
    expect([failed.state, agents.areGone([0]), agents.takeRestarted()]).toEqual(['gone', false, []]);
    agents.restart(failed);
    agents.release(busy, {usable: true});
    expect(agents.takeRestarted()).toEqual([failed, busy]);
    expect([failed.state, busy.state]).toEqual(['starting', 'starting']);
    agents.acknowledge(busy);
    expect(engage(agents, 0)).toBe(busy);
  });

  it('have all gone when each has failed, and not when they were sent away', () => {
    const agents = ready([group('a', 2), group('b', 1)]);
    agents.remove(get(agents, 't-03'));
    agents.fail(get(agents, 't-01'), 'no shell');
    expect([agents.areAllGone, agents.areGone([0]), agents.areGone([1])]).toEqual([false, false, false]);
    agents.fail(get(agents, 't-02'), 'no shell');
    expect([agents.areAllGone, agents.areGone([0]), agents.areGone([0, 1])]).toEqual([true, true, true]);
  });

  it('are restored as they were recorded, those that have left only as long as they have attempts', () => {
    const agents = new TeamAgents('t', [group('a', 3)], OPTIONS);
    const rows: AgentRow[] = [
      {id: agentId('t-01'), group: 0, standing: 'gone'},
      {id: agentId('t-02'), group: 0, standing: 'paused'},
      {id: agentId('t-04'), group: 0, standing: 'draining'},
      {id: agentId('t-05'), group: 0, standing: 'gone'},
      {id: agentId('t-100'), group: 0, standing: 'present'},
    ];
    agents.restore(rows, new Set([agentId('t-04')]));
    agents.occupy(get(agents, 't-04'));
    expect(agents.all.map(({id, state}) => `${id} ${state}`)).toEqual([
      't-02 paused',
      't-03 starting',
      't-04 draining',
      't-100 starting',
    ]);
    expect(agents.livingInAll).toBe(3);
    expect(agents.add(0, 1).map(({id}) => id)).toEqual(['t-101']);
    agents.release(get(agents, 't-04'), {usable: true});
    expect(agents.takeDeparted().map(({id}) => id)).toEqual(['t-04']);
  });

  it('are counted right whatever happens to them', () => {
    const step = fc.tuple(fc.nat(11), fc.nat(1000));
    fc.assert(
      fc.property(fc.array(step, {maxLength: 80}), steps => {
        const agents = ready([group('a', 2, 2), group('b', 2)]);
        for (const [kind, who] of steps) {
          const agent = agents.all[who % Math.max(1, agents.all.length)];
          if (!agent || kind === 0) for (const added of agents.add(who % 2, 1)) agents.place(added, HOST);
          else if (kind === 1) engage(agents, who % 2);
          else if (kind < 4 && agent.load > 0) agents.release(agent, {usable: who % 3 > 0});
          else if (kind === 4) agents.drain(agent);
          else if (kind === 5) agents.pause(agent);
          else if (kind === 6) agents.takeBack(agent);
          else if (kind === 7) agents.fail(agent, 'no shell');
          else if (kind === 8) agents.suspect(agent, who % 2 === 0);
          else if (kind === 9) agents.restart(agent);
          else if (kind === 10) agents.remove(agent);
          else agents.acknowledge(agent);
        }
        const {all} = agents;
        for (const of of [0, 1]) {
          const those = all.filter(agent => agent.group === of);
          expect(agents.free(of)).toBe(those.reduce((sum, agent) => sum + freeSlots(agent), 0));
          expect(agents.living(of)).toBe(those.filter(isLiving).length);
          if (agents.free(of) > 0) expect(engage(agents, of)).not.toBeNull();
        }
        expect(agents.working).toBe(all.filter(({load}) => load > 0).length);
        for (const state of ['starting', 'idle', 'busy', 'suspect', 'paused', 'draining', 'gone'] as const) {
          expect(agents.count(state)).toBe(all.filter(agent => agent.state === state).length);
        }
        expect(all.filter(({standing, load}) => load === 0 && standing !== 'present' && standing !== 'paused')).toEqual(
          [],
        );
      }),
      {numRuns: 300},
    );
  });
});
