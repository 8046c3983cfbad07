import {backoffMs} from '../base/backoff.ts';
import type {Now} from '../base/clock.ts';
import {never} from '../base/never.ts';
import type {Random} from '../base/random.ts';
import type {Failure, StopReason} from '../model/failure.ts';
import {failureText} from '../model/failure-text.ts';
import {type AgentId, type AttemptId, attemptId, type HostId, type TeamId, teamId} from '../model/ids.ts';
import type {HostRecord, OpenAttempt, StoredState} from '../model/record.ts';
import type {TeamSpec} from '../model/team.ts';
import type {TeamView} from '../model/team-view.ts';
import {finalView, type ViewOptions, viewTeam} from './dashboard.ts';
import {type Deadline, Deadlines} from './deadlines.ts';
import type {Input, RequestId, Step} from './engine-io.ts';
import {type Host, Hosts, type Machine} from './hosts.ts';
import {restoreTeam} from './restore-team.ts';
import {fairest} from './scheduler.ts';
import {buildTaskGraph} from './task-graph.ts';
import {type Attempt, type RetryPolicy, Team} from './team.ts';
import {Turn} from './turn.ts';

export interface EngineOptions extends RetryPolicy {
  /** The machine the daemon is on: hosts are started there. */
  readonly machineId: string;
  /** Since when monotonic times count. */
  readonly bootId: string;
  /** How long a silent host may stay away before it is ended, in milliseconds. */
  readonly hostLostMs: number;
  readonly random: Random;
}

/** Host starts that fail one after the other before the teams are ended. */
const MAX_FAILED_STARTS = 5;

type InputOf<T extends Input['type']> = Extract<Input, {type: T}>;

/**
 * The synchronous heart: `handle` takes one input and the time and answers what is to be recorded and what is to be done
 * once that is durable. It knows no socket, store, process or clock. It owns the teams that are not over, the hosts, and
 * all leases.
 */
export class Engine {
  readonly #options: EngineOptions;
  readonly #teams = new Map<TeamId, Team>();
  readonly #over = new Map<TeamId, TeamView>();
  readonly #names = new Map<string, TeamId>();
  readonly #attempts = new Map<AttemptId, Attempt>();
  readonly #hosts = new Hosts();
  readonly #deadlines = new Deadlines();
  readonly #waiting = new Map<TeamId, RequestId[]>();
  #nextTeam: number;
  #nextAttempt: number;
  #permits = 0;
  #permitsWhy: string | null = null;
  #wanted = 0;
  /** Teams whose agents need a host. */
  readonly #homeless = new Set<Team>();

  private constructor(stored: StoredState, options: EngineOptions) {
    this.#options = options;
    this.#nextTeam = stored.nextTeamId;
    this.#nextAttempt = stored.nextAttemptId;
  }

