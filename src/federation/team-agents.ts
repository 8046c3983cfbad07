import type {AgentState} from '../model/agent.ts';
import {type AgentId, type AttemptId, agentId, type HostId} from '../model/ids.ts';
import type {Agent} from './agent.ts';
import {type AgentSelector, InTurn} from './agent-selector.ts';

/** The agents of one team: where they are, what they do, and which one is next. */
export class TeamAgents {
  readonly all: readonly Agent[];
  readonly #byId: ReadonlyMap<AgentId, Agent>;
  readonly #counts: Record<AgentState, number>;
  readonly #free: AgentSelector = new InTurn();

  constructor(team: string, count: number) {
    const width = Math.max(2, String(count).length);
    this.all = Array.from({length: count}, (_, index) => ({
      id: agentId(`${team}-${String(index + 1).padStart(width, '0')}`),
      state: 'starting' as const,
      host: null,
      attempt: null,
      isBroken: false,
    }));
    this.#byId = new Map(this.all.map(agent => [agent.id, agent]));
    this.#counts = {starting: count, idle: 0, busy: 0, gone: 0};
  }

  count(state: AgentState): number {
    return this.#counts[state];
  }

  get(id: AgentId): Agent | undefined {
    return this.#byId.get(id);
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
    if (agent.state === 'starting') this.#enter(agent, 'idle');
  }

  /** The agent's runtime does not work on its host. */
  fail(agent: Agent): void {
    if (agent.state === 'busy') agent.isBroken = true;
    else if (agent.state !== 'gone') this.#enter(agent, 'gone');
  }

  /** The next free agent, busy with the attempt from now on. */
  engage(attempt: AttemptId): Agent | null {
    const agent = this.#free.take();
    if (agent) this.occupy(agent, attempt);
    return agent;
  }

  occupy(agent: Agent, attempt: AttemptId): void {
    agent.attempt = attempt;
    this.#enter(agent, 'busy');
  }

  /** The agent's attempt is over. `usable`: its host is connected and knows it. */
  release(agent: Agent, {usable}: {usable: boolean}): void {
    agent.attempt = null;
    if (agent.isBroken) this.#enter(agent, 'gone');
    else this.#enter(agent, usable ? 'idle' : 'starting');
  }

  /** The host cannot be reached: its free agents are not to be used. */
  suspend(host: HostId): void {
    for (const agent of this.all) if (agent.host === host && agent.state === 'idle') this.#enter(agent, 'starting');
  }

  /** The host is gone: its agents need another one. */
  displace(host: HostId): void {
    for (const agent of this.all) {
      if (agent.host !== host) continue;
      agent.host = null;
      agent.isBroken = false;
      if (agent.state === 'idle') this.#enter(agent, 'starting');
    }
  }

  #enter(agent: Agent, state: AgentState): void {
    this.#counts[agent.state] -= 1;
    this.#counts[state] += 1;
    agent.state = state;
    if (state === 'idle') this.#free.offer(agent);
  }
}
