import type {Now} from '../base/clock.ts';
import {never} from '../base/never.ts';
import type {Failure} from '../model/failure.ts';
import type {HealthState, ProcessProbe, Vitals} from '../model/health.ts';
import type {AgentId, AttemptId, HostId} from '../model/ids.ts';
import {Attention} from './attention.ts';
import {type Evidence, type Health, HEALTHY, nextHealth, worse} from './health.ts';
import {type HostPatience, isCertain, judgeProbe, nextStillness, type Stillness} from './host-pulse.ts';
import {PhiAccrual, type PhiOptions, scoreOf} from './phi-accrual.ts';
import {freeze, judgeSilence, newPulse, nextSilenceMs, noteVitals, type Pulse, silentMs, thaw} from './silence.ts';

export interface HealthOptions extends HostPatience {
  readonly phi: PhiOptions;
  /** The suspicion from which on a host is suspect. */
  readonly suspectPhi: number;
  /** A suspect host is looked at this often, in milliseconds. */
  readonly probeMs: number;
  /** A host that is certainly stuck for so long is ended, in milliseconds. */
  readonly stuckMs: number;
  /** One that is merely not heard is ended after so long, in milliseconds; it may be at work. */
  readonly hostLostMs: number;
  /** Whether the host has a reason to beat; asked before one is suspected. Absent: always. */
  readonly isExpected?: (host: HostId) => boolean;
}

/**
 * Hosts that beat at 2 Hz: suspect after about 0.9 s on a quiet machine and later where beats are irregular. Measured with
 * `npm run bench -- health`.
 */
export const HEALTH_DEFAULTS: Omit<HealthOptions, 'hostLostMs' | 'isExpected'> = {
  phi: {window: 100, firstIntervalMs: 500, minDeviationMs: 50, pauseMs: 150},
  suspectPhi: 3,
  probeMs: 250,
  stillMs: 1000,
  deafMs: 10_000,
  stuckMs: 3000,
};

/** What is to be done about what has been found, for the engine to carry out. */
export type HealthDecision =
  | {readonly kind: 'probe-host'; readonly host: HostId}
  /** One of its attempts is due to be judged: what it says next decides. */
  | {readonly kind: 'ask-beat'; readonly host: HostId}
  | {readonly kind: 'suspect-host'; readonly host: HostId; readonly why: string}
  | {readonly kind: 'host-unhealthy'; readonly host: HostId; readonly why: string}
  /** It is heard again. */
  | {readonly kind: 'trust-host'; readonly host: HostId}
  | {readonly kind: 'kill-host'; readonly host: HostId; readonly why: string}
  | {readonly kind: 'suspect-attempt'; readonly attempt: AttemptId; readonly why: string}
  | {readonly kind: 'trust-attempt'; readonly attempt: AttemptId}
  | {
      readonly kind: 'stop-attempt';
      readonly attempt: AttemptId;
      readonly host: HostId;
      readonly failure: Extract<Failure, {reason: 'silent'}>;
    };

interface WatchedHost {
  readonly id: HostId;
  health: Health;
  /** Null: it has not beaten yet, and is not expected to. */
  beats: PhiAccrual | null;
  /** It has said that it beats while it has something to do. */
  isBeating: boolean;
  stillness: Stillness | null;
  probe: ProcessProbe | null;
  /** When it was last looked at, or is being looked at since. */
  probedMs: number;
  isBeingEnded: boolean;
  /** It is not heard: the silence of its attempts does not count. */
  isFrozen: boolean;
  /** An attempt has used up its budget since the host was last heard: it was asked, and its next beat decides. */
  isAwaited: boolean;
  readonly attempts: Set<WatchedAttempt>;
}

interface WatchedAttempt {
  readonly id: AttemptId;
  readonly agent: AgentId;
  readonly host: WatchedHost;
  pulse: Pulse;
  isPaused: boolean;
}

