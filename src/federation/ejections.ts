import type {AgentGroup} from '../model/agent.ts';
import type {AgentId} from '../model/ids.ts';
import {type AgentRecord, DECAY} from './agent-record.ts';
import {Blame} from './blame.ts';
import {type Breaker, type BreakerRules, type BreakerSignal, isOverdue, next} from './circuit-breaker.ts';
import {faded, meanOf} from './decaying-mean.ts';
import type {SelectionRules} from './ejection-rules.ts';
import {coverOf, type EjectionRules, mostEjected, standsOut} from './outlier-ejection.ts';

/** An agent whose breaker is changed here and nowhere else. */
export interface Judged {
  readonly id: AgentId;
  readonly group: number;
  readonly record: AgentRecord;
  breaker: Breaker;
  /** How often it has opened. */
  trips: number;
}

/** How an attempt ended. `perhaps`: it failed, and the agent may be to blame; `none`: it says nothing of the agent. */
export type Verdict = 'succeeded' | 'perhaps' | 'none';

/** What has come out: whose failures these are, and who may have more or fewer attempts now than before. */
export interface Judgement<T> {
  readonly guilty: readonly T[];
  /** The failure of the agent itself: proven to be its own, the task's, or not known yet. Null: it did not fail. */
  readonly failure: 'open' | 'task' | null;
  readonly changed: readonly T[];
}

/**
 * The breakers of a team's agents. One is opened when its agent fails too often and enough others are left: never more than a share
 * of the team, and never the last that can do what its group can.
 */
export class Ejections<T extends Judged> {
  #rules: EjectionRules;
  #breakerRules: BreakerRules;
  readonly #cover: readonly (readonly number[])[];
  readonly #members = new Map<AgentId, T>();
  readonly #blame = new Blame();
  /** Whose breaker is not closed. */
  readonly #ejected = new Set<T>();
  /** Who has failed too often, though no more may be left out just now. */
  readonly #overdue = new Set<T>();
  /** Agents by group whose breaker is closed. */
  readonly #left: number[];
  #trips = 0;
  #sweepAtMs = Number.NEGATIVE_INFINITY;

  constructor({
    groups,
    rules,
    breakerRules,
  }: {groups: readonly AgentGroup[]; rules: EjectionRules; breakerRules: BreakerRules}) {
    this.#rules = rules;
    this.#breakerRules = breakerRules;
    this.#cover = coverOf(groups);
    this.#left = groups.map(() => 0);
  }

  /** Other rules from now on; whoever is left out stays so until its time is over. */
  use({breaker, ejection}: SelectionRules): void {
    this.#rules = ejection;
    this.#breakerRules = breaker;
  }

