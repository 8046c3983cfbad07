import type {Random} from '../base/random.ts';
import type {AttemptOutcome} from '../model/attempt.ts';
import type {BreakerNews, BreakerView, EdgeCounts} from '../model/edge.ts';
import type {Failure} from '../model/failure.ts';
import type {AgentId, AttemptId, HostId, TeamId} from '../model/ids.ts';
import {providerOf} from '../model/provider.ts';
import {never} from '../base/never.ts';
import type {Now} from '../base/clock.ts';
import {type Agent, freeSlots} from './agent.ts';
import {type CrashLoop, mayStart, nextCrashLoop, type StartEvidence, startEvidenceOf, STEADY} from './crash-loop.ts';
import type {Deadlines} from './deadlines.ts';
import {limitedBy} from './attempt-limits.ts';
import {EdgeMeter} from './edge-meter.ts';
import {Edges, edgesOf} from './edges.ts';
import type {Input} from './engine-io.ts';
import type {Health} from './health.ts';
import {HEALTH_DEFAULTS, type HealthDecision, HealthMonitor} from './health-monitor.ts';
import type {Pool} from './pool.ts';
import {silenceBudgetMs} from './silence.ts';
import type {Option} from './team-selection.ts';
import type {Attempt, Team} from './team.ts';
import type {Turn} from './turn.ts';

export interface UpkeepOptions {
  /** How long a host may stay unheard, in milliseconds. */
  readonly hostLostMs: number;
  readonly random: Random;
}

/** What the upkeep looks at; it changes agents only by their `TeamAgents`, and hosts only by the pool. */
export interface UpkeepView {
  readonly teams: ReadonlyMap<TeamId, Team>;
  readonly attempts: ReadonlyMap<AttemptId, Attempt>;
  readonly pool: Pool;
  readonly deadlines: Deadlines;
}

type Told = Extract<
  Input,
  {type: 'host-connected' | 'host-disconnected' | 'host-gone' | 'host-probed' | 'vitals' | 'breaker'}
>;

/**
 * Keeps hosts, attempts and runtimes at work: has their health judged by what is heard of them, and carries out what is
 * decided. It never gives a task to anybody: an attempt that hangs is stopped, and a host that hangs is ended, and the task
 * goes to others when that is certain, as after every other end.
 */
export class Upkeep {
  readonly monitor: HealthMonitor;
  readonly #options: UpkeepOptions;
  readonly #view: UpkeepView;
  readonly #edges = new Edges();
  readonly #meter = new EdgeMeter();
  /** By team and runtime, those that are not steady. */
  readonly #crashLoops = new Map<TeamId, Map<string, CrashLoop>>();
  /** The runtimes that have done something, by team. */
  readonly #worked = new Map<TeamId, Set<string>>();
  /** Attempts that are being stopped for what they have been found to be. */
  readonly #verdicts = new Map<AttemptId, Failure>();
  #nowMs: number;
  #dueMs: number | null = null;

  constructor(options: UpkeepOptions, view: UpkeepView, now: Now) {
    this.#options = options;
    this.#view = view;
    this.#nowMs = now.monoMs;
    const isExpected = (host: HostId) => view.pool.hasAgents(host);
    this.monitor = new HealthMonitor({...HEALTH_DEFAULTS, hostLostMs: options.hostLostMs, isExpected}, now);
  }

  /** When something may have to be judged; null: not before another input. */
  get dueMs(): number | null {
    return this.#dueMs;
  }

  /** To be called before anything else in a turn. */
  begin({now}: Turn): void {
    this.#nowMs = now.monoMs;
    this.monitor.observe(now);
  }