  /** An engine that goes on where the store was last written (an empty state is a first start). */
  static restore(stored: StoredState, options: EngineOptions, now: Now): {engine: Engine; step: Step} {
    const engine = new Engine(stored, options);
    return {engine, step: engine.#turn(now, turn => engine.#restore(turn, stored))};
  }

  /** Never throws for anything a client or host may send; a throw is a bug in godel. */
  handle(input: Input, now: Now): Step {
    return this.#turn(now, turn => this.#take(turn, input));
  }

  /** When `handle({type: 'tick'})` is next needed (monotonic milliseconds); null: not before another input. */
  nextDeadlineMs(): number | null {
    return this.#deadlines.nextMs();
  }

  view(id: TeamId, options: ViewOptions): TeamView | null {
    const team = this.#teams.get(id);
    if (team) return viewTeam(team, {capacityWhy: this.#permitsWhy, ...options});
    return this.#over.get(id) ?? null;
  }

  teamNamed(name: string): TeamId | null {
    return this.#names.get(name) ?? null;
  }

  /** All teams, over or not, oldest first. */
  teamIds(): TeamId[] {
    return [...this.#over.keys(), ...this.#teams.keys()].sort((a, b) => a - b);
  }

  get activeTeams(): number {
    return this.#teams.size;
  }

  hosts(): {record: HostRecord; state: Host['state']['name']; agents: number; running: number}[] {
    return [...this.#hosts.all()].map(host => ({
      record: host.record,
      state: host.state.name,
      agents: this.#agentsOn(host.record.id),
      running: [...this.#attempts.values()].filter(attempt => attempt.host === host.record.id).length,
    }));
  }

  get permits(): {granted: number; why: string | null} {
    return {granted: this.#permits, why: this.#permitsWhy};
  }

  #turn(now: Now, act: (turn: Turn) => void): Step {
    const turn = new Turn(now);
    act(turn);
    this.#runDeadlines(turn);
    this.#place(turn);
    this.#dispatch(turn);
    this.#askForPermits(turn);
    return turn.step;
  }

  #take(turn: Turn, input: Input): void {
    switch (input.type) {
      case 'spawn-team':
        return this.#spawnTeam(turn, input);
      case 'end-team':
        return this.#endTeam(turn, input);
      case 'remove-team':
        return this.#removeTeam(turn, input);
      case 'host-connected':
        return this.#hostConnected(turn, input);
      case 'host-disconnected':
        return this.#hostDisconnected(turn, input.hostId);
      case 'host-gone':
        return this.#hostGone(turn, input.hostId);
      case 'host-start-failed':
        return this.#hostStartFailed(turn, input);
      case 'agents-ready':
        return this.#agentsReady(turn, input);
      case 'agents-failed':
        return this.#agentsFailed(turn, input);
      case 'attempt-verifying':
        return this.#attemptVerifying(turn, input);
      case 'attempt-finished':
        return this.#attemptFinished(turn, input);
      case 'strays-gone':
        return this.#straysGone(turn, input);
      case 'output-read':
        return this.#outputRead(turn, input);
      case 'permits':
        return this.#takePermits(turn, input);
      case 'tick':
        return;
      default:
        return never(input);
    }
  }

  #spawnTeam(turn: Turn, {request, spec, nameTaken}: InputOf<'spawn-team'>): void {
    const name = nameTaken === 'suffix' ? this.#freeName(spec.name) : spec.name;
    const taken = this.#names.get(name);
    if (taken !== undefined) {
      const state = this.view(taken, {now: turn.now})?.state ?? 'unknown';
      turn.effect({type: 'answer', request, result: {ok: false, failure: {reason: 'team-exists', name, state}}});
      return;
    }
    const team = this.#createTeam(turn, {...spec, name});
    turn.effect({type: 'answer', request, result: {ok: true, value: viewTeam(team, {now: turn.now})}});
  }

  #createTeam(turn: Turn, spec: TeamSpec): Team {
    const id = teamId(this.#nextTeam);
    this.#nextTeam += 1;
    const tasks = spec.plan ? buildTaskGraph(spec.plan) : [];
    const team = new Team({id, spec, startedAt: turn.now, tasks, policy: this.#options, random: this.#options.random});
    this.#adopt(team);
    turn.record({kind: 'team-created', id, spec, at: {...turn.now, bootId: this.#options.bootId}});
    const rows = tasks.map(({seq, id: task, specIndex}) => ({seq, id: task, specIndex, group: null, item: null}));
    if (rows.length > 0) turn.record({kind: 'tasks-created', teamId: id, tasks: rows});
    turn.emit(id, {type: 'team-spawned', name: spec.name, agents: spec.count, tasks: tasks.length});
    if (spec.timeoutMs !== null) {
      this.#deadlines.add({atMs: turn.now.monoMs + spec.timeoutMs, kind: 'team-timeout', teamId: id});
    }
    team.begin(turn);
    this.#settle(turn, team);
    return team;
  }

  #adopt(team: Team): void {
    this.#teams.set(team.id, team);
    this.#names.set(team.spec.name, team.id);
    this.#homeless.add(team);
  }

  #freeName(name: string): string {
    let free = name;
    for (let number = 2; this.#names.has(free); number += 1) free = `${name}-${number}`;
    return free;
  }

  #endTeam(turn: Turn, {request, teamId: id, by}: InputOf<'end-team'>): void {
    const team = this.#teams.get(id);
    if (!team) return this.#answerOver(turn, request, id);
    const requests = this.#waiting.get(id);
    if (requests) requests.push(request);
    else this.#waiting.set(id, [request]);
    this.#end(turn, team, by);
  }

  #removeTeam(turn: Turn, {request, teamId: id}: InputOf<'remove-team'>): void {
    const team = this.#teams.get(id);
    if (team) {
      const failure: Failure = {reason: 'team-active', name: team.spec.name, state: team.state};
      turn.effect({type: 'answer', request, result: {ok: false, failure}});
      return;
    }
    this.#answerOver(turn, request, id);
    const view = this.#over.get(id);
    if (!view) return;
    this.#over.delete(id);
    this.#names.delete(view.team);
    turn.record({kind: 'team-removed', id});
  }

  #answerOver(turn: Turn, request: RequestId, id: TeamId): void {
    const view = this.#over.get(id);
    const failure: Failure = {reason: 'team-not-found', name: `#${id}`, known: [...this.#names.keys()]};
    turn.effect({type: 'answer', request, result: view ? {ok: true, value: view} : {ok: false, failure}});
  }

  /** Cancels what has not started, stops what runs; the team is over when the last attempt has ended. */
  #end(turn: Turn, team: Team, by: StopReason, detail: string | null = null): void {
    team.end(turn, by, detail);
    const byHost = new Map<HostId, AttemptId[]>();
    for (const attempt of team.attempts.values()) {
      attempt.stopping ??= by;
      const attempts = byHost.get(attempt.host);
      if (attempts) attempts.push(attempt.id);
      else byHost.set(attempt.host, [attempt.id]);
    }
    for (const [hostId, attempts] of byHost) {
      if (this.#hosts.isConnected(hostId)) turn.effect({type: 'stop-attempts', hostId, attempts, by});
    }
    this.#settle(turn, team);
  }

  /** To be called after whatever may have ended tasks of the team. */
  #settle(turn: Turn, team: Team): void {
    if (team.ending === null) {
      const {failFast, maxFailures} = team.spec;
      if (failFast && team.countedFailures > 0) return this.#end(turn, team, 'fail-fast');
      if (maxFailures !== null && team.countedFailures >= maxFailures) return this.#end(turn, team, 'max-failures');
    }
    if (team.isOver && this.#teams.has(team.id)) this.#finish(turn, team);
  }

  #finish(turn: Turn, team: Team): void {
    const view = finalView(team, turn.now);
    this.#teams.delete(team.id);
    this.#homeless.delete(team);
    this.#over.set(team.id, view);
    this.#deadlines.dropTeam(team.id);
    turn.record({kind: 'team-finished', id: team.id, state: view.state, atMs: turn.now.wallMs, view});
    turn.emit(team.id, {type: 'team-finished', state: view.state});
    for (const host of this.#hosts.all()) {
      if (host.state.name === 'connected') turn.effect({type: 'close-team', hostId: host.record.id, teamId: team.id});
    }
    turn.effect({type: 'team-over', teamId: team.id, view});
    for (const request of this.#waiting.get(team.id) ?? []) {
      turn.effect({type: 'answer', request, result: {ok: true, value: view}});
    }
    this.#waiting.delete(team.id);
  }

  #hostConnected(turn: Turn, {host: record, holds, agents, teams}: InputOf<'host-connected'>): void {
    const machine = this.#hosts.machine(record.machineId);
    machine.starting = false;
    machine.failedStarts = 0;
    if (!this.#hosts.get(record.id)) turn.record({kind: 'host', host: record});
    this.#hosts.put(record, {name: 'connected'});
    turn.emit(null, {type: 'host-connected', host: record.id, pid: record.process.pid});
    for (const id of teams) if (!this.#teams.has(id)) turn.effect({type: 'close-team', hostId: record.id, teamId: id});
    this.#reopenAgents(turn, record.id, new Set(agents));
    this.#compareAttempts(turn, record.id, new Set(holds));
    this.#reap(turn, machine);
  }

  #reopenAgents(turn: Turn, host: HostId, known: ReadonlySet<AgentId>): void {
    for (const team of this.#teams.values()) {
      const here = team.agents.all.filter(agent => agent.host === host);
      if (here.length === 0) continue;
      turn.effect({type: 'open-team', hostId: host, teamId: team.id, spec: team.spec});
      for (const agent of here) if (known.has(agent.id)) team.agents.acknowledge(agent);
      const lost = here.filter(agent => !known.has(agent.id) && agent.state !== 'gone').map(agent => agent.id);
      if (lost.length > 0) turn.effect({type: 'open-agents', hostId: host, teamId: team.id, agents: lost});
      this.#announceReady(turn, team);
    }
  }

  /**
   * What the host holds against what is leased to it: a lease that never arrived is sent again or, when it was to be
   * stopped, is over; what it holds without a lease is stopped.
   */
  #compareAttempts(turn: Turn, host: HostId, holds: ReadonlySet<AttemptId>): void {
    for (const attempt of [...this.#attempts.values()]) {
      if (attempt.host !== host) continue;
      const {stopping} = attempt;
      if (stopping !== null && holds.has(attempt.id)) {
        turn.effect({type: 'stop-attempts', hostId: host, attempts: [attempt.id], by: stopping});
      } else if (stopping !== null) this.#endAttempt(turn, attempt, () => attempt.team.lose(turn, attempt));
      else if (!holds.has(attempt.id)) this.#assign(turn, attempt);
    }
    const foreign = [...holds].filter(id => this.#attempts.get(id)?.host !== host);
    if (foreign.length > 0) turn.effect({type: 'stop-attempts', hostId: host, attempts: foreign, by: 'superseded'});
  }

  #hostDisconnected(turn: Turn, id: HostId): void {
    const host = this.#hosts.get(id);
    if (host?.state.name !== 'connected') return;
    const sinceMs = turn.now.monoMs;
    host.state = {name: 'silent', sinceMs};
    this.#deadlines.add({atMs: sinceMs + this.#options.hostLostMs, kind: 'host-silent', hostId: id, since: sinceMs});
    for (const team of this.#teams.values()) team.agents.suspend(id);
    turn.emit(null, {type: 'host-disconnected', host: id});
  }

  #hostGone(turn: Turn, id: HostId): void {
    const host = this.#hosts.get(id);
    if (!host) return;
    this.#hosts.remove(id);
    turn.record({kind: 'host', host: {...host.record, gone: true}});
    turn.emit(null, {type: 'host-gone', host: id});
    const machine = this.#hosts.machine(host.record.machineId);
    for (const attempt of this.#attempts.values()) if (attempt.host === id) machine.orphans.add(attempt);
    for (const team of this.#teams.values()) {
      team.agents.displace(id);
      this.#homeless.add(team);
    }
    this.#reap(turn, machine);
  }

  #hostStartFailed(turn: Turn, {machineId, detail}: InputOf<'host-start-failed'>): void {
    const machine = this.#hosts.machine(machineId);
    machine.failedStarts += 1;
    const delayMs = backoffMs(machine.failedStarts, {baseMs: 500, maxMs: 30_000}, this.#options.random);
    this.#deadlines.add({atMs: turn.now.monoMs + delayMs, kind: 'start-host', machineId});
    if (machine.failedStarts < MAX_FAILED_STARTS) return;
    for (const team of [...this.#teams.values()]) {
      const failure: Failure = {reason: 'host-start-failed', times: machine.failedStarts, detail};
      turn.emit(team.id, {type: 'agents-failed', failure, agents: team.spec.count});
      this.#end(turn, team, 'no-host', failureText(failure));
    }
    // Teams that come later have as many tries.
    machine.failedStarts = 0;
  }

  #agentsReady(turn: Turn, {hostId, agents}: InputOf<'agents-ready'>): void {
    if (!this.#hosts.isConnected(hostId)) return;
    for (const team of this.#teamsOf(agents)) {
      for (const id of agents) {
        const agent = team.agents.get(id);
        if (agent?.host === hostId) team.agents.acknowledge(agent);
      }
      this.#announceReady(turn, team);
    }
  }

  #agentsFailed(turn: Turn, {hostId, agents, detail}: InputOf<'agents-failed'>): void {
    for (const team of this.#teamsOf(agents)) {
      const failed = agents.flatMap(id => {
        const agent = team.agents.get(id);
        return agent?.host === hostId ? [agent] : [];
      });
      const first = failed[0];
      if (!first) continue;
      for (const agent of failed) team.agents.fail(agent);
      const failure: Failure = {reason: 'agent-failed', agent: first.id, detail};
      turn.emit(team.id, {type: 'agents-failed', failure, agents: failed.length});
      this.#announceReady(turn, team);
      if (team.agents.count('gone') === team.spec.count) this.#end(turn, team, 'no-agents', failureText(failure));
    }
  }

  #teamsOf(agents: readonly AgentId[]): Team[] {
    const first = agents[0];
    if (first === undefined) return [];
    return [...this.#teams.values()].filter(team => agents.some(id => team.agents.get(id) !== undefined));
  }

  #announceReady(turn: Turn, team: Team): void {
    if (team.announcedReady || team.agents.count('starting') > 0) return;
    team.announcedReady = true;
    const agents = team.agents.count('idle') + team.agents.count('busy');
    turn.emit(team.id, {type: 'team-ready', agents});
  }

  #attemptVerifying(turn: Turn, {hostId, attempt: id}: InputOf<'attempt-verifying'>): void {
    const attempt = this.#leased(turn, {hostId, id, report: 'attempt-verifying'});
    if (attempt) attempt.team.verifying(attempt);
  }

  #attemptFinished(turn: Turn, {hostId, attempt: id, outcome}: InputOf<'attempt-finished'>): void {
    const attempt = this.#leased(turn, {hostId, id, report: 'attempt-finished'});
    if (!attempt) return;
    this.#endAttempt(turn, attempt, () => attempt.team.finish(turn, attempt, outcome));
  }

  /** The fence: only the host that holds the lease is heard about an attempt, and only while the lease is open. */
  #leased(turn: Turn, {hostId, id, report}: {hostId: HostId; id: AttemptId; report: string}): Attempt | null {
    const attempt = this.#attempts.get(id);
    if (attempt?.host === hostId) return attempt;
    const why = attempt ? 'wrong-host' : id < this.#nextAttempt ? 'not-current' : 'unknown-attempt';
    turn.emit(null, {type: 'report-rejected', attempt: id, report, why});
    return null;
  }

