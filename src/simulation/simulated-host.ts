import type {Assignment, Effect, Input} from '../federation/engine-io.ts';
import type {AttemptOutcome} from '../model/attempt.ts';
import type {StopReason} from '../model/failure.ts';
import type {AgentId, AttemptId, TeamId} from '../model/ids.ts';
import type {BreakerNews, Edge} from '../model/edge.ts';
import type {ProcessProbe, Vitals} from '../model/health.ts';
import type {AgentTrait} from './agent-traits.ts';
import type {HostRecord} from '../model/record.ts';
import type {Dice} from './dice.ts';
import {failed, fateOf, type Saying, usedWhenStopped} from './fate.ts';
import type {Faults, Tally} from './faults.ts';
import {HostProcess, type HungState} from './host-process.ts';
import type {DaemonMessage, Link, LinkEnd, Report} from './link.ts';
import type {Behaviour} from './random-plan.ts';
import type {SimulatedMachine} from './simulated-machine.ts';
import type {Trace} from './trace.ts';
import {hold} from './violation.ts';
import type {VirtualTime} from './virtual-time.ts';

/** A host that has no more daemon stops its attempts and, this long after it began to, itself. */
const LEAVING_MS = 6_000;
const BEAT_MS = 500;
/** What is at work shows it at least this often. */
const STIRS_MS = 300;
const RUNTIMES = ['claude', 'codex', 'pi', 'opencode'] as const;
const PROVIDERS = ['anthropic', 'openai', 'local'] as const;

interface Held {
  readonly assignment: Assignment;
  phase: 'queued' | 'running' | 'stopping' | 'finished';
  stopBy: StopReason | null;
  /** Its processes are held. */
  isPaused: boolean;
  /** What it still has to do until it ends by itself, and since when it is at that; null: it does not end by itself, or is held. */
  leftMs: number;
  sinceMs: number | null;
  /** Counts how often it was let go on, so that an old timer knows itself. */
  spell: number;
  outcome: AttemptOutcome | null;
  /** Since when it has done nothing though it runs; null: it is at work. */
  hungSinceMs: number | null;
  cpuMs: number;
}

export interface HostOptions {
  readonly record: HostRecord;
  readonly machine: SimulatedMachine;
  readonly time: VirtualTime;
  readonly dice: Dice;
  /** It gives signs of life twice a second. */
  readonly beats: boolean;
  readonly traitOf: (agent: AgentId) => AgentTrait;
  readonly tally: Tally;
  readonly trace: Trace;
  /** The faults of this moment: none once the world has calmed down. */
  readonly faults: () => Faults;
  readonly behaviourOf: (assignment: Assignment) => Behaviour;
  /** A connection to the daemon, or null while there is none. */
  readonly dial: (host: SimulatedHost) => Link | null;
  /** Hears everything the host tells when it is made. */
  readonly said: (told: Input) => void;
}

/**
 * Does what a host does, without processes: accepts orders, runs attempts on the simulated machine, keeps its reports
 * until they are acknowledged, reconnects and says what it holds. Its attempts may outlive it.
 */
export class SimulatedHost implements LinkEnd<DaemonMessage> {
  readonly record: HostRecord;
  readonly #options: HostOptions;
  readonly #teams = new Map<TeamId, Set<AgentId>>();
  readonly #held = new Map<AttemptId, Held>();
  /** Attempts to be held, also those that have not begun. */
  readonly #paused = new Set<AttemptId>();
  readonly #reports: {number: number; report: Report}[] = [];
  #reportsMade = 0;
  /** Agents of which has been told how they are. */
  readonly #toldOf = new Map<AgentId, TeamId>();
  readonly #process: HostProcess;
  #link: Link | null = null;
  /** Counts the times it was left alone, so that an old timer knows itself. */
  #alone = 0;
  #lonely = false;
  #isBeating = false;
  /** Of which attempts this connection has heard. */
  readonly #told = new Set<AttemptId>();
  readonly #breakers = new Map<string, BreakerNews>();

