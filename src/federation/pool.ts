import {backoffMs} from '../base/backoff.ts';
import type {Random} from '../base/random.ts';
import type {AgentId, AttemptId, HostId, TeamId} from '../model/ids.ts';
import type {HostRecord} from '../model/record.ts';
import type {Agent} from './agent.ts';
import type {Deadline, Deadlines} from './deadlines.ts';
import type {Input} from './engine-io.ts';
import {type Host, Hosts, type Machine} from './hosts.ts';
import type {Attempt, Team} from './team.ts';
import type {Turn} from './turn.ts';

export interface PoolOptions {
  /** The machine the daemon is on: hosts are started there. */
  readonly machineId: string;
  /** How long a silent host may stay away before it is ended, in milliseconds. */
  readonly hostLostMs: number;
  readonly random: Random;
}

/** What the pool looks at and does not change: the teams that are not over, and the open leases. */
export interface PoolView {
  readonly teams: ReadonlyMap<TeamId, Team>;
  readonly attempts: ReadonlyMap<AttemptId, Attempt>;
  readonly deadlines: Deadlines;
}

/** Host starts that fail one after the other before the teams are ended. */
const MAX_FAILED_STARTS = 5;

/**
 * Hosts and the agents on them: which host an agent lives on, when a host is started or ended, and what dead hosts have
 * left behind. Leases are the engine's.
 */
export class Pool {
  readonly #options: PoolOptions;
  readonly #view: PoolView;
  readonly #hosts = new Hosts();
  /** Teams whose agents need a host. */
  readonly #homeless = new Set<Team>();

  constructor(options: PoolOptions, view: PoolView) {
    this.#options = options;
    this.#view = view;
  }

