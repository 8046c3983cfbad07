import type {AgentGroup, AgentState} from '../model/agent.ts';
import {type AgentId, agentId, type HostId} from '../model/ids.ts';
import {type Agent, freeSlots} from './agent.ts';
import {InTurn} from './in-turn.ts';

/** The agents of one team: where they are, what they do, and which one is next. */
export class TeamAgents {
  readonly all: readonly Agent[];
  readonly groups: readonly AgentGroup[];
  readonly #byId: ReadonlyMap<AgentId, Agent>;
  readonly #counts: Record<AgentState, number>;
  readonly #selectors: readonly InTurn[];
  /** Free slots by group, and of all groups. */
  readonly #free: number[];
  #freeInAll = 0;

  constructor(team: string, groups: readonly AgentGroup[]) {
    const count = groups.reduce((sum, group) => sum + group.count, 0);
    const width = Math.max(2, String(count).length);
    const kinds = groups.flatMap(({count: size, slots}, group) => Array.from({length: size}, () => ({group, slots})));
    this.groups = groups;
    this.all = kinds.map(({group, slots}, index) => ({
      id: agentId(`${team}-${String(index + 1).padStart(width, '0')}`),
      group,
      slots,
      state: 'starting' as const,
      host: null,
      isReachable: false,
      load: 0,
      isBroken: false,
    }));
    this.#byId = new Map(this.all.map(agent => [agent.id, agent]));
    this.#counts = {starting: count, idle: 0, busy: 0, suspect: 0, paused: 0, draining: 0, gone: 0};
    this.#selectors = groups.map(() => new InTurn());
    this.#free = groups.map(() => 0);
  }

  count(state: AgentState): number {
    return this.#counts[state];
  }

  /** Attempts that the agents of a group could be given now. */
  free(group: number): number {
    return this.#free[group] ?? 0;
  }

  /** Attempts that any of them could be given now. */
  get freeInAll(): number {
    return this.#freeInAll;
  }

  get(id: AgentId): Agent | undefined {
    return this.#byId.get(id);
  }

  groupOf(agent: Agent): AgentGroup {
    const group = this.groups[agent.group];
    if (!group) throw new Error(`Internal error: agent ${agent.id} belongs to no group`);
    return group;
  }

  /** Whether every agent of these groups is gone for good. */
  areGone(groups: readonly number[]): boolean {
    return this.all.every(agent => agent.state === 'gone' || !groups.includes(agent.group));
  }

  /** Agents that no host has been told of yet. */
  unplaced(): readonly Agent[] {
    return this.all.filter(agent => agent.host === null && agent.state === 'starting');
  }

  place(agent: Agent, host: HostId): void {
    agent.host = host;
  }

  /** The host has acknowledged the agent and its runtime answers. */
  acknowledge(agent: Agent): void {
    if (agent.state !== 'gone') this.#change(agent, {isReachable: true});
  }

  /** The agent's runtime does not work on its host. */
  fail(agent: Agent): void {
    if (agent.state === 'busy') this.#change(agent, {isBroken: true});
    else this.#change(agent, {state: 'gone'});
  }

  /** The next free agent of a group, at work on one attempt more from now on. */
  engage(group: number): Agent | null {
    const agent = this.#selectors[group]?.take() ?? null;
    if (agent) this.occupy(agent);
    return agent;
  }

  occupy(agent: Agent): void {
    this.#change(agent, {load: agent.load + 1});
  }

  /** An attempt of the agent is over. `usable`: its host is connected and knows it. */
  release(agent: Agent, {usable}: {usable: boolean}): void {
    const load = agent.load - 1;
    const isLast = agent.isBroken && load === 0;
    this.#change(agent, {load, isReachable: usable, ...(isLast ? {state: 'gone'} : {})});
  }

  /** The host cannot be reached: its agents are not to be given anything. */
  suspend(host: HostId): void {
    for (const agent of this.all) if (agent.host === host) this.#change(agent, {isReachable: false});
  }

  /** The host is gone: its agents need another one. */
  displace(host: HostId): void {
    for (const agent of this.all) {
      if (agent.host === host) this.#change(agent, {host: null, isBroken: false, isReachable: false});
    }
  }

  /** The one place where an agent changes what is counted. */
  #change(agent: Agent, changes: Partial<Agent>): void {
    const wasFree = freeSlots(agent);
    const before = agent.state;
    Object.assign(agent, changes);
    agent.state = stateOf(agent);
    if (agent.state !== before) {
      this.#counts[before] -= 1;
      this.#counts[agent.state] += 1;
    }
    const free = freeSlots(agent);
    this.#free[agent.group] = (this.#free[agent.group] ?? 0) + free - wasFree;
    this.#freeInAll += free - wasFree;
    if (free > 0) this.#selectors[agent.group]?.offer(agent);
  }
}

function stateOf({state, load, isReachable}: Agent): AgentState {
  if (state === 'gone') return 'gone';
  if (load > 0) return 'busy';
  return isReachable ? 'idle' : 'starting';
}
