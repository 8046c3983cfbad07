import type {ModelChoice} from '../model/agent.ts';
import {type Budget, type Cap, NO_BUDGET} from '../model/budget.ts';
import type {AttemptTotals} from '../model/attempt-totals.ts';
import type {TaskSpec} from '../model/task.ts';
import type {Usage} from '../model/usage.ts';
import {LearnedUse} from './learned-use.ts';
import {SpendRate} from './spend-rate.ts';

type Resource = keyof Cap;

const RESOURCES = ['usd', 'tokens'] as const satisfies readonly Resource[];
/** Once started, an attempt may use this many times what such attempts use on average, or somewhat more than the largest yet. */
const ROOM_OVER_MEAN = 3;
const ROOM_OVER_LARGEST = 1.25;
/** However little such attempts have used so far: at least this part of what a first one may use. */
const LEAST_OF_FIRST = 0.1;
/** However little is needed: something must be left. */
const SMALLEST_USD = 1e-9;
const ASK_AGAIN_MS = 1000;

/**
 * The budget of a team: what has been used, what running attempts may use at most (their caps, reserved with the lease),
 * and what the next one needs. Used and reserved together never exceed the limit by more than what an agent uses between
 * reaching its cap and being stopped.
 */
export class TeamBudget {
  readonly #first: Cap;
  readonly #learned = new Map<string, LearnedUse>();
  readonly #reserved = {usd: 0, tokens: 0};
  readonly #spent = new SpendRate();
  #limit: Budget;
  #replaced: Budget | null = null;
  #nowMs = 0;

  /** `first`: reserved for an attempt as long as nothing is known of its kind. */
  constructor(limit: Budget | undefined, first: Cap) {
    this.#limit = limit ?? NO_BUDGET;
    this.#first = first;
  }

  get limit(): Budget {
    return this.#limit;
  }

  /** What has taken the place of the first limit; null: nothing has. */
  get replaced(): Budget | null {
    return this.#replaced;
  }

  replace(limit: Budget): void {
    this.#limit = limit;
    this.#replaced = limit;
  }

  /** The hour goes on: to be said before anything is asked or settled. */
  tick(nowMs: number): void {
    this.#nowMs = nowMs;
  }

  /** After a restart: what had been used since the team began. */
  resume({usedUsd, sinceMs}: {usedUsd: number; sinceMs: number}): void {
    this.#spent.resume({usd: usedUsd, sinceMs, nowMs: this.#nowMs});
  }

  /** What attempts cost an hour just now, by those that have ended. */
  get usdPerHour(): number {
    return this.#spent.perHour(this.#nowMs);
  }

  /** Spent within the hour before. */
  usdLastHour(nowMs: number): number {
    return this.#spent.lastHour(nowMs);
  }

  get reserved(): Readonly<Record<Resource, number>> {
    return this.#reserved;
  }

  /** Whether an attempt of this kind can be paid, and with how much at most; null: not now. */
  capFor(spec: TaskSpec, choice: ModelChoice, totals: AttemptTotals): Cap | null {
    const usd = this.#capOf('usd', spec, choice, totals);
    const tokens = this.#capOf('tokens', spec, choice, totals);
    return usd === undefined || tokens === undefined ? null : {usd, tokens};
  }