  take(turn: Turn, input: Told): void {
    const {now} = turn;
    switch (input.type) {
      case 'host-connected':
        this.monitor.hostConnected(input.host.id, {beats: input.beats ?? false}, now);
        for (const id of input.paused ?? []) this.monitor.pause(id, true, now);
        return;
      case 'host-disconnected':
        return this.monitor.hostDisconnected(input.hostId, now);
      case 'host-gone':
        this.#edges.hostGone(input.hostId);
        this.#meter.hostGone(input.hostId);
        this.monitor.hostGone(input.hostId, now);
        return this.#refreshAll();
      case 'host-probed':
        return this.monitor.probed(input.hostId, input.probe, now);
      case 'vitals':
        if (!this.#view.pool.isConnected(input.hostId)) return;
        this.monitor.beat(input.hostId, now);
        return this.monitor.vitals(input.hostId, input.vitals, now);
      case 'breaker': {
        const {hostId, of, state, detail, retryAfterMs} = input;
        this.#meter.take(hostId, input, now.monoMs);
        const news = {of, state, detail, retryAfterMs};
        if (!this.#edges.take(hostId, news, now)) return;
        turn.emit(null, {type: 'edge-breaker', host: hostId, ...news});
        if (of.kind === 'runtime' && state === 'open') this.#leftAlone(of.name);
        return;
      }
      default:
        return never(input);
    }
  }

  /** Judges what is due and carries out what has been decided. To be called before anything is given out. */
  act(turn: Turn): void {
    this.monitor.check(turn.now);
    for (const decision of this.monitor.takeDecisions()) this.#carryOut(turn, decision);
  }

  /** To be called after everything else in a turn. */
  end(turn: Turn): void {
    for (const effect of turn.step.effects) {
      if (effect.type !== 'pause-attempts') continue;
      for (const id of effect.attempts) this.monitor.pause(id, effect.paused, turn.now);
    }
    this.#dueMs = this.monitor.nextMs(turn.now);
  }

  leased(turn: Turn, {id, agent, host, task, team, means}: Attempt): void {
    const {limits} = limitedBy(task.spec, team.agents.groupOf(agent));
    const budgetMs = silenceBudgetMs(means?.runtime ?? null, limits);
    this.monitor.attemptStarted({id, agent: agent.id, host, budgetMs}, turn.now);
    if (means && !this.#edges.isEmpty) this.#edges.count(host, edgesOf(means.runtime, means.provider), 1);
  }

  /** What has become of an attempt: what it was stopped for, where that is what ended it. */
  outcomeOf({id}: Attempt, outcome: AttemptOutcome): AttemptOutcome {
    const failure = this.#verdicts.get(id);
    const {result} = outcome;
    const wasStopped = !result.ok && result.failure.reason === 'stopped' && result.failure.by === 'silent';
    return failure && wasStopped ? {...outcome, result: {ok: false, failure}} : outcome;
  }

  /** Its lease is over; `outcome` is null when it was lost. Says why no agent with its runtime is given anything any more, if so. */
  ended(turn: Turn, attempt: Attempt, outcome: AttemptOutcome | null): Failure | null {
    const {id, agent, host, means, team} = attempt;
    this.monitor.attemptEnded(id);
    this.#verdicts.delete(id);
    this.#refresh(team, agent.id);
    if (!means) return null;
    if (!this.#edges.isEmpty) this.#edges.count(host, edgesOf(means.runtime, means.provider), -1);
    return outcome ? this.#learnStart(turn, attempt, {runtime: means.runtime, outcome}) : null;
  }

  /** Somebody wants a runtime tried again. */
  restarted({id}: Team, runtime: string): void {
    this.#note(this.#crashLoops.get(id), runtime, {kind: 'restarted'});
  }

  teamOver({id}: Team): void {
    this.#crashLoops.delete(id);
    this.#worked.delete(id);
  }

  /** What speaks against giving a task of the team to this runtime just now; null: nothing. */
  obstacle(team: Team, {group, runtime, provider}: {group: number; runtime: string; provider: string}): string | null {
    const loop = this.#crashLoopOf(team, runtime);
    if (loop !== null) return loop;
    if (this.#edges.isEmpty) return null;
    const edges = edgesOf(runtime, provider);
    let why: string | null = null;
    for (const agent of team.agents.all) {
      if (agent.group !== group || agent.host === null || freeSlots(agent) === 0) continue;
      const news = this.#edges.obstacle(agent.host, edges);
      if (!news) return null;
      why = obstacleText(news);
    }
    return why;
  }

  /** The free agents on hosts where what they would do it with would be turned away; null: there are none. */
  barred({agents}: Team, options: readonly Option[]): ReadonlyMap<AgentId, string> | null {
    if (this.#edges.isEmpty) return null;
    const barred = new Map<AgentId, string>();
    for (const {group, means} of options) {
      if (!means) continue;
      const edges = edgesOf(means.runtime, means.provider);
      for (const agent of agents.all) {
        if (agent.group !== group || agent.host === null || freeSlots(agent) === 0) continue;
        const news = this.#edges.obstacle(agent.host, edges);
        if (news) barred.set(agent.id, obstacleText(news));
      }
    }
    return barred.size > 0 ? barred : null;
  }

  agentHealth({agents}: Team, agent: AgentId): Health {
    return this.monitor.agentHealth(agent, agents.get(agent)?.host ?? null);
  }

  hostHealth(host: HostId): Health {
    return this.monitor.hostHealth(host);
  }

  /** The breakers of the hosts that are not closed. */
  breakers(): readonly BreakerView[] {
    return this.#edges.views();
  }

  /** What they have counted. */
  breakerCounts({monoMs}: Now): readonly EdgeCounts[] {
    return this.#meter.views(monoMs);
  }

  /** What speaks against this one agent's runtime and provider just now, to follow "waiting for"; null: nothing. */
  obstacleOf({id, agents}: Team, agent: Agent): string | null {
    const {runtime, model} = agents.groupOf(agent);
    if (runtime === 'command') return null;
    const loop = this.#crashLoopOf({id}, runtime);
    if (loop !== null || agent.host === null) return loop;
    const news = this.#edges.obstacle(agent.host, edgesOf(runtime, providerOf(runtime, model)));
    return news && obstacleText(news);
  }

  /** A host leaves it alone for its deaths, which also those teams have seen where it dies. */
  #leftAlone(runtime: string): void {
    for (const loops of this.#crashLoops.values()) this.#note(loops, runtime, {kind: 'left-alone'});
  }

  #note(loops: Map<string, CrashLoop> | undefined, runtime: string, evidence: StartEvidence): void {
    const loop = loops?.get(runtime);
    if (loop) loops?.set(runtime, nextCrashLoop(loop, evidence, {nowMs: this.#nowMs, random: this.#options.random}));
  }

  #crashLoopOf({id}: Pick<Team, 'id'>, runtime: string): string | null {
    const loop = this.#crashLoops.get(id)?.get(runtime);
    if (loop?.name !== 'failing' || mayStart(loop, this.#nowMs)) return null;
    return `the runtime ${runtime}, which has died at its start (${loop.times} in a row): ${loop.detail}`;
  }

  #carryOut(turn: Turn, decision: HealthDecision): void {
    const {pool, attempts} = this.#view;
    switch (decision.kind) {
      case 'probe-host':
        return turn.effect({type: 'probe-host', hostId: decision.host});
      case 'ask-beat':
        return turn.effect({type: 'ask-beat', hostId: decision.host});
      case 'suspect-host':
      case 'host-unhealthy':
      case 'trust-host': {
        const {name: health} = this.monitor.hostHealth(decision.host);
        const why = decision.kind === 'trust-host' ? null : decision.why;
        turn.emit(null, {type: 'host-health', host: decision.host, health, why});
        return this.#refreshHost(decision.host);
      }
      case 'kill-host':
        turn.emit(null, {type: 'host-health', host: decision.host, health: 'dead', why: decision.why});
        return pool.endStuck(turn, decision.host);
      case 'suspect-attempt':
      case 'trust-attempt': {
        const attempt = attempts.get(decision.attempt);
        if (attempt) this.#refresh(attempt.team, attempt.agent.id);
        return;
      }
      case 'stop-attempt': {
        const attempt = attempts.get(decision.attempt);
        if (!attempt || attempt.stopping !== null) return;
        this.#verdicts.set(attempt.id, decision.failure);
        attempt.stopping = 'silent';
        turn.effect({type: 'stop-attempts', hostId: decision.host, attempts: [attempt.id], by: 'silent'});
        return this.#refresh(attempt.team, attempt.agent.id);
      }
      default:
        never(decision);
    }
  }

  #learnStart(
    turn: Turn,
    {team, agent, session, leasedAt}: Attempt,
    {runtime, outcome}: {runtime: string; outcome: AttemptOutcome},
  ): Failure | null {
    // One that is used only for a task that has failed before is not what its agents are there for.
    if (team.agents.groupOf(agent).runtime !== runtime) return null;
    const worked = this.#worked.get(team.id) ?? new Set<string>();
    if (outcome.result.ok) this.#worked.set(team.id, worked.add(runtime));
    const standsOut = worked.size > 0 && !worked.has(runtime);
    const evidence = startEvidenceOf(outcome, {startedMs: leasedAt.monoMs, hasSpoken: session !== null, standsOut});
    const loops = this.#crashLoops.get(team.id) ?? new Map<string, CrashLoop>();
    const before = loops.get(runtime) ?? STEADY;
    if (evidence === null || (before.name === 'steady' && evidence.kind === 'worked')) return null;
    const {random} = this.#options;
    const after = nextCrashLoop(before, evidence, {nowMs: this.#nowMs, random});
    this.#crashLoops.set(team.id, loops.set(runtime, after));
    if (after.name === 'failing')
      this.#view.deadlines.add({atMs: after.retryAtMs, kind: 'look-again', teamId: team.id});
    return after.name === 'parked' ? park(turn, team, runtime, after) : null;
  }

  #refreshHost(host: HostId): void {
    for (const team of this.#view.teams.values()) {
      for (const agent of team.agents.all) if (agent.host === host) this.#refresh(team, agent.id);
    }
  }

  #refreshAll(): void {
    for (const team of this.#view.teams.values()) {
      for (const agent of team.agents.all) if (agent.isSuspect) this.#refresh(team, agent.id);
    }
  }

  /** An agent is suspect as long as its host or an attempt of it is not healthy. */
  #refresh(team: Team, id: AgentId): void {
    const agent = team.agents.get(id);
    if (agent) team.agents.suspect(agent, this.monitor.agentHealth(id, agent.host).name !== 'healthy');
  }
}

function obstacleText({of, detail}: BreakerNews): string {
  return `the ${of.kind} ${of.name}, which fails again and again: ${detail}`;
}

/**
 * None of the team's agents with the runtime is given anything until somebody restarts it. Those at work are left alone: they
 * have got it started, and are looked at when they are done.
 */
function park(
  turn: Turn,
  team: Team,
  runtime: string,
  {times, detail}: Extract<CrashLoop, {name: 'parked'}>,
): Failure | null {
  const concerned = team.agents.all.filter(
    agent => agent.runtime === 'works' && agent.load === 0 && team.agents.groupOf(agent).runtime === runtime,
  );
  const [first] = concerned;
  if (!first) return null;
  const text = `its runtime ${runtime} died at its start ${times} times in a row, last with: ${detail}`;
  for (const agent of concerned) team.agents.fail(agent, text);
  const failure: Failure = {reason: 'agent-failed', agent: first.id, detail: text};
  turn.emit(team.id, {type: 'agents-failed', failure, agents: concerned.length});
  return failure;
}