/**
 * Watches hosts and attempts: is told what is heard of them, and answers what is to be done. It decides by pure functions
 * and holds no timer: `nextMs` says when `check` is next worth calling, once for all; with nothing to worry about that is
 * as late as the next suspicion could arise.
 */
export class HealthMonitor {
  readonly #options: HealthOptions;
  readonly #attention: Attention;
  readonly #hosts = new Map<HostId, WatchedHost>();
  readonly #attempts = new Map<AttemptId, WatchedAttempt>();
  readonly #ofAgent = new Map<AgentId, Set<WatchedAttempt>>();
  readonly #listeners = new Map<HealthState, Set<(agent: AgentId) => void>>();
  readonly #suspectScore: number;
  #decisions: HealthDecision[] = [];
  /** Nothing can be due before this (attentive clock): found anew by each check, and only made earlier in between. */
  #soonestMs = Number.POSITIVE_INFINITY;
  /** When somebody was told that `check` is next worth calling (monotonic). */
  #dueMs: number | null = null;

  constructor(options: HealthOptions, now: Now) {
    this.#options = options;
    this.#suspectScore = scoreOf(options.suspectPhi);
    this.#attention = new Attention(now.monoMs);
  }

  /** Has the listener told of every agent that comes into this state. Returns how to end that. */
  on(news: HealthState, listener: (agent: AgentId) => void): () => void {
    const listeners = this.#listeners.get(news) ?? new Set();
    this.#listeners.set(news, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  hostHealth(id: HostId): Health {
    return this.#hosts.get(id)?.health ?? HEALTHY;
  }

  /** The worst of an agent's attempts and of its host. */
  agentHealth(agent: AgentId, host: HostId | null): Health {
    let worst: Health = host === null ? HEALTHY : this.hostHealth(host);
    for (const {pulse} of this.#ofAgent.get(agent) ?? []) {
      if (worse(pulse.health.name, worst.name) !== worst.name) worst = pulse.health;
    }
    return worst;
  }