  join(member: T): void {
    if (this.#members.has(member.id)) return;
    this.#members.set(member.id, member);
    if (member.breaker.name === 'closed') this.#count(member, 1);
    else this.#ejected.add(member);
  }

  leave(member: T): void {
    if (!this.#members.delete(member.id)) return;
    if (member.breaker.name === 'closed') this.#count(member, -1);
    this.#ejected.delete(member);
    this.#overdue.delete(member);
    this.#blame.settle(member.id);
  }

  /** When `wake` has something to do (monotonic); null: not before something else happens. */
  nextDueMs(): number | null {
    let due: number | null = null;
    for (const {breaker} of this.#ejected) {
      if (breaker.name === 'open' && (due === null || breaker.untilMs < due)) due = breaker.untilMs;
    }
    return due;
  }

  /** Those not closed. */
  get ejected(): ReadonlySet<T> {
    return this.#ejected;
  }

  /** How often breakers have opened, also of those that have left. */
  get trips(): number {
    return this.#trips;
  }

  /** Lets those be tried again whose time is over. */
  wake(nowMs: number): readonly T[] {
    const changed: T[] = [];
    for (const member of this.#ejected) if (this.#signal(member, 'time', nowMs)) changed.push(member);
    if (this.#overdue.size > 0 && nowMs >= this.#sweepAtMs) {
      this.#sweepAtMs = nowMs + this.#rules.intervalMs;
      for (const member of [...this.#overdue]) if (this.#tryEject(member, nowMs)) changed.push(member);
    }
    return changed;
  }

  /** Lets all be tried again at once. */
  relent(nowMs: number): readonly T[] {
    return [...this.#ejected].filter(member => this.#signal(member, 'relent', nowMs));
  }

  /** It has been given an attempt. */
  started(member: T, nowMs: number): void {
    if (member.breaker.name === 'half-open') this.#signal(member, 'probe', nowMs);
  }

  ended(member: T, {task, verdict, nowMs}: {task: string; verdict: Verdict; nowMs: number}): Judgement<T> {
    if (!this.#members.has(member.id)) return NOTHING;
    if (verdict === 'none') return {...NOTHING, changed: this.#signal(member, 'released', nowMs) ? [member] : []};
    return verdict === 'succeeded' ? this.#succeeded(member, task, nowMs) : this.#failed(member, task, nowMs);
  }

  #succeeded(member: T, task: string, nowMs: number): Judgement<T> {
    const guilty = this.#blame.succeeded(member.id, task).flatMap(id => this.#members.get(id) ?? []);
    this.#overdue.delete(member);
    const changed: T[] = this.#signal(member, 'succeeded', nowMs) ? [member] : [];
    for (const one of guilty) {
      // What is proven late says nothing of an attempt that runs to see how it does now.
      if (one.breaker.name !== 'closed') continue;
      this.#signal(one, 'failed', nowMs);
      const isTooMuch = isOverdue(one.breaker, {nowMs, rules: this.#breakerRules});
      if (isTooMuch && this.#tryEject(one, nowMs)) changed.push(one);
    }
    return {guilty, failure: null, changed};
  }

  #failed(member: T, task: string, nowMs: number): Judgement<T> {
    const failure = this.#blame.failed(member.id, task, id => this.#doesWell(id));
    if (member.breaker.name !== 'closed') {
      const says = failure === 'task' || this.#peerErrorRate(member, nowMs) > OFTEN ? 'released' : 'failed';
      return {guilty: [], failure, changed: this.#signal(member, says, nowMs) ? [member] : []};
    }
    const streak = this.#blame.streak(member.id);
    const {failureThreshold} = this.#breakerRules;
    const isOut =
      streak >= failureThreshold &&
      standsOut({streak, peerErrorRate: this.#peerErrorRate(member, nowMs)}, {failureThreshold, ...this.#rules});
    return {guilty: [], failure, changed: isOut && this.#tryEject(member, nowMs) ? [member] : []};
  }

  #tryEject(member: T, nowMs: number): boolean {
    if (!this.#mayEject(member)) {
      this.#overdue.add(member);
      return false;
    }
    this.#overdue.delete(member);
    this.#blame.settle(member.id);
    return this.#signal(member, 'trip', nowMs);
  }

  #mayEject(member: T): boolean {
    if (this.#ejected.size >= mostEjected(this.#members.size, this.#rules)) return false;
    let others = -1;
    for (const group of this.#cover[member.group] ?? []) others += this.#left[group] ?? 0;
    return others > 0;
  }

  /** Whoever has never succeeded, or fails at most of what it does, is no witness against a task. */
  #doesWell(id: AgentId): boolean {
    const member = this.#members.get(id);
    return (
      member?.breaker.name === 'closed' && member.record.succeeded > 0 && (meanOf(member.record.errors) ?? 1) < 0.5
    );
  }

  /** Of all others together; where nothing is known, about a third. */
  #peerErrorRate(member: T, nowMs: number): number {
    let failures = 0.5;
    let outcomes = 1.5;
    for (const {id, record} of this.#members.values()) {
      if (id === member.id || record.errors.weight === 0) continue;
      const weight = faded(record.errors, nowMs, DECAY.halfLifeMs);
      outcomes += weight;
      failures += (record.errors.sum / record.errors.weight) * weight;
    }
    return failures / outcomes;
  }

  /** The one place where a breaker changes. Returns whether its agent may now have more or fewer attempts. */
  #signal(member: T, signal: BreakerSignal, nowMs: number): boolean {
    const before = member.breaker;
    const after = next(before, signal, {nowMs, rules: this.#breakerRules});
    member.breaker = after;
    if (before.name === after.name) return false;
    if (after.name === 'open') {
      member.trips += 1;
      this.#trips += 1;
    }
    if (before.name === 'closed') {
      this.#count(member, -1);
      this.#ejected.add(member);
    } else if (after.name === 'closed') {
      this.#count(member, 1);
      this.#ejected.delete(member);
    }
    return true;
  }

  #count(member: T, by: 1 | -1): void {
    this.#left[member.group] = (this.#left[member.group] ?? 0) + by;
  }
}

/** Where the others fail as often, a single failure decides nothing. */
const OFTEN = 0.3;
const NOTHING = {guilty: [], failure: null, changed: []} as const;
