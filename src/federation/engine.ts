import type {Now} from '../base/clock.ts';
import {never} from '../base/never.ts';
import type {AgentView} from '../model/agent-view.ts';
import type {BreakerView, EdgeCounts} from '../model/edge.ts';
import type {HealthState} from '../model/health.ts';
import type {AgentId, HostId, TaskSeq, TeamId} from '../model/ids.ts';
import type {OpenAttempt, StoredState} from '../model/record.ts';
import type {TeamSpec} from '../model/team.ts';
import type {TeamView} from '../model/team-view.ts';
import {AgentChanges} from './agent-changes.ts';
import {agentViews, ailingAgents, type Recorded} from './agent-views.ts';
import {AnomalyWatch} from './anomaly-watch.ts';
import {AttemptReports} from './attempt-reports.ts';
import {countUnheld} from './attempt-stops.ts';
import {Binding} from './binding.ts';
import {type TeamFigures, teamFigures} from './team-meter.ts';
import {type ViewOptions, viewTeam} from './dashboard.ts';
import {type Deadline, Deadlines} from './deadlines.ts';
import {Dispatcher, type DispatcherOptions} from './dispatcher.ts';
import type {Input, Step} from './engine-io.ts';
import {HostReports} from './host-reports.ts';
import {Leases} from './leases.ts';
import {taskObstacles, type TaskStanding} from './task-obstacles.ts';
import {Pauses} from './pauses.ts';
import {Pool, type PoolOptions} from './pool.ts';
import {openAgain, restoreTeam, retriesDue} from './restore-team.ts';
import type {RetryPolicy} from './retries.ts';
import {TeamEndings} from './team-endings.ts';
import {timeoutText} from './team-ends.ts';
import {TeamOrders} from './team-orders.ts';
import {TeamRequests} from './team-requests.ts';
import {TeamScaler} from './team-scaler.ts';
import type {Team} from './team.ts';
import {Teams} from './teams.ts';
import {Turn} from './turn.ts';
import {Twins} from './twins.ts';
import {Upkeep} from './upkeep.ts';

export interface EngineOptions extends RetryPolicy, PoolOptions, DispatcherOptions {
  /** Teams that are over and kept, ≥ 1; beyond that the oldest are removed. */
  readonly keepTeams: number;
}

/** Times are sums of fractions: this little may be left of one that is over. */
const CLOCK_ERROR_MS = 0.001;

/**
 * The synchronous heart: `handle` takes one input and the time and answers what is to be recorded and what is to be done
 * once that is durable. It knows no socket, store, process or clock. It owns the teams that are not over, the hosts, and
 * all leases, and has its parts do each turn in order.
 */
export class Engine {
  readonly #options: EngineOptions;
  readonly #teams: Teams;
  readonly #leases: Leases;
  readonly #deadlines = new Deadlines();
  readonly #pool: Pool;
  readonly #dispatcher: Dispatcher;
  readonly #changes: AgentChanges;
  readonly #pauses: Pauses;
  readonly #scaler: TeamScaler;
  readonly #upkeep: Upkeep;
  readonly #anomalies = new AnomalyWatch();
  readonly #binding: Binding;
  readonly #endings: TeamEndings;
  readonly #requests: TeamRequests;
  readonly #hosts: HostReports;
  readonly #attempts: AttemptReports;

