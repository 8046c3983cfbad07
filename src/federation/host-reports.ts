import {never} from '../base/never.ts';
import type {Failure} from '../model/failure.ts';
import {failureText} from '../model/failure-text.ts';
import type {AgentId, AttemptId, HostId} from '../model/ids.ts';
import {assign} from './assignments.ts';
import type {AttemptReports} from './attempt-reports.ts';
import {tellPauses} from './attempt-stops.ts';
import type {Input} from './engine-io.ts';
import type {Leases} from './leases.ts';
import type {Pool} from './pool.ts';
import type {TeamEndings} from './team-endings.ts';
import type {Team} from './team.ts';
import type {Teams} from './teams.ts';
import type {Turn} from './turn.ts';
import type {Upkeep} from './upkeep.ts';

/** News of hosts and of the agents on them. */
export type HostReport = Extract<
  Input,
  {
    type: 'host-connected' | 'host-disconnected' | 'host-gone' | 'host-start-failed' | 'agents-ready' | 'agents-failed';
  }
>;

export interface HostReportsOptions {
  readonly teams: Teams;
  readonly leases: Leases;
  readonly endings: TeamEndings;
  readonly attempts: AttemptReports;
  readonly pool: Pool;
  readonly upkeep: Upkeep;
}

type ReportOf<T extends HostReport['type']> = Extract<HostReport, {type: T}>;

/** Takes in what is said of hosts: which are there, what they hold, and which agents work on them. */
export class HostReports {
  readonly #options: HostReportsOptions;

  constructor(options: HostReportsOptions) {
    this.#options = options;
  }

  take(turn: Turn, report: HostReport): void {
    const {pool, upkeep} = this.#options;
    switch (report.type) {
      case 'host-connected':
        return this.#connected(turn, report);
      case 'host-disconnected':
        upkeep.take(turn, report);
        return pool.disconnected(turn, report.hostId);
      case 'host-gone':
        pool.gone(turn, report.hostId);
        return upkeep.take(turn, report);
      case 'host-start-failed':
        return this.#startFailed(turn, report);
      case 'agents-ready':
        return this.#agentsReady(turn, report);
      case 'agents-failed':
        return this.#agentsFailed(turn, report);
      default:
        never(report);
    }
  }

  #connected(turn: Turn, input: ReportOf<'host-connected'>): void {
    const {pool, upkeep, leases} = this.#options;
    const {host, holds, agents, teams, paused} = input;
    pool.connected(turn, {host, agents, teams});
    const held = new Set(paused);
    for (const attempt of leases.open.values()) if (attempt.host === host.id) attempt.isHeld = held.has(attempt.id);
    upkeep.take(turn, input);
    this.#compareAttempts(turn, host.id, new Set(holds));
    pool.reap(turn);
  }

  /**
   * What the host holds against what is leased to it: a lease that never arrived is sent again or, when it was to be
   * stopped, is over; what it holds without a lease is stopped.
   */
  #compareAttempts(turn: Turn, host: HostId, holds: ReadonlySet<AttemptId>): void {
    const {leases, pool, attempts} = this.#options;
    for (const attempt of [...leases.open.values()]) {
      if (attempt.host !== host) continue;
      const {stopping} = attempt;
      if (stopping === null && !holds.has(attempt.id)) assign(turn, attempt);
      if (stopping === null || holds.has(attempt.id)) tellPauses(turn, [attempt], pool);
      if (stopping !== null && holds.has(attempt.id)) {
        turn.effect({type: 'stop-attempts', hostId: host, attempts: [attempt.id], by: stopping});
      } else if (stopping !== null) attempts.end(turn, attempt, null);
    }
    const foreign = [...holds].filter(id => leases.open.get(id)?.host !== host);
    if (foreign.length > 0) turn.effect({type: 'stop-attempts', hostId: host, attempts: foreign, by: 'superseded'});
  }

  #startFailed(turn: Turn, {machineId, detail}: ReportOf<'host-start-failed'>): void {
    const {pool, teams, endings} = this.#options;
    const times = pool.startFailed(turn, machineId);
    if (times === null) return;
    for (const team of [...teams.active.values()]) {
      const failure: Failure = {reason: 'host-start-failed', times, detail};
      turn.emit(team.id, {type: 'agents-failed', failure, agents: team.agents.all.length});
      endings.end(turn, team, {by: 'no-host', detail: failureText(failure)});
    }
  }

  #agentsReady(turn: Turn, {hostId, agents}: ReportOf<'agents-ready'>): void {
    if (!this.#options.pool.isConnected(hostId)) return;
    for (const team of this.#teamsOf(agents)) {
      for (const id of agents) {
        const agent = team.agents.get(id);
        if (agent?.host === hostId) team.agents.acknowledge(agent);
      }
      team.announceReady(turn);
    }
  }

  #agentsFailed(turn: Turn, {hostId, agents, detail}: ReportOf<'agents-failed'>): void {
    for (const team of this.#teamsOf(agents)) {
      const failed = agents.flatMap(id => {
        const agent = team.agents.get(id);
        return agent?.host === hostId ? [agent] : [];
      });
      const first = failed[0];
      if (!first) continue;
      for (const agent of failed) team.agents.fail(agent, detail);
      const failure: Failure = {reason: 'agent-failed', agent: first.id, detail};
      turn.emit(team.id, {type: 'agents-failed', failure, agents: failed.length});
      team.announceReady(turn);
      if (team.agents.areAllGone) {
        this.#options.endings.end(turn, team, {by: 'no-agents', detail: failureText(failure)});
      }
    }
  }

  #teamsOf(agents: readonly AgentId[]): Team[] {
    if (agents.length === 0) return [];
    const teams = [...this.#options.teams.active.values()];
    return teams.filter(team => agents.some(id => team.agents.get(id) !== undefined));
  }
}