  /** When the hour may allow an attempt that it does not allow now; null: it is not the hour that is in the way. */
  hourAllowsAt(spec: TaskSpec, choice: ModelChoice, totals: AttemptTotals): number | null {
    const perHour = this.#limit.perHour ?? null;
    if (perHour === null) return null;
    for (const resource of RESOURCES) {
      const total = this.#limit[resource];
      if (total === null) continue;
      const left = total - this.used(resource, totals) - this.#reserved[resource];
      const {least} = this.#needOf(resource, spec, choice, resource === 'usd' ? Math.min(total, perHour) : total);
      if (left < least || left <= 0) return null;
    }
    const {least} = this.#needOf('usd', spec, choice, Math.min(this.#limit.usd ?? perHour, perHour));
    const room = perHour - this.#reserved.usd - Math.max(least, SMALLEST_USD);
    const atMs = room < 0 ? null : this.#spent.whenAtMost(room, this.#nowMs);
    // What is reserved is settled sooner or later, and then it is asked again. Sums may be off by a hair: never at once.
    return atMs === null ? Number.POSITIVE_INFINITY : Math.max(atMs, this.#nowMs + ASK_AGAIN_MS);
  }

  /** How many attempts of this kind can be paid beside what runs. */
  affords(spec: TaskSpec, choice: ModelChoice, totals: AttemptTotals): number {
    const counts = RESOURCES.map(resource => {
      const left = this.#leftOf(resource, totals);
      if (left === null) return Number.POSITIVE_INFINITY;
      const {least} = this.#needOf(resource, spec, choice, left.limit);
      return left.amount < least || left.amount <= 0 ? 0 : Math.floor(left.amount / least);
    });
    return Math.min(...counts);
  }

  reserve(cap: Cap): void {
    for (const resource of RESOURCES) this.#reserved[resource] += cap[resource] ?? 0;
  }

  /** The attempt is over: what it has used is part of the team's totals now. */
  settle({spec, choice, cap, usage}: {spec: TaskSpec; choice: ModelChoice; cap: Cap; usage: Usage | null}): void {
    for (const resource of RESOURCES) {
      this.#reserved[resource] = Math.max(0, this.#reserved[resource] - (cap[resource] ?? 0));
      const used = usage && amountOf(resource, usage);
      if (used !== null) this.#learn(keyOf(resource, spec, choice), used);
    }
  }

  /** An attempt is over, with this usage, or without anybody knowing what it has used of its cap. */
  spend(cap: Cap, usage: Usage | null): void {
    const usd = usage?.usd ?? cap.usd ?? 0;
    if (usd > 0) this.#spent.add(usd, this.#nowMs);
  }

  /** What has been used of a resource, what nobody knows for sure included. */
  used(resource: Resource, totals: AttemptTotals): number {
    const unsettled = resource === 'usd' ? totals.unsettledUsd : totals.unsettledTokens;
    return (amountOf(resource, totals) ?? 0) + unsettled;
  }

  /** The cap; null when there is no limit; undefined when what is left does not pay for an attempt. */
  #capOf(resource: Resource, spec: TaskSpec, choice: ModelChoice, totals: AttemptTotals): number | null | undefined {
    const left = this.#leftOf(resource, totals);
    if (left === null) return null;
    const {amount, limit} = left;
    const {wanted, least} = this.#needOf(resource, spec, choice, limit);
    return amount >= least && amount > 0 ? Math.min(wanted, amount) : undefined;
  }

  /** Of the whole and of the hour, whatever is less; null: not limited. */
  #leftOf(resource: Resource, totals: AttemptTotals): {amount: number; limit: number} | null {
    const limit = this.#limit[resource];
    const perHour = resource === 'usd' ? (this.#limit.perHour ?? null) : null;
    const inAll = limit === null ? Number.POSITIVE_INFINITY : limit - this.used(resource, totals);
    const inHour = perHour === null ? Number.POSITIVE_INFINITY : perHour - this.#spent.lastHour(this.#nowMs);
    const smaller = Math.min(limit ?? Number.POSITIVE_INFINITY, perHour ?? Number.POSITIVE_INFINITY);
    if (smaller === Number.POSITIVE_INFINITY) return null;
    return {amount: Math.min(inAll, inHour) - this.#reserved[resource], limit: smaller};
  }

  /**
   * `least`: what must be left for an attempt to start, which is the estimate of its task or else what nine of ten such attempts
   * have not exceeded. `wanted`: what it may use at most if there is as much.
   */
  #needOf(resource: Resource, spec: TaskSpec, choice: ModelChoice, limit: number): {wanted: number; least: number} {
    const estimate = spec.estimate?.[resource] ?? 0;
    const usual = this.#first[resource] ?? limit;
    const learned = this.#learned.get(keyOf(resource, spec, choice));
    if (learned) {
      const {mean, largest, p90} = learned;
      const room = Math.max(mean * ROOM_OVER_MEAN, largest * ROOM_OVER_LARGEST, usual * LEAST_OF_FIRST);
      const least = estimate > 0 ? estimate : p90;
      return {wanted: Math.max(estimate, room), least: Math.min(least, limit)};
    }
    const first = estimate > 0 ? estimate : usual;
    return {wanted: first, least: Math.min(first, limit)};
  }

  #learn(key: string, used: number): void {
    const known = this.#learned.get(key);
    if (known) known.add(used);
    else this.#learned.set(key, new LearnedUse(used));
  }
}

export function amountOf(
  resource: Resource,
  usage: Pick<Usage, 'usd' | 'inputTokens' | 'outputTokens'>,
): number | null {
  if (resource === 'usd') return usage.usd;
  if (usage.inputTokens === null && usage.outputTokens === null) return null;
  return (usage.inputTokens ?? 0) + (usage.outputTokens ?? 0);
}

/** Cost is learned per runtime, model and skills. */
function keyOf(resource: Resource, {skills = []}: TaskSpec, {runtime, model}: ModelChoice): string {
  return JSON.stringify([resource, runtime, model, skills]);
}