  #straysGone(turn: Turn, {hostId, attempts}: InputOf<'strays-gone'>): void {
    const host = this.#hosts.get(hostId);
    if (!host) return;
    const machine = this.#hosts.machine(host.record.machineId);
    for (const id of attempts) {
      const attempt = this.#attempts.get(id);
      if (!attempt || !machine.orphans.delete(attempt)) continue;
      this.#endAttempt(turn, attempt, () => attempt.team.lose(turn, attempt));
    }
  }

  /** Ends the lease, frees the agent, and lets the team say what follows, perhaps that it is to be tried again later. */
  #endAttempt(turn: Turn, attempt: Attempt, conclude: () => number | null): void {
    const {team, agent, task} = attempt;
    this.#attempts.delete(attempt.id);
    for (const machine of this.#hosts.machines()) machine.orphans.delete(attempt);
    team.agents.release(agent, {usable: this.#hosts.isConnected(agent.host)});
    if (agent.host === null) this.#homeless.add(team);
    const retryAtMs = conclude();
    if (retryAtMs !== null) this.#deadlines.add({atMs: retryAtMs, kind: 'retry', teamId: team.id, task});
    this.#settle(turn, team);
  }

  #outputRead(turn: Turn, {teamId: id, task, output}: InputOf<'output-read'>): void {
    const team = this.#teams.get(id);
    const source = team?.tasks[task];
    if (!team || !source) return;
    team.expandWith(turn, source, output);
    this.#settle(turn, team);
  }

  #takePermits(turn: Turn, {permits, why}: InputOf<'permits'>): void {
    this.#permits = permits;
    if (why !== null && why !== this.#permitsWhy) turn.emit(null, {type: 'waiting-for-capacity', why});
    this.#permitsWhy = why;
  }

  #runDeadlines(turn: Turn): void {
    const nowMs = turn.now.monoMs;
    for (let due = this.#deadlines.takeDue(nowMs); due; due = this.#deadlines.takeDue(nowMs)) this.#run(turn, due);
  }

  #run(turn: Turn, due: Deadline): void {
    switch (due.kind) {
      case 'retry':
        this.#teams.get(due.teamId)?.retryDue(due.task);
        return;
      case 'team-timeout': {
        const team = this.#teams.get(due.teamId);
        if (team) this.#end(turn, team, 'team-timeout', timeoutText(team));
        return;
      }
      case 'host-silent': {
        const host = this.#hosts.get(due.hostId);
        if (host?.state.name !== 'silent' || host.state.sinceMs !== due.since) return;
        host.state = {name: 'ending'};
        turn.effect({type: 'kill-host', hostId: due.hostId});
        return;
      }
      case 'start-host': {
        const machine = this.#hosts.machine(due.machineId);
        machine.starting = false;
        this.#needHost(turn, machine);
        return;
      }
      default:
        never(due);
    }
  }

  /** Gives every agent without a host to one that is connected, or asks for one. */
  #place(turn: Turn): void {
    for (const team of this.#homeless) {
      const unplaced = team.agents.unplaced();
      if (unplaced.length === 0) {
        this.#homeless.delete(team);
        continue;
      }
      const host = this.#leastCrowded();
      if (!host) {
        this.#needHost(turn, this.#hosts.machine(this.#options.machineId));
        continue;
      }
      const hostId = host.record.id;
      for (const agent of unplaced) team.agents.place(agent, hostId);
      turn.effect({type: 'open-team', hostId, teamId: team.id, spec: team.spec});
      turn.effect({type: 'open-agents', hostId, teamId: team.id, agents: unplaced.map(agent => agent.id)});
      this.#homeless.delete(team);
    }
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
    for (const team of this.#teams.values()) for (const agent of team.agents.all) if (agent.host === host) count += 1;
    return count;
  }

  #needHost(turn: Turn, machine: Machine): void {
    if (machine.starting || this.#hosts.expectedOn(machine.id)) return;
    if (this.#teams.size === 0) return;
    machine.starting = true;
    turn.effect({type: 'start-host', machineId: machine.id});
  }

  /** Has a host of the machine look for what dead hosts left behind. */
  #reap(turn: Turn, machine: Machine): void {
    if (machine.orphans.size === 0) return;
    const host = this.#hosts.connectedOn(machine.id);
    if (!host) return this.#needHost(turn, machine);
    const attempts = [...machine.orphans].map(attempt => attempt.id);
    turn.effect({type: 'reap', hostId: host.record.id, attempts});
  }

  /** Binds ready tasks to free agents, as long as there are permits: the fairest team first. */
  #dispatch(turn: Turn): void {
    while (this.#attempts.size < this.#permits) {
      const team = fairest(this.#teams.values());
      if (!team) return;
      const task = team.takeReady();
      if (!task) continue;
      const id = attemptId(this.#nextAttempt);
      const agent = team.agents.engage(id);
      if (!agent || agent.host === null)
        throw new Error(`Internal error: ${team.spec.name} has no free agent with a host`);
      this.#nextAttempt += 1;
      const attempt = team.lease(turn, {id, task, agent, host: agent.host});
      this.#attempts.set(id, attempt);
      this.#assign(turn, attempt);
    }
  }

  #assign(turn: Turn, {id, team, task, agent, host, number}: Attempt): void {
    const {spec, item} = task;
    const facts = {
      attempt: id,
      teamId: team.id,
      task: task.seq,
      taskId: task.id,
      spec,
      item,
      number,
      agentId: agent.id,
    };
    turn.effect({type: 'assign', hostId: host, assignment: {...facts, needs: team.needResults(task)}});
  }

  /** Asks for more as soon as more could run; gives back only when much less is needed, to be left alone by jitter. */
  #askForPermits(turn: Turn): void {
    let want = 0;
    for (const team of this.#teams.values()) want += team.wanted;
    const more = want > this.#wanted;
    const less = want === 0 ? this.#wanted > 0 : want * 2 <= this.#wanted;
    if (!more && !less) return;
    this.#wanted = want;
    turn.effect({type: 'want-permits', want});
  }

  #restore(turn: Turn, stored: StoredState): void {
    for (const view of stored.over) {
      this.#over.set(view.teamId, view);
      this.#names.set(view.team, view.teamId);
    }
    for (const record of stored.hosts) this.#expectBack(turn, record);
    for (const row of stored.teams) {
      const team = restoreTeam(row, {
        now: turn.now,
        bootId: this.#options.bootId,
        policy: this.#options,
        random: this.#options.random,
      });
      this.#adopt(team);
      for (const open of row.openAttempts) this.#holdAgain(turn, team, open);
      this.#resumeTimers(turn, team);
    }
    for (const record of stored.hosts) this.#rehouse(record.id);
    for (const team of [...this.#teams.values()]) {
      if (team.ending === null) team.begin(turn);
      this.#settle(turn, team);
    }
    for (const machine of this.#hosts.machines()) this.#reap(turn, machine);
  }

  /** A host that was there when the last daemon ended: it has until the deadline to come back. */
  #expectBack(turn: Turn, record: HostRecord): void {
    const sinceMs = turn.now.monoMs;
    this.#hosts.put(record, {name: 'silent', sinceMs});
    this.#deadlines.add({
      atMs: sinceMs + this.#options.hostLostMs,
      kind: 'host-silent',
      hostId: record.id,
      since: sinceMs,
    });
  }

  #holdAgain(turn: Turn, team: Team, open: OpenAttempt): void {
    const task = team.tasks[open.task];
    const agent = team.agents.get(open.agentId);
    if (!task || !agent) throw new Error(`Internal error: attempt ${open.id} belongs to no task or agent of its team`);
    const leasedAt = {
      wallMs: open.leasedAtMs,
      monoMs: turn.now.monoMs - Math.max(0, turn.now.wallMs - open.leasedAtMs),
    };
    const {id, number, hostId: host} = open;
    const attempt: Attempt = {id, team, task, agent, host, number, leasedAt, stopping: team.ending};
    team.hold(attempt);
    team.agents.occupy(agent, id);
    this.#attempts.set(id, attempt);
    if (this.#hosts.get(host)) team.agents.place(agent, host);
    else this.#hosts.machine(this.#options.machineId).orphans.add(attempt);
  }

  /** Free agents were on a host that may come back: wait for it rather than start another one. */
  #rehouse(host: HostId): void {
    for (const team of this.#teams.values()) for (const agent of team.agents.unplaced()) team.agents.place(agent, host);
  }

  #resumeTimers(turn: Turn, team: Team): void {
    const {timeoutMs} = team.spec;
    if (timeoutMs !== null) {
      this.#deadlines.add({atMs: team.startedAt.monoMs + timeoutMs, kind: 'team-timeout', teamId: team.id});
    }
    for (const task of team.tasks) {
      if (task.state.name !== 'backing-off') continue;
      const leftMs = Math.min(Math.max(0, task.state.untilWallMs - turn.now.wallMs), this.#options.retryMaxMs);
      this.#deadlines.add({atMs: turn.now.monoMs + leftMs, kind: 'retry', teamId: team.id, task});
    }
  }
}

function timeoutText({spec}: Team): string {
  return failureText({reason: 'team-timed-out', timeoutMs: spec.timeoutMs ?? 0});
}