  constructor(options: HostOptions) {
    this.record = options.record;
    this.#options = options;
    this.#process = new HostProcess(options.time, options.dice);
  }

  get isAlive(): boolean {
    return this.#process.isAlive;
  }

  get link(): Link | null {
    return this.#link;
  }

  get openTeams(): readonly TeamId[] {
    return [...this.#teams.keys()];
  }

  get lastHungMs(): number | null {
    return this.#process.lastHungMs;
  }

  /** Does nothing for so long, though its connection stands and what it has started goes on. */
  hang(ms: number): void {
    this.#fallSilent(ms, this.#options.dice.pick(['stopped', 'waiting']));
  }

  /** Gets so little of the processor that nothing is heard of it for so long, which is no reason to end it. */
  starve(ms: number): void {
    this.#fallSilent(ms, 'working');
  }

  #fallSilent(ms: number, state: HungState): void {
    if (!this.#process.isAlive || this.#process.isHanging) return;
    this.#trace(`${state === 'working' ? 'starves' : 'hangs'} for ${Math.round(ms)} ms`);
    this.#process.fallSilent(ms, state);
  }

  /** What the OS would say of its process. */
  probe(): ProcessProbe {
    return this.#process.probe();
  }

  /** A breaker around a runtime or a provider opens, and closes again after a while. */
  trip(of: Edge = this.#anyEdge()): void {
    const {dice, time} = this.#options;
    const key = `${of.kind}:${of.name}`;
    if (!this.#process.isAlive || this.#breakers.has(key)) return;
    const retryAfterMs = Math.round(dice.spread(100, 20_000));
    const becomes = (news: Omit<BreakerNews, 'of'>) => {
      if (!this.#process.isAlive) return;
      if (news.state === 'closed') this.#breakers.delete(key);
      else this.#breakers.set(key, {of, ...news});
      this.#report({type: 'breaker', hostId: this.record.id, of, ...news});
    };
    this.#process.awake(() => becomes({state: 'open', detail: 'simulated', retryAfterMs}));
    time.after(retryAfterMs, () =>
      this.#process.awake(() => becomes({state: 'half-open', detail: 'simulated', retryAfterMs: 0})),
    );
    time.after(retryAfterMs + dice.spread(10, 5000), () =>
      this.#process.awake(() => becomes({state: 'closed', detail: '', retryAfterMs: 0})),
    );
  }

  #anyEdge(): Edge {
    const {dice} = this.#options;
    if (dice.chance(0.5)) return {kind: 'runtime', name: dice.pick(RUNTIMES)};
    return {kind: 'provider', name: dice.pick(PROVIDERS)};
  }

  /** Twice a second, as long as there is a team and somebody who hears it. */
  #beat(): void {
    const {time, dice} = this.#options;
    if (!this.#process.isAlive || this.#teams.size === 0) {
      this.#isBeating = false;
      return;
    }
    time.after(BEAT_MS + dice.spread(0.1, 30), () => this.#beat());
    if (!this.#process.isHanging) this.#tellVitals();
  }

  #tellVitals(): void {
    const vitals = [...this.#held.values()].flatMap(held => this.#vitalsOf(held) ?? []);
    const remark = {type: 'vitals', hostId: this.record.id, lagMs: 0, vitals} as const;
    this.#link?.toDaemon({type: 'remark', remark});
  }

  #startBeating(): void {
    const {beats, time} = this.#options;
    if (!beats || this.#isBeating) return;
    this.#isBeating = true;
    time.after(BEAT_MS, () => this.#beat());
  }

  /** What is new of it; null: nothing. */
  #vitalsOf(held: Held): Vitals | null {
    const {attempt} = held.assignment;
    const {machine, dice, time} = this.#options;
    if (held.phase !== 'running' || !machine.isLive(attempt)) return null;
    const nowMs = time.now().monoMs;
    const isAtWork = held.hungSinceMs === null && !held.isPaused;
    const silentMs = machine.silentMs(attempt, nowMs) ?? 0;
    const stirs = isAtWork && (silentMs > STIRS_MS || dice.chance(0.5));
    const isNew = !this.#told.has(attempt);
    if (!stirs && !isNew) return null;
    this.#told.add(attempt);
    if (stirs) {
      machine.stir(attempt, nowMs);
      held.cpuMs += dice.chance(0.5) ? 50 : 0;
    }
    return {
      attempt,
      processes: 1,
      cpuMs: dice.chance(0.1) ? null : held.cpuMs,
      rssBytes: 1e6,
      outputBytes: 0,
      silentMs: stirs ? 0 : silentMs,
      state: 'sleeping',
    };
  }

  holds(attempt: AttemptId): boolean {
    return this.#process.isAlive && this.#held.has(attempt);
  }

  connect(): void {
    if (!this.#process.isAlive || this.#link) return;
    if (this.#process.isHanging) {
      this.#process.awake(() => this.connect());
      return;
    }
    const {time, dice, beats} = this.#options;
    this.#link = this.#options.dial(this);
    if (!this.#link) {
      this.#countLoneliness();
      time.after(dice.spread(20, 1000), () => this.connect());
      return;
    }
    this.#lonely = false;
    const agents = [...this.#teams.values()].flatMap(team => [...team]);
    this.#trace(`hello holds ${[...this.#held.keys()].join(',') || 'nothing'}, ${agents.length} agents`);
    const paused = [...this.#paused].filter(attempt => this.#held.has(attempt));
    this.#link.toDaemon({
      type: 'hello',
      holds: [...this.#held.keys()],
      agents,
      teams: [...this.#teams.keys()],
      paused,
      beats,
    });
    this.#told.clear();
    for (const {number, report} of this.#reports) this.#link.toDaemon({type: 'report', number, report});
    // Said again, as the daemon may be a new one.
    for (const news of this.#breakers.values()) this.#report({type: 'breaker', hostId: this.record.id, ...news});
  }

  receive(message: DaemonMessage, link: Link): void {
    if (!this.#process.isAlive || link !== this.#link) return;
    if (this.#process.isHanging) {
      this.#process.awake(() => this.receive(message, link));
      return;
    }
    switch (message.type) {
      case 'ack':
        return this.#forgetUpTo(message.number);
      case 'ask-beat':
        if (this.#isBeating) this.#tellVitals();
        return;
      case 'open-team':
        if (!this.#teams.has(message.teamId)) this.#teams.set(message.teamId, new Set());
        return this.#startBeating();
      case 'open-agents':
        return this.#openAgents(message);
      case 'close-agents':
        for (const agent of message.agents) this.#teams.get(message.teamId)?.delete(agent);
        return this.#withdraw(new Set(message.agents));
      case 'pause-attempts':
        for (const attempt of message.attempts) this.#pause(attempt, message.paused);
        return;
      case 'close-team':
        return this.#closeTeam(message.teamId);
      case 'assign':
        return this.#accept(message.assignment);
      case 'stop-attempts':
        for (const attempt of message.attempts) this.#stop(attempt, message.by);
        return;
      case 'reap':
        return this.#reap(message.attempts);
    }
  }

  lost(link: Link): void {
    if (link !== this.#link) return;
    if (this.#process.isAlive && this.#process.isHanging) {
      this.#process.awake(() => this.lost(link));
      return;
    }
    this.#link = null;
    if (!this.#process.isAlive) return;
    const {time, dice, faults, tally} = this.#options;
    const long = dice.chance(faults().longPartition);
    if (long) tally.add('fault: long partition');
    this.#countLoneliness();
    time.after(long ? dice.spread(5_000, 120_000) : dice.spread(1, 3000), () => this.connect());
  }

  /** The process dies at once. Each of its attempts dies with it or goes on as a stray. */
  crash(): void {
    if (!this.#process.isAlive) return;
    const {machine, dice, faults, tally, record} = this.#options;
    this.#process.die();
    this.#trace('dies');
    this.#link?.break();
    for (const tree of machine.liveUnder(record.id)) {
      if (dice.chance(faults().processSurvivesHost)) tally.add('fault: stray process');
      else machine.end(tree.attempt, null);
    }
  }

  /** Alone for the whole grace: the attempts are stopped properly, then the host leaves, whoever may be back by then. */
  #countLoneliness(): void {
    if (this.#lonely) return;
    this.#lonely = true;
    const alone = ++this.#alone;
    const {time, dice, machine, tally, record} = this.#options;
    const leave = () => {
      if (!this.#process.isAlive || this.#alone !== alone || this.#link) return;
      tally.add('fault: host gave up waiting for a daemon');
      this.#trace('gives up');
      for (const attempt of this.#held.keys()) this.#stop(attempt, 'daemon-lost');
      time.after(LEAVING_MS, () => {
        if (!this.#process.isAlive) return;
        this.#process.die();
        this.#trace('leaves');
        this.#link?.break();
        for (const tree of machine.liveUnder(record.id)) machine.end(tree.attempt, null);
      });
    };
    time.after(dice.spread(8_000, 90_000), () => this.#process.awake(leave));
  }

  #openAgents({teamId, agents}: Extract<Effect, {type: 'open-agents'}>): void {
    const {time, dice, faults, tally, record} = this.#options;
    const team = this.#teams.get(teamId);
    hold('a team is opened before its agents', team !== undefined, () => `team ${teamId}`);
    const open = () => {
      if (!this.#process.isAlive || this.#teams.get(teamId) !== team) return;
      const failed = agents.filter(() => dice.chance(faults().agentFailure));
      const ready = agents.filter(agent => !failed.includes(agent));
      for (const agent of ready) team.add(agent);
      for (const agent of agents) this.#toldOf.set(agent, teamId);
      if (ready.length > 0) this.#report({type: 'agents-ready', hostId: record.id, agents: ready});
      if (failed.length === 0) return;
      tally.add('fault: agents failed', failed.length);
      this.#report({type: 'agents-failed', hostId: record.id, agents: failed, detail: 'no shell'});
    };
    time.after(dice.spread(1, 300), () => this.#process.awake(open));
  }

  #closeTeam(teamId: TeamId): void {
    const running = [...this.#held.values()].find(
      ({assignment, phase}) => assignment.teamId === teamId && phase !== 'finished',
    );
    hold('a team is closed when nothing of it runs', !running, () => `attempt ${running?.assignment.attempt}`);
    this.#teams.delete(teamId);
    this.#withdraw(new Set([...this.#toldOf].flatMap(([agent, team]) => (team === teamId ? [agent] : []))));
  }

  /** How agents were found to be is not said again once they are closed. */
  #withdraw(closed: ReadonlySet<AgentId>): void {
    for (const entry of this.#reports) {
      const {report} = entry;
      if (report.type !== 'agents-ready' && report.type !== 'agents-failed') continue;
      entry.report = {...report, agents: report.agents.filter(agent => !closed.has(agent))};
    }
    for (const agent of closed) this.#toldOf.delete(agent);
  }

  #accept(assignment: Assignment): void {
    const {attempt, agentId, teamId} = assignment;
    hold('an attempt is assigned once', !this.#held.has(attempt), () => `attempt ${attempt}`);
    const opened = this.#teams.get(teamId)?.has(agentId) === true;
    hold('work goes to open agents', opened, () => `attempt ${attempt} for ${agentId}, unknown to ${this.record.id}`);
    this.#held.set(attempt, {
      assignment,
      phase: 'queued',
      stopBy: null,
      isPaused: this.#paused.has(attempt),
      leftMs: 0,
      sinceMs: null,
      spell: 0,
      outcome: null,
      hungSinceMs: null,
      cpuMs: 0,
    });
    const {time, dice, tally} = this.#options;
    if (assignment.memo?.session) tally.add('attempt goes on in a session');
    if (assignment.memo?.conflict) tally.add('attempt brings a conflict together');
    time.after(dice.spread(0.5, 50), () => this.#process.awake(() => this.#start(attempt)));
  }

  #start(attempt: AttemptId): void {
    const held = this.#held.get(attempt);
    if (!this.#process.isAlive || held?.phase !== 'queued') return;
    const {machine, time, dice, faults, tally, record} = this.#options;
    const {teamId, task, spec} = held.assignment;
    if (dice.chance(faults().taskFailure * 0.05)) {
      this.#finish(held, failed(0, {reason: 'spawn-failed', command: '/bin/sh', code: 'EAGAIN', detail: 'simulated'}));
      return;
    }
    const {means} = held.assignment;
    if (means && dice.chance(faults().breakerPerS * 0.2)) this.trip({kind: 'runtime', name: means.runtime});
    const shut = this.#breakerFor(held.assignment);
    if (shut) {
      tally.add('attempt turned away by a breaker');
      const {of, retryAfterMs, detail} = shut;
      const {kind: what, name} = of;
      this.#finish(held, failed(0, {reason: 'runtime-unavailable', what, name, retryAfterMs, detail}));
      return;
    }
    held.phase = 'running';
    this.#trace(`attempt ${attempt} runs`);
    const startedMs = time.now().monoMs;
    const elapsed = () => Math.round(time.now().monoMs - startedMs);
    const onExit = (own: AttemptOutcome | null) => this.#process.awake(() => finish(own));
    const finish = (own: AttemptOutcome | null) => {
      if (!this.#process.isAlive || held.phase === 'finished') return;
      if (own) return this.#finish(held, own);
      const stopped = failed(elapsed(), {reason: 'stopped', by: held.stopBy ?? 'superseded'});
      this.#finish(held, {...stopped, usage: usedWhenStopped(held.assignment, dice)});
    };
    machine.start({attempt, teamId, task, hostId: record.id, onExit});
    const behaviour = this.#options.behaviourOf(held.assignment);
    machine.stir(attempt, startedMs);
    const trait = this.#options.traitOf(held.assignment.agentId);
    if (trait.name !== 'healthy') tally.add(`attempt by an agent that is ${trait.name}`);
    const {durationMs, outcome, says, hangsAfterMs} = fateOf(held.assignment, {
      trait,
      isWatched: this.#options.beats && (held.assignment.means !== undefined || spec.limits?.silenceMs !== undefined),
      behaviour,
      dice,
      faults: faults(),
      tally,
    });
    for (const {afterMs, what} of says) time.after(afterMs, () => this.#say(held, what));
    if (hangsAfterMs !== null) {
      time.after(hangsAfterMs, () => {
        held.hungSinceMs = time.now().monoMs;
      });
    }
    if (durationMs === Number.POSITIVE_INFINITY) return;
    if (spec.verify !== undefined && outcome.result.ok) {
      time.after(durationMs * 0.8, () => {
        this.#process.awake(() => {
          if (held.phase === 'running') this.#report({type: 'attempt-verifying', hostId: record.id, attempt});
        });
      });
    }
    held.leftMs = durationMs;
    held.outcome = outcome;
    if (!held.isPaused) this.#goOn(held);
  }

  /** It is at work until it ends by itself, or until it is held. */
  #goOn(held: Held): void {
    const {machine, time} = this.#options;
    const {outcome, leftMs} = held;
    if (outcome === null) return;
    held.sinceMs = time.now().monoMs;
    held.spell += 1;
    const {spell} = held;
    time.after(leftMs, () => {
      if (held.spell !== spell) return;
      // A host that is dead times nothing out: what is left of the attempt goes on.
      const timedOut = !outcome.result.ok && outcome.result.failure.reason === 'timed-out';
      const end = () => machine.end(held.assignment.attempt, outcome);
      if (timedOut) this.#process.awake(end);
      else end();
    });
  }

  #pause(attempt: AttemptId, paused: boolean): void {
    const {time, tally} = this.#options;
    if (paused) this.#paused.add(attempt);
    else this.#paused.delete(attempt);
    const held = this.#held.get(attempt);
    if (!held || held.isPaused === paused) return;
    held.isPaused = paused;
    if (held.phase !== 'running') return;
    if (!paused) return this.#goOn(held);
    tally.add('attempt held');
    if (held.sinceMs !== null) held.leftMs = Math.max(0, held.leftMs - (time.now().monoMs - held.sinceMs));
    held.sinceMs = null;
    held.spell += 1;
  }

  /** What becomes known while it runs. */
  #say({assignment: {attempt}, phase}: Held, what: Saying): void {
    if (!this.#process.isAlive || this.#process.isHanging || phase !== 'running') return;
    const {id: hostId} = this.record;
    if (what.type === 'session') this.#report({type: 'attempt-session', hostId, attempt, session: what.session});
    else
      this.#link?.toDaemon({type: 'remark', remark: {type: 'provider-signal', hostId, attempt, signal: what.signal}});
  }

  #stop(attempt: AttemptId, by: StopReason): void {
    const held = this.#held.get(attempt);
    if (!held || held.phase === 'finished' || held.phase === 'stopping') return;
    held.stopBy = by;
    if (held.phase === 'queued') {
      this.#finish(held, failed(0, {reason: 'stopped', by}));
      return;
    }
    held.phase = 'stopping';
    const {time, dice, faults, machine, tally} = this.#options;
    const stubborn = dice.chance(faults().ignoresTerm);
    if (stubborn) tally.add('fault: process ignores SIGTERM');
    time.after(stubborn ? 5000 : dice.spread(1, 300), () => {
      this.#process.awake(() => machine.end(attempt, null));
    });
  }

  #reap(attempts: readonly AttemptId[]): void {
    const {time, dice, machine, tally, said, record} = this.#options;
    const look = () => {
      if (!this.#process.isAlive) return;
      for (const attempt of attempts) {
        hold(
          'only strays are reaped',
          !this.#held.has(attempt),
          () => `attempt ${attempt} runs under ${this.record.id}`,
        );
        if (machine.end(attempt, null)) tally.add('stray process reaped');
      }
      said({type: 'strays-gone', hostId: record.id, attempts});
      this.#link?.toDaemon({type: 'reaped', attempts});
    };
    time.after(dice.spread(1, 1500), () => this.#process.awake(look));
  }

  #breakerFor({means}: Assignment): BreakerNews | null {
    if (!means) return null;
    const edges = [`runtime:${means.runtime}`, `provider:${means.provider}`];
    const news = edges.flatMap(key => this.#breakers.get(key) ?? []);
    return news.find(({state}) => state === 'open') ?? null;
  }

  #finish(held: Held, outcome: AttemptOutcome): void {
    const {machine, record} = this.#options;
    const {attempt} = held.assignment;
    held.phase = 'finished';
    machine.noteOutcome(attempt, outcome);
    this.#report({type: 'attempt-finished', hostId: record.id, attempt, outcome});
  }

  #report(report: Report): void {
    const number = this.#reportsMade++;
    this.#reports.push({number, report});
    this.#options.said(report);
    this.#link?.toDaemon({type: 'report', number, report});
  }

  #forgetUpTo(number: number): void {
    for (let first = this.#reports[0]; first && first.number <= number; first = this.#reports[0]) {
      this.#reports.shift();
      if (first.report.type === 'attempt-finished') {
        this.#held.delete(first.report.attempt);
        this.#paused.delete(first.report.attempt);
      }
    }
  }

  #trace(what: string): void {
    this.#options.trace.add(this.record.id, what);
  }
}
