import type {Now} from '../base/clock.ts';
import {fail, type Result} from '../base/result.ts';
import {never} from '../base/never.ts';
import type {AgentView} from '../model/agent-view.ts';
import type {AttemptOutcome} from '../model/attempt.ts';
import type {BreakerView, EdgeCounts} from '../model/edge.ts';
import type {HealthState} from '../model/health.ts';
import type {Failure, StopReason} from '../model/failure.ts';
import {failureText} from '../model/failure-text.ts';
import {type AgentId, type AttemptId, attemptId, type HostId, type TaskSeq, type TeamId, teamId} from '../model/ids.ts';
import type {OpenAttempt, StoredState} from '../model/record.ts';
import type {TeamSpec} from '../model/team.ts';
import type {TeamView} from '../model/team-view.ts';
import {AgentChanges} from './agent-changes.ts';
import {agentViews, ailingAgents, type Recorded} from './agent-views.ts';
import {AnomalyWatch} from './anomaly-watch.ts';
import {assign} from './assignments.ts';
import {countUnheld, stopAttempts, tellPauses} from './attempt-stops.ts';
import {type TeamFigures, teamFigures} from './team-meter.ts';
import {finalView, type ViewOptions, viewTeam} from './dashboard.ts';
import {type Deadline, Deadlines} from './deadlines.ts';
import {Dispatcher, type DispatcherOptions} from './dispatcher.ts';
import type {Input, RequestId, Step} from './engine-io.ts';
import {taskObstacles, type TaskStanding} from './task-obstacles.ts';
import {Pauses} from './pauses.ts';
import {Pool, type PoolOptions} from './pool.ts';
import {openAgain, restoreTeam, retriesDue} from './restore-team.ts';
import type {RetryPolicy} from './retries.ts';
import {findRevival, revive} from './revival.ts';
import {fairest, goesBefore} from './scheduler.ts';
import {buildTaskGraph} from './task-graph.ts';
import {budgetText, stuckFor, timeoutText} from './team-ends.ts';
import {type TeamOrder, TeamOrders} from './team-orders.ts';
import {TeamScaler} from './team-scaler.ts';
import {asLoser, Twins} from './twins.ts';
import {type Attempt, newTask, Team} from './team.ts';
import {Turn} from './turn.ts';
import {Upkeep} from './upkeep.ts';

export interface EngineOptions extends RetryPolicy, PoolOptions, DispatcherOptions {
  /** Teams that are over and kept, ≥ 1; beyond that the oldest are removed. */
  readonly keepTeams: number;
}