  private constructor(stored: StoredState, options: EngineOptions, now: Now) {
    this.#options = options;
    const teams = new Teams({nextId: stored.nextTeamId, keep: options.keepTeams});
    const leases = new Leases(stored.nextAttemptId);
    const deadlines = this.#deadlines;
    const anomalies = this.#anomalies;
    const view = {teams: teams.active, attempts: leases.open, deadlines};
    const pool = new Pool(options, view);
    const changes = new AgentChanges(pool);
    const pauses = new Pauses({pool, deadlines});
    const upkeep = new Upkeep(options, {...view, pool}, now);
    const dispatcher = new Dispatcher(options, (team, at) => upkeep.obstacle(team, at));
    const twins = new Twins({
      dispatcher,
      deadlines,
      reach: pool,
      barred: (team, choices) => upkeep.barred(team, choices),
      start: (turn, team, lease) => this.#binding.start(turn, team, lease),
    });
    const scaler = new TeamScaler({
      dispatcher,
      scale: (turn, team, order) => changes.scale(turn, team, order),
      wake: (id, atMs) => deadlines.look({atMs, teamId: id, of: 'scale'}),
    });
    const endings = new TeamEndings({teams, pool, deadlines, scaler, upkeep, anomalies});
    const attempts = new AttemptReports({
      teams,
      leases,
      endings,
      pool,
      dispatcher,
      deadlines,
      upkeep,
      twins,
      anomalies,
    });
    this.#teams = teams;
    this.#leases = leases;
    this.#pool = pool;
    this.#changes = changes;
    this.#pauses = pauses;
    this.#upkeep = upkeep;
    this.#dispatcher = dispatcher;
    this.#scaler = scaler;
    this.#endings = endings;
    this.#attempts = attempts;
    this.#hosts = new HostReports({teams, leases, endings, attempts, pool, upkeep});
    this.#binding = new Binding({teams, leases, dispatcher, deadlines, upkeep, twins, pauses, endings});
    this.#requests = new TeamRequests({
      policy: options,
      random: options.random,
      teams,
      endings,
      orders: new TeamOrders({changes, pauses, pool}),
      changes,
      pauses,
      pool,
      upkeep,
      view: (id, at) => this.view(id, at),
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
    const team = this.#teams.active.get(id);
    if (team) {
      const ailing = ailingAgents(team, {now: options.now, upkeep: this.#upkeep});
      const isHeard = (host: HostId) =>
        this.#pool.isConnected(host) && this.#upkeep.hostHealth(host).name === 'healthy';
      const unheld = countUnheld(team.attempts.values(), isHeard);
      return viewTeam(team, {obstacle: ready => this.#dispatcher.obstacle(team, ready), ailing, unheld, ...options});
    }
    return this.#teams.over(id) ?? null;
  }

  /** What was asked for when the team was spawned; null: it is over. */
  teamSpec(id: TeamId): TeamSpec | null {
    return this.#teams.active.get(id)?.spec ?? null;
  }

  /** The agents of a team that is not over; one that is over has none any more. */
  agents(
    id: TeamId,
    {now, recorded}: {now: Now; recorded: (agent: AgentId) => Recorded | undefined},
  ): readonly AgentView[] {
    const team = this.#teams.active.get(id);
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
    return [...this.#teams.active.values()].map(teamFigures);
  }

  hostHealth(host: HostId): HealthState {
    return this.#upkeep.hostHealth(host).name;
  }

  /** Where a task of a team that is not over stands, and what keeps it from running, see `task-obstacles.ts`. */
  taskStanding(id: TeamId, seq: TaskSeq): TaskStanding | null {
    const team = this.#teams.active.get(id);
    const task = team?.tasks[seq];
    if (!team || !task) return null;
    return {
      state: task.state,
      obstacles: taskObstacles(team, task, ready => this.#dispatcher.obstacle(team, ready)),
    };
  }

  teamNamed(name: string): TeamId | null {
    return this.#teams.named(name);
  }

  /** All teams, over or not, oldest first. */
  teamIds(): TeamId[] {
    return this.#teams.ids();
  }

  get activeTeams(): number {
    return this.#teams.active.size;
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
    const teams = this.#teams.active;
    for (const team of teams.values()) {
      team.budget.tick(now.monoMs);
      team.agents.wake(now.monoMs);
    }
    this.#upkeep.begin(turn);
    act(turn);
    this.#runDeadlines(turn);
    this.#upkeep.act(turn);
    for (const team of teams.values()) {
      this.#anomalies.look(turn, team);
      this.#changes.follow(turn, team);
    }
    this.#pool.place(turn);
    this.#binding.run(turn);
    this.#scale(turn);
    this.#askForPermits(turn);
    for (const team of teams.values()) this.#changes.tellBreakers(turn, team);
    this.#upkeep.end(turn);
    return turn.step;
  }

  #take(turn: Turn, input: Input): void {
    switch (input.type) {
      case 'spawn-team':
      case 'end-team':
      case 'remove-team':
      case 'scale-team':
      case 'agent-order':
      case 'pause':
      case 'resume':
      case 'run-plan':
      case 'retry-team':
        return this.#requests.take(turn, input);
      case 'host-connected':
      case 'host-disconnected':
      case 'host-gone':
      case 'host-start-failed':
      case 'agents-ready':
      case 'agents-failed':
        return this.#hosts.take(turn, input);
      case 'attempt-verifying':
      case 'attempt-finished':
      case 'attempt-session':
      case 'provider-signal':
      case 'merge-ended':
      case 'strays-gone':
      case 'output-read':
        return this.#attempts.take(turn, input);
      case 'permits':
        return this.#takePermits(turn, input);
      case 'vitals':
        this.#anomalies.vitals(turn, input.vitals, id => this.#leases.heldBy(input.hostId, id));
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

  #takePermits(turn: Turn, input: Extract<Input, {type: 'permits'}>): void {
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
        this.#teams.active.get(due.teamId)?.progress.retryDue(due.task);
        return;
      case 'merge':
        return this.#teams.active.get(due.teamId)?.landing.retryMerge(turn, due.task);
      case 'team-timeout': {
        const team = this.#teams.active.get(due.teamId);
        // Its clock may have stood still since this was noted.
        if (team && (team.timeLeftMs(turn.now) ?? 1) < CLOCK_ERROR_MS) {
          this.#endings.end(turn, team, {by: 'team-timeout', detail: timeoutText(team)});
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

  /** What is ready and waits is known only now. */
  #scale(turn: Turn): void {
    let isChanged = false;
    for (const team of this.#teams.active.values()) {
      if (!this.#scaler.follow(turn, team)) continue;
      this.#changes.follow(turn, team);
      isChanged = true;
    }
    if (!isChanged) return;
    this.#pool.place(turn);
    // Those who were about to leave and now stay can be given something at once.
    this.#binding.run(turn);
  }

  #askForPermits(turn: Turn): void {
    const demand = this.#dispatcher.demand(this.#teams.active.values());
    if (demand) turn.effect({type: 'want-permits', ...demand});
  }

  #restore(turn: Turn, stored: StoredState): void {
    for (const view of stored.over) this.#teams.finish(view);
    for (const record of stored.hosts) this.#pool.expectBack(turn, record);
    for (const row of stored.teams) {
      const team = restoreTeam(row, {
        now: turn.now,
        bootId: this.#options.bootId,
        policy: this.#options,
        random: this.#options.random,
      });
      this.#teams.add(team);
      this.#pool.house(team);
      for (const open of row.openAttempts) this.#holdAgain(turn, team, open);
      this.#pauses.watch(turn, team);
      for (const due of retriesDue(team, {now: turn.now, policy: this.#options})) this.#deadlines.add(due);
    }
    for (const record of stored.hosts) this.#pool.rehouse(record.id);
    for (const team of [...this.#teams.active.values()]) {
      if (team.ending === null) team.begin(turn);
      else team.landing.resume(turn);
      this.#endings.settle(turn, team);
    }
    this.#pool.reap(turn);
  }

  #holdAgain(turn: Turn, team: Team, open: OpenAttempt): void {
    const attempt = openAgain(team, open, turn.now);
    team.hold(attempt);
    team.agents.occupy(attempt.agent);
    this.#dispatcher.started(attempt.means);
    this.#leases.hold(attempt);
    this.#pool.takeOver(attempt);
    this.#upkeep.leased(turn, attempt);
  }
}