  /** To be called before anything else happens at this time: notices when this very process has been held up. */
  observe(now: Now): void {
    this.#attention.observe(now.monoMs, this.#dueMs);
    // What is late is late once.
    if (this.#dueMs !== null && now.monoMs > this.#dueMs) this.#dueMs = now.monoMs;
  }

  /** The connection stands: what is heard from now on counts. `beats`: it will, as soon as it has something to do. */
  hostConnected(id: HostId, {beats}: {beats: boolean}, now: Now): void {
    const host = this.#host(id, now);
    host.isBeating = beats;
    host.beats?.restart(this.#attention.at(now.monoMs));
    // Also one that hangs before its first beat is found out.
    if (host.attempts.size > 0) this.#expectBeats(host, now);
    // What it has told before, over another connection, may not have arrived.
    for (const attempt of host.attempts) attempt.pulse = {...attempt.pulse, processes: null};
    this.#heard(host, now);
  }

  /** Its connection is lost: silence is natural, and others wait for it to come back. */
  hostDisconnected(id: HostId, now: Now): void {
    const host = this.#hosts.get(id);
    if (!host) return;
    host.beats = null;
    host.isBeating = false;
    host.stillness = null;
    this.#freezeAll(host, now);
  }

  hostGone(id: HostId, now: Now): void {
    const host = this.#hosts.get(id);
    if (!host) return;
    this.#hostLearns(host, {kind: 'gone', why: 'its process is gone'}, now);
    for (const attempt of [...host.attempts]) this.attemptEnded(attempt.id);
    this.#hosts.delete(id);
  }

  beat(id: HostId, now: Now): void {
    const host = this.#host(id, now);
    const atMs = this.#attention.at(now.monoMs);
    if (host.beats === null) host.beats = new PhiAccrual(this.#options.phi, atMs);
    // How long a stop or a hang took says nothing of how regularly it beats.
    // Nor does one that was asked for.
    else if (host.health.name === 'unhealthy' || host.isAwaited) host.beats.restart(atMs);
    else host.beats.heard(atMs);
    this.#heard(host, now);
    this.#consider(host.isAwaited ? atMs : host.beats.whenMs(this.#suspectScore));
    host.isAwaited = false;
  }

  vitals(id: HostId, vitals: readonly Vitals[], now: Now): void {
    const host = this.#hosts.get(id);
    if (!host) return;
    if (host.health.name !== 'healthy') this.#heard(host, now);
    const atMs = this.#attention.at(now.monoMs);
    for (const said of vitals) {
      const attempt = this.#attempts.get(said.attempt as AttemptId);
      if (attempt?.host === host) this.#attemptBecomes(attempt, noteVitals(attempt.pulse, said, atMs), atMs);
    }
  }

  /** How its process is found to be, after `probe-host`. */
  probed(id: HostId, probe: ProcessProbe, now: Now): void {
    const host = this.#hosts.get(id);
    if (!host || host.health.name === 'healthy' || host.beats === null) return;
    const nowMs = this.#attention.at(now.monoMs);
    host.stillness = nextStillness(host.stillness, probe, nowMs);
    host.probe = probe;
    const facts = {stillness: host.stillness, silenceMs: nowMs - host.beats.lastMs, nowMs};
    const evidence = judgeProbe(probe, facts, this.#options);
    if (evidence && this.#mayJudge(now)) this.#hostLearns(host, evidence, now);
    this.#considerEnding(host, now);
  }

  /** From now on this attempt is watched. `budgetMs` is Infinity where it may be silent for ever. */
  attemptStarted(
    {id, agent, host, budgetMs}: {id: AttemptId; agent: AgentId; host: HostId; budgetMs: number},
    now: Now,
  ): void {
    const on = this.#host(host, now);
    const pulse = newPulse(budgetMs, this.#attention.at(now.monoMs));
    const attempt: WatchedAttempt = {id, agent, host: on, pulse, isPaused: false};
    this.#expectBeats(on, now);
    this.#attempts.set(id, attempt);
    on.attempts.add(attempt);
    const ofAgent = this.#ofAgent.get(agent) ?? new Set();
    this.#ofAgent.set(agent, ofAgent.add(attempt));
  }

  attemptEnded(id: AttemptId): void {
    const attempt = this.#attempts.get(id);
    if (!attempt) return;
    const {agent, host} = attempt;
    this.#attempts.delete(id);
    host.attempts.delete(attempt);
    const ofAgent = this.#ofAgent.get(agent);
    ofAgent?.delete(attempt);
    if (ofAgent?.size === 0) this.#ofAgent.delete(agent);
  }

  /** Its processes are stopped on purpose: its silence does not count until they go on. */
  pause(id: AttemptId, isPaused: boolean, now: Now): void {
    const attempt = this.#attempts.get(id);
    if (!attempt) return;
    attempt.isPaused = isPaused;
    const atMs = this.#attention.at(now.monoMs);
    if (isPaused) attempt.pulse = freeze(attempt.pulse, atMs);
    else if (attempt.host.health.name === 'healthy') this.#attemptBecomes(attempt, thaw(attempt.pulse, atMs), atMs);
  }

  /** Judges everything whose time has come; costs nothing before that. */
  check(now: Now): void {
    if (!this.#mayJudge(now) || this.#attention.at(now.monoMs) < this.#soonestMs) return;
    this.#soonestMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#attention.at(now.monoMs);
    for (const host of this.#hosts.values()) {
      this.#checkHost(host, now);
      if (host.health.name === 'healthy') for (const attempt of host.attempts) this.#checkAttempt(attempt, nowMs);
      this.#consider(this.#nextOf(host, nowMs));
    }
  }

  /** What has been decided since the last time. */
  takeDecisions(): readonly HealthDecision[] {
    const decisions = this.#decisions;
    if (decisions.length > 0) this.#decisions = [];
    return decisions;
  }

  /** When to call `check` (monotonic); null: there is nothing to watch. Asking settles it: later than that is late. */
  nextMs(now: Now): number | null {
    if (this.#soonestMs === Number.POSITIVE_INFINITY) this.#dueMs = null;
    else {
      // A hair later: rounding must not make it too early to judge, again and again.
      const wakeMs = Math.ceil(this.#attention.when(this.#soonestMs) + 0.01);
      this.#dueMs = Math.max(wakeMs, this.#attention.holdUntilMs, now.monoMs);
    }
    return this.#dueMs;
  }

  /** It has something to do: if it beats at all, it does from now on. */
  #expectBeats(host: WatchedHost, now: Now): void {
    if (!host.isBeating || host.beats !== null) return;
    host.beats = new PhiAccrual(this.#options.phi, this.#attention.at(now.monoMs));
    this.#consider(host.beats.whenMs(this.#suspectScore));
  }

  #consider(attentiveMs: number): void {
    if (attentiveMs < this.#soonestMs) this.#soonestMs = attentiveMs;
  }

  #nextOf(host: WatchedHost, nowMs: number): number {
    const {probeMs} = this.#options;
    if (host.isBeingEnded || host.beats === null) return Number.POSITIVE_INFINITY;
    if (host.health.name !== 'healthy') return host.probedMs + probeMs;
    let next = host.beats.whenMs(this.#suspectScore);
    for (const attempt of host.attempts) next = Math.min(next, this.#nextOfAttempt(attempt, nowMs));
    return next;
  }

  /** When to look at it again; one that is due waits for a word of its host since then, which is asked for. */
  #nextOfAttempt({pulse, host}: WatchedAttempt, nowMs: number): number {
    const dueMs = nextSilenceMs(pulse);
    if (dueMs > nowMs || host.beats === null || host.beats.lastMs >= dueMs) return dueMs;
    if (!host.isAwaited) this.#decisions.push({kind: 'ask-beat', host: host.id});
    host.isAwaited = true;
    return Number.POSITIVE_INFINITY;
  }

  #mayJudge(now: Now): boolean {
    return now.monoMs >= this.#attention.holdUntilMs;
  }

  #checkHost(host: WatchedHost, now: Now): void {
    const {probeMs, isExpected} = this.#options;
    const nowMs = this.#attention.at(now.monoMs);
    if (host.beats === null || host.isBeingEnded) return;
    if (nowMs < host.beats.whenMs(this.#suspectScore) && host.health.name === 'healthy') return;
    if (isExpected?.(host.id) === false) return this.#expectNothing(host, now);
    if (host.health.name === 'healthy') {
      const why = `it has not been heard for ${Math.round(nowMs - host.beats.lastMs)} ms`;
      this.#hostLearns(host, {kind: 'quiet', why}, now);
      host.probedMs = Number.NEGATIVE_INFINITY;
    }
    if (nowMs < host.probedMs + probeMs) return;
    host.probedMs = nowMs;
    this.#decisions.push({kind: 'probe-host', host: host.id});
  }

  /** It has nothing to do any more, so it does not beat: its silence says nothing, also where it had said something before. */
  #expectNothing(host: WatchedHost, now: Now): void {
    host.beats = null;
    this.#heard(host, now);
  }

  #considerEnding(host: WatchedHost, now: Now): void {
    const {stuckMs, stillMs, hostLostMs} = this.#options;
    const nowMs = this.#attention.at(now.monoMs);
    if (host.isBeingEnded || host.health.name !== 'unhealthy' || !host.beats || !host.probe) return;
    if (!this.#mayJudge(now) || this.#options.isExpected?.(host.id) === false) return;
    const stuckForMs = nowMs - host.health.sinceMs;
    const isStuck = stuckForMs >= stuckMs && isCertain(host.probe, host.stillness, nowMs, stillMs);
    if (!isStuck && nowMs - host.beats.lastMs < hostLostMs) return;
    host.isBeingEnded = true;
    this.#decisions.push({kind: 'kill-host', host: host.id, why: host.health.why});
  }

  #checkAttempt(attempt: WatchedAttempt, nowMs: number): void {
    const {pulse, host} = attempt;
    // As of the last word of its host: what the attempt has done since nobody can know yet.
    const evidence = judgeSilence(pulse, Math.min(nowMs, host.beats?.lastMs ?? nowMs));
    if (evidence === null) return;
    let health = nextHealth(pulse.health, evidence, nowMs);
    // Looked at so late that its whole budget has passed unseen: the two steps follow one another.
    if (evidence.kind === 'confirmed') health = nextHealth(health, evidence, nowMs);
    this.#attemptBecomes(attempt, {...pulse, health}, nowMs);
  }

  #attemptBecomes(attempt: WatchedAttempt, pulse: Pulse, nowMs: number): void {
    const before = attempt.pulse.health.name;
    attempt.pulse = pulse;
    this.#consider(this.#nextOfAttempt(attempt, nowMs));
    const {health, budgetMs} = pulse;
    if (health.name === before) return;
    const {id, agent, host} = attempt;
    switch (health.name) {
      case 'healthy':
        this.#decisions.push({kind: 'trust-attempt', attempt: id});
        break;
      case 'suspect':
        this.#decisions.push({kind: 'suspect-attempt', attempt: id, why: health.why});
        break;
      case 'unhealthy': {
        const silence = Math.round(silentMs(pulse, health.sinceMs));
        const failure = {reason: 'silent', silentMs: silence, budgetMs} as const;
        this.#decisions.push({kind: 'stop-attempt', attempt: id, host: host.id, failure});
        break;
      }
      case 'dead':
        break;
      default:
        never(health);
    }
    this.#tell(health.name, agent);
  }

  #heard(host: WatchedHost, now: Now): void {
    host.stillness = null;
    host.probe = null;
    this.#hostLearns(host, {kind: 'life'}, now);
    if (!host.isFrozen) return;
    host.isFrozen = false;
    const atMs = this.#attention.at(now.monoMs);
    for (const attempt of host.attempts) {
      if (attempt.pulse.frozenSinceMs !== null && !attempt.isPaused) {
        this.#attemptBecomes(attempt, thaw(attempt.pulse, atMs), atMs);
      }
    }
  }

  /** The one place where the health of a host changes. */
  #hostLearns(host: WatchedHost, evidence: Evidence, now: Now): void {
    const before = host.health.name;
    host.health = nextHealth(host.health, evidence, this.#attention.at(now.monoMs));
    const {health} = host;
    if (health.name === before) return;
    if (before === 'healthy') this.#freezeAll(host, now);
    switch (health.name) {
      case 'healthy':
        host.isBeingEnded = false;
        this.#decisions.push({kind: 'trust-host', host: host.id});
        break;
      case 'suspect':
        this.#decisions.push({kind: 'suspect-host', host: host.id, why: health.why});
        break;
      case 'unhealthy':
        this.#decisions.push({kind: 'host-unhealthy', host: host.id, why: health.why});
        break;
      case 'dead':
        break;
      default:
        never(health);
    }
    for (const agent of new Set([...host.attempts].map(attempt => attempt.agent))) this.#tell(health.name, agent);
  }

  /** While a host is not heard, nothing can be heard of its attempts. */
  #freezeAll(host: WatchedHost, now: Now): void {
    const atMs = this.#attention.at(now.monoMs);
    host.isFrozen = true;
    for (const attempt of host.attempts) attempt.pulse = freeze(attempt.pulse, host.beats?.lastMs ?? atMs);
  }

  #host(id: HostId, now: Now): WatchedHost {
    const known = this.#hosts.get(id);
    if (known) return known;
    const host: WatchedHost = {
      id,
      health: HEALTHY,
      beats: null,
      isBeating: false,
      stillness: null,
      probe: null,
      probedMs: this.#attention.at(now.monoMs),
      isBeingEnded: false,
      isFrozen: false,
      isAwaited: false,
      attempts: new Set(),
    };
    this.#hosts.set(id, host);
    return host;
  }

  #tell(news: HealthState, agent: AgentId): void {
    for (const listener of this.#listeners.get(news) ?? []) listener(agent);
  }
}