/** Times are sums of fractions: this little may be left of one that is over. */
const CLOCK_ERROR_MS = 0.001;

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
  readonly #deadlines = new Deadlines();
  readonly #pool: Pool;
  readonly #dispatcher: Dispatcher;
  readonly #changes: AgentChanges;
  readonly #pauses: Pauses;
  readonly #orders: TeamOrders;
  readonly #scaler: TeamScaler;
  readonly #upkeep: Upkeep;
  readonly #twins: Twins;
  readonly #anomalies = new AnomalyWatch();
  readonly #waiting = new Map<TeamId, RequestId[]>();
  #nextTeam: number;
  #nextAttempt: number;

  private constructor(stored: StoredState, options: EngineOptions, now: Now) {
    this.#options = options;
    this.#nextTeam = stored.nextTeamId;
    this.#nextAttempt = stored.nextAttemptId;
    this.#pool = new Pool(options, {teams: this.#teams, attempts: this.#attempts, deadlines: this.#deadlines});
    this.#changes = new AgentChanges(this.#pool);
    this.#pauses = new Pauses({pool: this.#pool, deadlines: this.#deadlines});
    this.#orders = new TeamOrders({changes: this.#changes, pauses: this.#pauses, pool: this.#pool});
    const view = {teams: this.#teams, attempts: this.#attempts, deadlines: this.#deadlines, pool: this.#pool};
    this.#upkeep = new Upkeep(options, view, now);
    this.#dispatcher = new Dispatcher(options, (team, at) => this.#upkeep.obstacle(team, at));
    this.#twins = new Twins({
      dispatcher: this.#dispatcher,
      deadlines: this.#deadlines,
      reach: this.#pool,
      barred: (team, options) => this.#upkeep.barred(team, options),
      start: (turn, team, lease) => this.#start(turn, team, lease),
    });
    this.#scaler = new TeamScaler({
      dispatcher: this.#dispatcher,
      scale: (turn, team, order) => this.#changes.scale(turn, team, order),
      wake: (id, atMs) => this.#deadlines.look({atMs, teamId: id, of: 'scale'}),
    });
  }

  /** An engine that goes on where the store was last written (an empty state is a first start). */
  static restore(stored: StoredState, options: EngineOptions, now: Now): {engine: Engine; step: Step} {
    const engine = new Engine(stored, options, now);
    return {engine, step: engine.#turn(now, turn => engine.#restore(turn, stored))};
  }

  /** Never throws for anything a client or host may send; a throw is a bug in godel. */
  handle(input: Input, now: Now): Step {
    return this.#turn(now, turn => this.#take(turn, input));
  }

  /** When `handle({type: 'tick'})` is next needed (monotonic milliseconds); null: not before another input. */
  nextDeadlineMs(): number | null {
    const nextMs = this.#deadlines.nextMs();
    const {dueMs} = this.#upkeep;
    return nextMs === null || dueMs === null ? (nextMs ?? dueMs) : Math.min(nextMs, dueMs);
  }

  view(id: TeamId, options: ViewOptions): TeamView | null {
    const team = this.#teams.get(id);
    if (team) {
      const ailing = ailingAgents(team, {now: options.now, upkeep: this.#upkeep});
      const isHeard = (host: HostId) =>
        this.#pool.isConnected(host) && this.#upkeep.hostHealth(host).name === 'healthy';
      const unheld = countUnheld(team.attempts.values(), isHeard);
      return viewTeam(team, {obstacle: ready => this.#dispatcher.obstacle(team, ready), ailing, unheld, ...options});
    }
    return this.#over.get(id) ?? null;
  }

  /** What was asked for when the team was spawned; null: it is over. */
  teamSpec(id: TeamId): TeamSpec | null {
    return this.#teams.get(id)?.spec ?? null;
  }

  /** The agents of a team that is not over; one that is over has none any more. */
  agents(
    id: TeamId,
    {now, recorded}: {now: Now; recorded: (agent: AgentId) => Recorded | undefined},
  ): readonly AgentView[] {
    const team = this.#teams.get(id);
    return team ? agentViews(team, {now, recorded, upkeep: this.#upkeep}) : [];
  }

  /** The breakers of runtimes and providers that are not closed. */
  breakers(): readonly BreakerView[] {
    return this.#upkeep.breakers();
  }

  /** What the breakers of runtimes and providers have counted. */
  breakerCounts(now: Now): readonly EdgeCounts[] {
    return this.#upkeep.breakerCounts(now);
  }

  /** The teams that are not over, in figures. */
  figures(): readonly TeamFigures[] {
    return [...this.#teams.values()].map(teamFigures);
  }

  hostHealth(host: HostId): HealthState {
    return this.#upkeep.hostHealth(host).name;
  }

  /** Where a task of a team that is not over stands, and what keeps it from running, see `task-obstacles.ts`. */
  taskStanding(id: TeamId, seq: TaskSeq): TaskStanding | null {
    const team = this.#teams.get(id);
    const task = team?.tasks[seq];
    if (!team || !task) return null;
    return {
      state: task.state,
      obstacles: taskObstacles(team, task, ready => this.#dispatcher.obstacle(team, ready)),
    };
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

  hosts(): ReturnType<Pool['hosts']> {
    return this.#pool.hosts();
  }

  get permits(): {granted: number; why: string | null} {
    return this.#dispatcher.permits;
  }

  /** What runs now, as the user's ledger counts it. */
  running(): ReturnType<Dispatcher['running']> {
    return this.#dispatcher.running();
  }

  #turn(now: Now, act: (turn: Turn) => void): Step {
    const turn = new Turn(now);
    for (const team of this.#teams.values()) {
      team.budget.tick(now.monoMs);
      team.agents.wake(now.monoMs);
    }
    this.#upkeep.begin(turn);
    act(turn);
    this.#runDeadlines(turn);
    this.#upkeep.act(turn);
    for (const team of this.#teams.values()) {
      this.#anomalies.look(turn, team);
      this.#changes.follow(turn, team);
    }
    this.#pool.place(turn);
    this.#dispatch(turn);
    this.#scale(turn);
    this.#askForPermits(turn);
    for (const team of this.#teams.values()) this.#changes.tellBreakers(turn, team);
    this.#upkeep.end(turn);
    return turn.step;
  }

  #take(turn: Turn, input: Input): void {
    switch (input.type) {
      case 'spawn-team':
        return this.#spawnTeam(turn, input);
      case 'end-team':
        return this.#endTeam(turn, input);
      case 'scale-team':
      case 'agent-order':
      case 'pause':
      case 'resume':
      case 'run-plan':
        return this.#orderTeam(turn, input);
      case 'retry-team':
        return this.#over.has(input.teamId) ? this.#revive(turn, input) : this.#orderTeam(turn, input);
      case 'remove-team':
        return this.#removeTeam(turn, input);
      case 'host-connected':
        return this.#hostConnected(turn, input);
      case 'host-disconnected':
        this.#upkeep.take(turn, input);
        return this.#pool.disconnected(turn, input.hostId);
      case 'host-gone':
        this.#pool.gone(turn, input.hostId);
        return this.#upkeep.take(turn, input);
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
      case 'attempt-session':
        return this.#attemptSession(turn, input);
      case 'provider-signal':
        return this.#providerSignal(turn, input);
      case 'merge-ended':
        return this.#mergeEnded(turn, input);
      case 'strays-gone':
        return this.#straysGone(turn, input);
      case 'output-read':
        return this.#outputRead(turn, input);
      case 'permits':
        return this.#takePermits(turn, input);
      case 'vitals':
        this.#anomalies.vitals(turn, input.vitals, id => this.#heldBy(input.hostId, id));
        return this.#upkeep.take(turn, input);
      case 'host-probed':
      case 'breaker':
        return this.#upkeep.take(turn, input);
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
    if (tasks.length > 0) turn.record({kind: 'tasks-created', teamId: id, tasks: tasks.map(newTask)});
    turn.emit(id, {type: 'team-spawned', name: spec.name, agents: spec.count, tasks: tasks.length});
    for (const text of team.warnings) turn.emit(id, {type: 'team-warning', text});
    this.#orders.keepWithinLimits(turn, team);
    this.#pauses.watch(turn, team);
    team.begin(turn);
    this.#settle(turn, team);
    return team;
  }

  #adopt(team: Team): void {
    this.#teams.set(team.id, team);
    this.#names.set(team.spec.name, team.id);
    this.#pool.house(team);
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

  #orderTeam(turn: Turn, order: TeamOrder): void {
    const {request, teamId: id} = order;
    const team = this.#teams.get(id);
    const done = team ? this.#orders.take(turn, team, order) : fail(this.#noTeam(id));
    if (team && done.ok && order.type === 'agent-order' && order.what === 'restart') {
      const agent = team.agents.get(order.agent);
      if (agent) this.#upkeep.restarted(team, team.agents.groupOf(agent).runtime);
    }
    this.#answer(turn, {request, id, done});
    if (team && done.ok) this.#settle(turn, team);
  }

  #revive(turn: Turn, {request, teamId: id, tasks: wish, stored}: InputOf<'retry-team'>): void {
    const last = this.#over.get(id);
    const {bootId, random} = this.#options;
    const options = {now: turn.now, bootId, policy: this.#options, random, wish};
    const found = stored && last ? findRevival(stored, options) : fail(this.#noTeam(id));
    if (!found.ok || !last) return this.#answer(turn, {request, id, done: found});
    const {team} = found.value;
    this.#over.delete(id);
    this.#adopt(team);
    revive(turn, found.value, {bootId, last});
    if (team.agents.livingInAll === 0) {
      const {max} = team.settings.autoscale ?? {max: team.spec.count};
      this.#changes.scale(turn, team, {to: Math.min(team.spec.count, max), why: 'asked'});
    }
    this.#orders.keepWithinLimits(turn, team);
    this.#pauses.watch(turn, team);
    this.#answer(turn, {request, id, done: found});
    this.#settle(turn, team);
  }

  /** With the team as it is now, or with why nothing was done. */
  #answer(turn: Turn, {request, id, done}: {request: RequestId; id: TeamId; done: Result<unknown, Failure>}): void {
    const view = this.view(id, {now: turn.now});
    if (!done.ok) turn.effect({type: 'answer', request, result: done});
    else turn.effect({type: 'answer', request, result: view ? {ok: true, value: view} : fail(this.#noTeam(id))});
  }

  /** Why nothing can be changed of a team that is not at work. */
  #noTeam(id: TeamId): Failure {
    const view = this.#over.get(id);
    if (view) return {reason: 'team-over', name: view.team, state: view.state};
    return {reason: 'team-not-found', name: `#${id}`, known: [...this.#names.keys()]};
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
    if (view) this.#forget(turn, view);
  }

  #forget(turn: Turn, {teamId: id, team}: TeamView): void {
    this.#over.delete(id);
    this.#names.delete(team);
    turn.record({kind: 'team-removed', id});
  }

  #forgetOldest(turn: Turn): void {
    for (const view of this.#over.values()) {
      if (this.#over.size <= this.#options.keepTeams) return;
      this.#forget(turn, view);
      turn.effect({type: 'forget-team', teamId: view.teamId, name: view.team});
    }
  }

  #answerOver(turn: Turn, request: RequestId, id: TeamId): void {
    const view = this.#over.get(id);
    turn.effect({type: 'answer', request, result: view ? {ok: true, value: view} : fail(this.#noTeam(id))});
  }

  /** Cancels what has not started, stops what runs; the team is over when the last attempt has ended. */
  #end(turn: Turn, team: Team, by: StopReason, detail: string | null = null): void {
    team.end(turn, by, detail);
    stopAttempts(turn, team.attempts.values(), {by, reach: this.#pool});
    this.#settle(turn, team);
  }

  /** To be called after whatever may have ended tasks of the team. */
  #settle(turn: Turn, team: Team): void {
    if (team.ending === null) {
      const {failFast, maxFailures} = team.spec;
      const {countedFailures} = team.tally;
      if (failFast && countedFailures > 0) return this.#end(turn, team, 'fail-fast');
      if (maxFailures !== null && countedFailures >= maxFailures) return this.#end(turn, team, 'max-failures');
    }
    if (team.isOver && this.#teams.has(team.id)) return this.#finish(turn, team);
    if (this.#teams.has(team.id)) team.becomes(turn);
    if (team.ending === null && team.agents.areAllGone) this.#end(turn, team, 'no-agents');
  }

  #finish(turn: Turn, team: Team): void {
    const view = finalView(team, turn.now);
    this.#teams.delete(team.id);
    this.#over.set(team.id, view);
    this.#deadlines.dropTeam(team.id);
    this.#scaler.forget(team.id);
    this.#upkeep.teamOver(team);
    this.#anomalies.teamOver(team.id);
    turn.record({kind: 'team-finished', id: team.id, state: view.state, atMs: turn.now.wallMs, view});
    turn.emit(team.id, {type: 'team-finished', state: view.state});
    this.#pool.close(turn, team);
    turn.effect({type: 'team-over', teamId: team.id, view});
    for (const request of this.#waiting.get(team.id) ?? []) {
      turn.effect({type: 'answer', request, result: {ok: true, value: view}});
    }
    this.#waiting.delete(team.id);
    this.#forgetOldest(turn);
  }

  #hostConnected(turn: Turn, input: InputOf<'host-connected'>): void {
    const {host, holds, agents, teams, paused} = input;
    this.#pool.connected(turn, {host, agents, teams});
    const held = new Set(paused);
    for (const attempt of this.#attempts.values()) if (attempt.host === host.id) attempt.isHeld = held.has(attempt.id);
    this.#upkeep.take(turn, input);
    this.#compareAttempts(turn, host.id, new Set(holds));
    this.#pool.reap(turn);
  }

  /**
   * What the host holds against what is leased to it: a lease that never arrived is sent again or, when it was to be
   * stopped, is over; what it holds without a lease is stopped.
   */
  #compareAttempts(turn: Turn, host: HostId, holds: ReadonlySet<AttemptId>): void {
    for (const attempt of [...this.#attempts.values()]) {
      if (attempt.host !== host) continue;
      const {stopping} = attempt;
      if (stopping === null && !holds.has(attempt.id)) assign(turn, attempt);
      if (stopping === null || holds.has(attempt.id)) tellPauses(turn, [attempt], this.#pool);
      if (stopping !== null && holds.has(attempt.id)) {
        turn.effect({type: 'stop-attempts', hostId: host, attempts: [attempt.id], by: stopping});
      } else if (stopping !== null) this.#endAttempt(turn, attempt, null);
    }
    const foreign = [...holds].filter(id => this.#attempts.get(id)?.host !== host);
    if (foreign.length > 0) turn.effect({type: 'stop-attempts', hostId: host, attempts: foreign, by: 'superseded'});
  }

  #hostStartFailed(turn: Turn, {machineId, detail}: InputOf<'host-start-failed'>): void {
    const times = this.#pool.startFailed(turn, machineId);
    if (times === null) return;
    for (const team of [...this.#teams.values()]) {
      const failure: Failure = {reason: 'host-start-failed', times, detail};
      turn.emit(team.id, {type: 'agents-failed', failure, agents: team.agents.all.length});
      this.#end(turn, team, 'no-host', failureText(failure));
    }
  }

  #agentsReady(turn: Turn, {hostId, agents}: InputOf<'agents-ready'>): void {
    if (!this.#pool.isConnected(hostId)) return;
    for (const team of this.#teamsOf(agents)) {
      for (const id of agents) {
        const agent = team.agents.get(id);
        if (agent?.host === hostId) team.agents.acknowledge(agent);
      }
      team.announceReady(turn);
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
      for (const agent of failed) team.agents.fail(agent, detail);
      const failure: Failure = {reason: 'agent-failed', agent: first.id, detail};
      turn.emit(team.id, {type: 'agents-failed', failure, agents: failed.length});
      team.announceReady(turn);
      if (team.agents.areAllGone) this.#end(turn, team, 'no-agents', failureText(failure));
    }
  }

  #teamsOf(agents: readonly AgentId[]): Team[] {
    const first = agents[0];
    if (first === undefined) return [];
    return [...this.#teams.values()].filter(team => agents.some(id => team.agents.get(id) !== undefined));
  }

  #attemptVerifying(turn: Turn, {hostId, attempt: id}: InputOf<'attempt-verifying'>): void {
    const attempt = this.#leased(turn, {hostId, id, report: 'attempt-verifying'});
    if (attempt) attempt.team.verifying(attempt);
  }

  #attemptSession(turn: Turn, {hostId, attempt: id, session}: InputOf<'attempt-session'>): void {
    const attempt = this.#leased(turn, {hostId, id, report: 'attempt-session'});
    if (attempt) attempt.team.noteSession(turn, attempt, session);
  }

  #providerSignal(turn: Turn, {hostId, attempt: id, signal}: InputOf<'provider-signal'>): void {
    if (this.#leased(turn, {hostId, id, report: 'provider-signal'})) turn.effect({type: 'provider-signal', signal});
  }

  /** What the end of an attempt tells of its provider. */
  #signalEnd(turn: Turn, {means}: Attempt, {result}: AttemptOutcome): void {
    if (!means) return;
    const {provider} = means;
    if (result.ok) turn.effect({type: 'provider-signal', signal: {provider, kind: 'ok', retryAfterMs: null}});
    else if (result.failure.reason === 'provider-limited') {
      const {kind, retryAfterMs} = result.failure;
      turn.effect({type: 'provider-signal', signal: {provider, kind, retryAfterMs}});
    }
  }

  #mergeEnded(turn: Turn, {teamId: id, task: seq, attempt, result}: InputOf<'merge-ended'>): void {
    const team = this.#teams.get(id);
    const task = team?.tasks[seq];
    if (!team || !task || task.state.name !== 'merging' || task.state.attempt !== attempt) return;
    const again = team.mergeEnded(turn, task, result);
    if (again) {
      const kind = again.what === 'task' ? 'retry' : 'merge';
      this.#deadlines.add({atMs: again.retryAtMs, kind, teamId: team.id, task});
    }
    this.#settle(turn, team);
  }

  #attemptFinished(turn: Turn, {hostId, attempt: id, outcome: reported}: InputOf<'attempt-finished'>): void {
    const attempt = this.#leased(turn, {hostId, id, report: 'attempt-finished'});
    if (!attempt) return;
    const outcome = attempt.hasLost ? asLoser(reported) : this.#upkeep.outcomeOf(attempt, reported);
    this.#signalEnd(turn, attempt, outcome);
    this.#endAttempt(turn, attempt, outcome);
  }

  /** The fence: only the host that holds the lease is heard about an attempt, and only while the lease is open. */
  #leased(turn: Turn, {hostId, id, report}: {hostId: HostId; id: AttemptId; report: string}): Attempt | null {
    const attempt = this.#attempts.get(id);
    if (attempt?.host === hostId) return attempt;
    const why = attempt ? 'wrong-host' : id < this.#nextAttempt ? 'not-current' : 'unknown-attempt';
    turn.emit(null, {type: 'report-rejected', attempt: id, report, why});
    return null;
  }

  /** Hosts name attempts by bare numbers. */
  #heldBy(hostId: HostId, id: number): Attempt | undefined {
    const attempt = this.#attempts.get(attemptId(id));
    return attempt?.host === hostId ? attempt : undefined;
  }

  #straysGone(turn: Turn, {hostId, attempts}: InputOf<'strays-gone'>): void {
    for (const id of attempts) {
      const attempt = this.#attempts.get(id);
      if (!attempt || !this.#pool.claimOrphan(hostId, attempt)) continue;
      this.#endAttempt(turn, attempt, null);
    }
  }

  /** Ends the lease (lost: without an outcome), frees the agent, and lets the team say what follows, perhaps another try later. */
  #endAttempt(turn: Turn, attempt: Attempt, outcome: AttemptOutcome | null): void {
    const {team, task} = attempt;
    this.#attempts.delete(attempt.id);
    this.#anomalies.ended(attempt.id);
    this.#dispatcher.ended(attempt.means);
    this.#pool.release(attempt);
    const dueMs = team.selection.ended(attempt, {outcome, now: turn.now});
    if (dueMs !== null) this.#deadlines.add({atMs: dueMs, kind: 'look-again', teamId: team.id});
    const parked = this.#upkeep.ended(turn, attempt, outcome);
    const retryAtMs = outcome ? team.finish(turn, attempt, outcome) : team.lose(turn, attempt);
    this.#twins.stopLosers(turn, attempt);
    if (retryAtMs !== null) this.#deadlines.add({atMs: retryAtMs, kind: 'retry', teamId: team.id, task});
    if (parked && !team.isOver && team.ending === null && team.agents.areAllGone) {
      return this.#end(turn, team, 'no-agents', failureText(parked));
    }
    this.#settle(turn, team);
  }

  #outputRead(turn: Turn, {teamId: id, task, output}: InputOf<'output-read'>): void {
    const team = this.#teams.get(id);
    const source = team?.tasks[task];
    if (!team || !source) return;
    team.expandWith(turn, source, output);
    this.#settle(turn, team);
  }

  #takePermits(turn: Turn, input: InputOf<'permits'>): void {
    const why = this.#dispatcher.grant(input);
    if (why !== null) turn.emit(null, {type: 'waiting-for-capacity', why});
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
      case 'merge':
        return this.#teams.get(due.teamId)?.landing.retryMerge(turn, due.task);
      case 'team-timeout': {
        const team = this.#teams.get(due.teamId);
        // Its clock may have stood still since this was noted.
        if (team && (team.timeLeftMs(turn.now) ?? 1) < CLOCK_ERROR_MS) {
          this.#end(turn, team, 'team-timeout', timeoutText(team));
        }
        return;
      }
      case 'host-silent':
        return this.#pool.silenceDue(turn, due);
      case 'look-again':
        return;
      case 'start-host':
        return this.#pool.startDue(turn, due.machineId);
      case 'look':
        return;
      default:
        never(due);
    }
  }

  /** Binds ready tasks to free agents as long as something may start: the fairest team first. */
  #dispatch(turn: Turn): void {
    this.#bind(turn);
    // Whoever is left out is better than nobody.
    const relented = [...this.#teams.values()].filter(team => team.isStill && team.agents.relent(turn.now.monoMs));
    if (relented.length > 0) this.#bind(turn);
    for (const team of this.#teams.values()) this.#twins.look(turn, team);
    for (const team of this.#teams.values()) {
      this.#endIfStuck(turn, team);
      this.#awaitHour(team);
    }
  }

  #bind(turn: Turn): void {
    const blocked = new Set<Team>();
    while (!this.#dispatcher.isFull) {
      const team = fairest(this.#teams.values(), blocked);
      if (!team) break;
      const opening = this.#dispatcher.nextOf(team, goesBefore);
      if (!opening) {
        blocked.add(team);
        continue;
      }
      const {task, options} = opening;
      team.ready.take(opening.of);
      const selection = team.selection.engage(task, {
        now: turn.now,
        options,
        strategy: team.settings.strategy,
        leftMs: team.timeLeftMs(turn.now),
        barred: this.#upkeep.barred(team, options),
      });
      const host = selection?.agent.host ?? null;
      if (!selection || host === null)
        throw new Error(`Internal error: ${team.spec.name} has no free agent with a host`);
      const {agent, why} = selection;
      const means = options.find(({group}) => group === agent.group)?.means;
      this.#start(turn, team, {task, agent, host, means, why});
    }
  }

  #start(turn: Turn, team: Team, lease: Omit<Parameters<Team['lease']>[1], 'id'>): Attempt {
    const id = attemptId(this.#nextAttempt);
    this.#nextAttempt += 1;
    const attempt = team.lease(turn, {id, ...lease});
    this.#attempts.set(id, attempt);
    this.#dispatcher.started(lease.means);
    this.#upkeep.leased(turn, attempt);
    assign(turn, attempt);
    return attempt;
  }

  /** What an hour may cost is used up: it goes on when enough of that is more than an hour ago. */
  #awaitHour(team: Team): void {
    if ((team.budget.limit.perHour ?? null) === null || team.ending !== null) return;
    for (const ready of team.ready.classes()) {
      const atMs = this.#dispatcher.obstacle(team, ready)?.untilMs;
      if (atMs !== undefined && Number.isFinite(atMs)) this.#deadlines.look({atMs, teamId: team.id, of: 'hour'});
    }
  }

  #endIfStuck(turn: Turn, team: Team): void {
    const why = stuckFor(team, this.#dispatcher);
    if (why === 'no-agents') this.#end(turn, team, why);
    if (why !== 'budget') return;
    if (team.settings.onBudget === 'stop') this.#end(turn, team, why, budgetText(team, 'end'));
    else this.#pauses.pause(turn, team, budgetText(team, 'pause'));
  }

  /** What is ready and waits is known only now. */
  #scale(turn: Turn): void {
    let isChanged = false;
    for (const team of this.#teams.values()) {
      if (!this.#scaler.follow(turn, team)) continue;
      this.#changes.follow(turn, team);
      isChanged = true;
    }
    if (!isChanged) return;
    this.#pool.place(turn);
    // Those who were about to leave and now stay can be given something at once.
    this.#dispatch(turn);
  }

  #askForPermits(turn: Turn): void {
    const demand = this.#dispatcher.demand(this.#teams.values());
    if (demand) turn.effect({type: 'want-permits', ...demand});
  }

  #restore(turn: Turn, stored: StoredState): void {
    for (const view of stored.over) {
      this.#over.set(view.teamId, view);
      this.#names.set(view.team, view.teamId);
    }
    for (const record of stored.hosts) this.#pool.expectBack(turn, record);
    for (const row of stored.teams) {
      const team = restoreTeam(row, {
        now: turn.now,
        bootId: this.#options.bootId,
        policy: this.#options,
        random: this.#options.random,
      });
      this.#adopt(team);
      for (const open of row.openAttempts) this.#holdAgain(turn, team, open);
      this.#pauses.watch(turn, team);
      for (const due of retriesDue(team, {now: turn.now, policy: this.#options})) this.#deadlines.add(due);
    }
    for (const record of stored.hosts) this.#pool.rehouse(record.id);
    for (const team of [...this.#teams.values()]) {
      if (team.ending === null) team.begin(turn);
      else team.landing.resume(turn);
      this.#settle(turn, team);
    }
    this.#pool.reap(turn);
  }

  #holdAgain(turn: Turn, team: Team, open: OpenAttempt): void {
    const attempt = openAgain(team, open, turn.now);
    team.hold(attempt);
    team.agents.occupy(attempt.agent);
    this.#dispatcher.started(attempt.means);
    this.#attempts.set(attempt.id, attempt);
    this.#pool.takeOver(attempt);
    this.#upkeep.leased(turn, attempt);
  }
}