  hosts(): {record: HostRecord; state: Host['state']['name']; agents: number; running: number}[] {
    return [...this.#hosts.all()].map(({record, state}) => ({
      record,
      state: state.name,
      agents: this.#agentsOn(record.id),
      running: [...this.#view.attempts.values()].filter(attempt => attempt.host === record.id).length,
    }));
  }

  isConnected(host: HostId | null): boolean {
    return this.#hosts.isConnected(host);
  }

  /** The team has agents that may need a host; `place` finds one. */
  house(team: Team): void {
    this.#homeless.add(team);
  }

  /** The team is over: no host needs to know of it any more. */
  close(turn: Turn, team: Team): void {
    this.#homeless.delete(team);
    for (const {record, state} of this.#hosts.all()) {
      if (state.name === 'connected') turn.effect({type: 'close-team', hostId: record.id, teamId: team.id});
    }
  }

  /** Opens on the host what should be there and closes what should not. Call `reap` once its leases are compared. */
  connected(
    turn: Turn,
    {host: record, agents, teams}: Pick<Extract<Input, {type: 'host-connected'}>, 'host' | 'agents' | 'teams'>,
  ): void {
    const machine = this.#hosts.machine(record.machineId);
    machine.starting = false;
    machine.failedStarts = 0;
    if (!this.#hosts.get(record.id)) turn.record({kind: 'host', host: record});
    this.#hosts.put(record, {name: 'connected'});
    turn.emit(null, {type: 'host-connected', host: record.id, pid: record.process.pid});
    for (const id of teams) {
      if (!this.#view.teams.has(id)) turn.effect({type: 'close-team', hostId: record.id, teamId: id});
    }
    this.#reopenAgents(turn, record.id, new Set(agents));
  }

  disconnected(turn: Turn, id: HostId): void {
    const host = this.#hosts.get(id);
    if (host?.state.name !== 'connected') return;
    this.#silence(host, turn.now.monoMs);
    for (const team of this.#view.teams.values()) team.agents.suspend(id);
    turn.emit(null, {type: 'host-disconnected', host: id});
  }

  /** The process is dead. Its attempts stay leased until somebody has looked for what is left of them. */
  gone(turn: Turn, id: HostId): void {
    const host = this.#hosts.get(id);
    if (!host) return;
    this.#hosts.remove(id);
    turn.record({kind: 'host', host: {...host.record, gone: true}});
    turn.emit(null, {type: 'host-gone', host: id});
    const machine = this.#hosts.machine(host.record.machineId);
    for (const attempt of this.#view.attempts.values()) if (attempt.host === id) machine.orphans.add(attempt);
    for (const team of this.#view.teams.values()) {
      team.agents.displace(id);
      this.house(team);
    }
    this.#reap(turn, machine);
  }

  /** Tries again later. Returns how often it failed in a row when that is too often, and counts anew. */
  startFailed(turn: Turn, machineId: string): number | null {
    const machine = this.#hosts.machine(machineId);
    machine.failedStarts += 1;
    const times = machine.failedStarts;
    const delayMs = backoffMs(times, {baseMs: 500, maxMs: 30_000}, this.#options.random);
    this.#view.deadlines.add({atMs: turn.now.monoMs + delayMs, kind: 'start-host', machineId});
    if (times < MAX_FAILED_STARTS) return null;
    machine.failedStarts = 0;
    return times;
  }

  /** The pause after a failed start is over. */
  startDue(turn: Turn, machineId: string): void {
    const machine = this.#hosts.machine(machineId);
    machine.starting = false;
    this.#needHost(turn, machine);
  }

  /** Whether agents of a team are placed on the host, which is why it beats. */
  hasAgents(host: HostId): boolean {
    for (const {agents} of this.#view.teams.values()) if (agents.all.some(agent => agent.host === host)) return true;
    return false;
  }

  /** Its process is certain not to go on by itself: it is ended, though its connection may stand. */
  endStuck(turn: Turn, hostId: HostId): void {
    const host = this.#hosts.get(hostId);
    if (!host || host.state.name === 'ending') return;
    host.state = {name: 'ending'};
    for (const team of this.#view.teams.values()) team.agents.suspend(hostId);
    turn.effect({type: 'kill-host', hostId, isStuck: true});
  }

  /** A host that has been silent for too long is ended; one that came back in the meantime is not. */
  silenceDue(turn: Turn, {hostId, since}: Extract<Deadline, {kind: 'host-silent'}>): void {
    const host = this.#hosts.get(hostId);
    if (host?.state.name !== 'silent' || host.state.sinceMs !== since) return;
    host.state = {name: 'ending'};
    turn.effect({type: 'kill-host', hostId});
  }

  /** Whether the attempt was an orphan that this host's machine was searched for; it is none any more then. */
  claimOrphan(hostId: HostId, attempt: Attempt): boolean {
    const host = this.#hosts.get(hostId);
    return host !== undefined && this.#hosts.machine(host.record.machineId).orphans.delete(attempt);
  }

  /** The attempt is over, whoever said so. */
  release(attempt: Attempt): void {
    const {team, agent} = attempt;
    for (const machine of this.#hosts.machines()) machine.orphans.delete(attempt);
    team.agents.release(agent, {usable: this.isConnected(agent.host)});
    if (agent.host === null) this.house(team);
  }

  /** Gives every agent without a host to one that is connected, or asks for one. */
  place(turn: Turn): void {
    for (const team of this.#homeless) {
      const unplaced = team.agents.unplaced();
      const host = unplaced.length > 0 ? this.#leastCrowded() : null;
      if (unplaced.length > 0 && !host) {
        this.#needHost(turn, this.#hosts.machine(this.#options.machineId));
        continue;
      }
      this.#homeless.delete(team);
      if (host) this.#settleOn(turn, {team, host: host.record.id, agents: unplaced});
    }
  }

  /** They have left their team. A host that cannot be reached closes them when it is back. */
  closeAgents(turn: Turn, team: Team, agents: readonly Agent[]): void {
    for (const [hostId, those] of byHost(agents)) {
      if (!this.isConnected(hostId)) continue;
      turn.effect({type: 'close-agents', hostId, teamId: team.id, agents: those.map(({id}) => id)});
    }
  }

  /** They are opened anew where they are, or wherever there is a place for them. */
  reopenAgents(turn: Turn, team: Team, agents: readonly Agent[]): void {
    this.closeAgents(turn, team, agents);
    for (const [host, those] of byHost(agents)) {
      if (this.isConnected(host)) this.#open(turn, {team, host, agents: those});
    }
    this.house(team);
  }

  /** What the team is has changed: its hosts are told before they are given any of it. */
  tellSpec(turn: Turn, team: Team): void {
    for (const [hostId] of byHost(team.agents.all)) {
      if (this.isConnected(hostId)) turn.effect({type: 'open-team', hostId, teamId: team.id, spec: team.spec});
    }
  }

  /** Has a connected host of each machine look for what dead hosts left there. */
  reap(turn: Turn): void {
    for (const machine of this.#hosts.machines()) this.#reap(turn, machine);
  }

  /** A host that was there when the last daemon ended: it has until the deadline to come back. */
  expectBack(turn: Turn, record: HostRecord): void {
    this.#silence(this.#hosts.put(record, {name: 'connected'}), turn.now.monoMs);
  }

  /** An open attempt from the store: its agent is where its host is, if there is still a chance that it comes back. */
  takeOver(attempt: Attempt): void {
    if (this.#hosts.get(attempt.host)) attempt.team.agents.place(attempt.agent, attempt.host);
    else this.#hosts.machine(this.#options.machineId).orphans.add(attempt);
  }

  /** Free agents were on a host that may come back: wait for it rather than start another one. */
  rehouse(host: HostId): void {
    for (const {agents} of this.#view.teams.values()) for (const agent of agents.unplaced()) agents.place(agent, host);
  }

  #silence(host: Host, sinceMs: number): void {
    host.state = {name: 'silent', sinceMs};
    const atMs = sinceMs + this.#options.hostLostMs;
    this.#view.deadlines.add({atMs, kind: 'host-silent', hostId: host.record.id, since: sinceMs});
  }

  #reopenAgents(turn: Turn, host: HostId, known: ReadonlySet<AgentId>): void {
    for (const team of this.#view.teams.values()) {
      const here = team.agents.all.filter(agent => agent.host === host);
      this.#closeStrangers(turn, {team, host, known});
      if (here.length === 0) continue;
      turn.effect({type: 'open-team', hostId: host, teamId: team.id, spec: team.spec});
      for (const agent of here) if (known.has(agent.id)) team.agents.acknowledge(agent);
      this.#open(turn, {team, host, agents: here.filter(agent => !known.has(agent.id) && agent.state !== 'gone')});
      team.announceReady(turn);
    }
  }

  #settleOn(turn: Turn, {team, host, agents}: {team: Team; host: HostId; agents: readonly Agent[]}): void {
    for (const agent of agents) team.agents.place(agent, host);
    turn.effect({type: 'open-team', hostId: host, teamId: team.id, spec: team.spec});
    this.#open(turn, {team, host, agents});
  }

  /** Each with the runtime of its group, so that one that is missing takes only its own agents with it. */
  #open(turn: Turn, {team, host, agents}: {team: Team; host: HostId; agents: readonly Agent[]}): void {
    if (agents.length === 0) return;
    const runtimes: Record<AgentId, string> = {};
    for (const agent of agents) runtimes[agent.id] = team.agents.groupOf(agent).runtime;
    const ids = agents.map(({id}) => id);
    turn.effect({type: 'open-agents', hostId: host, teamId: team.id, agents: ids, runtimes});
  }

  /** The host names agents that have left the team since it was last heard of. */
  #closeStrangers(turn: Turn, {team, host, known}: {team: Team; host: HostId; known: ReadonlySet<AgentId>}): void {
    const left = [...known].filter(id => !team.agents.get(id) && team.agents.hasHad(id));
    if (left.length > 0) turn.effect({type: 'close-agents', hostId: host, teamId: team.id, agents: left});
  }

  #leastCrowded(): Host | null {
    let best: {host: Host; agents: number} | null = null;
    for (const host of this.#hosts.all()) {
      if (host.state.name !== 'connected') continue;
      const agents = this.#agentsOn(host.record.id);
      if (best === null || agents < best.agents) best = {host, agents};
    }
    return best?.host ?? null;
  }

  #agentsOn(host: HostId): number {
    let count = 0;
    for (const {agents} of this.#view.teams.values()) {
      for (const agent of agents.all) if (agent.host === host) count += 1;
    }
    return count;
  }

  #needHost(turn: Turn, machine: Machine): void {
    if (machine.starting || this.#hosts.expectedOn(machine.id) || this.#view.teams.size === 0) return;
    machine.starting = true;
    turn.effect({type: 'start-host', machineId: machine.id});
  }

  #reap(turn: Turn, machine: Machine): void {
    if (machine.orphans.size === 0) return;
    const host = this.#hosts.connectedOn(machine.id);
    if (!host) return this.#needHost(turn, machine);
    const attempts = [...machine.orphans].map(attempt => attempt.id);
    turn.effect({type: 'reap', hostId: host.record.id, attempts});
  }
}

function byHost(agents: readonly Agent[]): ReadonlyMap<HostId, Agent[]> {
  const hosts = new Map<HostId, Agent[]>();
  for (const agent of agents) {
    if (agent.host === null) continue;
    const those = hosts.get(agent.host);
    if (those) those.push(agent);
    else hosts.set(agent.host, [agent]);
  }
  return hosts;
}
