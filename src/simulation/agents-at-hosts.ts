import type {Effect, Input, Step} from '../federation/engine-io.ts';
import type {AgentGroup} from '../model/agent.ts';
import type {AgentId, HostId, TeamId} from '../model/ids.ts';
import type {LedgerAttempt, LedgerTeam} from './ledger-entries.ts';
import type {Ledger} from './ledger.ts';
import type {ShownAgents} from './shown-agents.ts';

type OpenAgents = Extract<Effect, {type: 'open-agents'}>;

/** Where agents are and whether they work, as the inputs and effects of the engine tell it. */
export class AgentsAtHosts {
  readonly #ledger: Ledger;
  readonly #shown: ShownAgents;
  /** The hosts that are connected, with the agents they have acknowledged. */
  readonly #connected = new Map<HostId, Set<AgentId>>();
  /** Where an agent was last sent: a host goes on naming those that have moved away, until they are opened there again. */
  readonly #placedOn = new Map<AgentId, HostId>();
  readonly #teamOf = new Map<AgentId, TeamId>();
  /** Agents that somebody has had killed or restarted. */
  readonly #ordered = new Set<AgentId>();
  /** Agents that are opened anew as soon as they have nothing to do any more, whatever their host says of them until then. */
  readonly #restarting = new Set<AgentId>();
  /** Agents that have failed and where, as far as this life of the daemon knows. */
  readonly #failed = new Map<AgentId, HostId>();
  /** Teams some of whose agents the engine has given up, in this life of the daemon, as their runtime died at each start. */
  readonly #parked = new Set<TeamId>();

  constructor(ledger: Ledger, shown: ShownAgents) {
    this.#ledger = ledger;
    this.#shown = shown;
  }

  hostConnected({host, agents}: Extract<Input, {type: 'host-connected'}>): void {
    this.#connected.set(host.id, new Set(agents.filter(agent => this.#isKnownHere(agent, host.id))));
  }

  hostLost(host: HostId): void {
    this.#connected.delete(host);
  }

  ready({hostId, agents}: Extract<Input, {type: 'agents-ready'}>): void {
    for (const agent of agents) {
      this.#connected.get(hostId)?.add(agent);
      // Another host made it work: that it failed elsewhere says nothing any more.
      if (this.#failed.get(agent) !== hostId) this.#failed.delete(agent);
    }
  }

  failed({hostId, agents}: Extract<Input, {type: 'agents-failed'}>): void {
    for (const agent of agents) {
      const wasThere = this.#connected.get(hostId)?.delete(agent) === true;
      // Of an agent that is elsewhere, or nowhere yet, it says nothing.
      if (wasThere || this.#placedOn.get(agent) === hostId) this.#failed.set(agent, hostId);
    }
  }

  ordered({request, agent, teamId, what}: Extract<Input, {type: 'agent-order'}>, {effects}: Step): void {
    const isDone = effects.some(effect => effect.type === 'answer' && effect.request === request && effect.result.ok);
    if (!isDone || what === 'drain') return;
    for (const attempt of this.#ledger.open) {
      if (attempt.agentId === agent && attempt.task.team.id === teamId) this.#ledger.stop(attempt, 'agent-killed');
    }
    this.#ordered.add(agent);
    if (what !== 'restart') return;
    this.#failed.delete(agent);
    if ((this.#ledger.load.get(agent) ?? 0) > 0) this.#restarting.add(agent);
    for (const agents of this.#connected.values()) agents.delete(agent);
  }

  parked(team: TeamId): void {
    this.#parked.add(team);
  }

  /** All of them are opened anew. */
  revived(team: LedgerTeam): void {
    for (const agent of team.agents.keys()) this.#failed.delete(agent);
  }

  opened({agents, hostId, teamId}: OpenAgents): void {
    for (const agent of agents) {
      if (this.#teamOf.get(agent) !== teamId) this.#failed.delete(agent);
      this.#teamOf.set(agent, teamId);
      this.#placedOn.set(agent, hostId);
      this.#restarting.delete(agent);
      this.#connected.get(hostId)?.delete(agent);
    }
  }

  leased({agentId, hostId}: LedgerAttempt): void {
    this.#placedOn.set(agentId, hostId);
    this.#restarting.delete(agentId);
  }

  isConnected(host: HostId): boolean {
    return this.#connected.has(host);
  }

  isReady(agent: AgentId, host: HostId): boolean {
    return this.#connected.get(host)?.has(agent) === true;
  }

  isOf(agent: AgentId, team: TeamId): boolean {
    return this.#teamOf.get(agent) === team;
  }

  /** Somebody has had it killed or restarted. */
  isOrdered(agent: AgentId): boolean {
    return this.#ordered.has(agent);
  }

  /** Those of the agents that are about to be opened where they have failed. */
  failedThere({agents, hostId, teamId}: OpenAgents): AgentId | undefined {
    // The name of a team that was removed, and so the names of its agents, may be given to another one.
    return agents.find(agent => this.isOf(agent, teamId) && this.#failed.get(agent) === hostId);
  }

  /** Its runtime does not work: its host said so or, where the engine has given up a runtime, the engine. */
  isFailed(team: LedgerTeam, agent: AgentId): boolean {
    if (this.#failed.has(agent)) return true;
    return this.#parked.has(team.id) && this.#shown.one(team, agent)?.state === 'gone';
  }

  /** It is given nothing, or only something to see how it does, because of how it has done. Whether that is right, `LeftOut` says. */
  isLeftOut(team: LedgerTeam, agent: AgentId): boolean {
    const view = this.#shown.one(team, agent);
    if (view === undefined || view.breaker !== 'closed' || view.state === 'suspect') return true;
    return this.isFailed(team, agent);
  }

  /** The free agents of each group, as long as there is no second host on which the engine may expect it. */
  idleOf(team: LedgerTeam): ReadonlyMap<AgentGroup, readonly AgentId[]> {
    const idle = new Map<AgentGroup, AgentId[]>();
    if (team.settings.paused) return idle;
    const [[host, agents] = [], ...others] = [...this.#connected];
    const known = [...this.#ledger.hosts.values()].filter(({gone}) => !gone);
    if (!agents || others.length > 0 || known.length > 1) return idle;
    for (const agent of agents) {
      const group = team.agents.get(agent);
      const isHere = (this.#placedOn.get(agent) ?? host) === host && this.isOf(agent, team.id);
      const standing = team.standings.get(agent) ?? 'present';
      if (!group || !isHere || this.#failed.has(agent) || standing !== 'present') continue;
      if ((this.#ledger.load.get(agent) ?? 0) < group.slots) idle.set(group, [...(idle.get(group) ?? []), agent]);
    }
    return idle;
  }

  /** A new daemon knows nothing of this; whose agents they are and what was ordered stays true. */
  forget(): void {
    this.#connected.clear();
    this.#placedOn.clear();
    this.#restarting.clear();
    this.#failed.clear();
    this.#parked.clear();
  }

  /** Whether a host that says it has this agent is where the engine takes it to be, ready for more. */
  #isKnownHere(agent: AgentId, host: HostId): boolean {
    if (this.#restarting.has(agent) && (this.#ledger.load.get(agent) ?? 0) > 0) return false;
    return ![...this.#ledger.open].some(({agentId, hostId}) => agentId === agent && hostId !== host);
  }
}
