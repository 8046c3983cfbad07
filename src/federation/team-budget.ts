import type {ModelChoice} from '../model/agent.ts';
import {type Budget, type Cap, NO_BUDGET} from '../model/budget.ts';
import type {AttemptTotals} from '../model/attempt-totals.ts';
import type {TaskSpec} from '../model/task.ts';
import type {Usage} from '../model/usage.ts';

/** What attempts of one kind have used, as far as it is known. */
interface Learned {
  count: number;
  sum: number;
  largest: number;
}

type Resource = keyof Budget;

const RESOURCES = ['usd', 'tokens'] as const satisfies readonly Resource[];
/** An attempt may use this many times what such attempts use on average, or somewhat more than the largest yet. */
const ROOM_OVER_MEAN = 3;
const ROOM_OVER_LARGEST = 1.25;
/** However little such attempts have used so far: at least this part of what a first one may use. */
const LEAST_OF_FIRST = 0.1;

/**
 * The budget of a team: what has been used, what running attempts may use at most (their caps, reserved with the lease),
 * and what the next one needs. Used and reserved together never exceed the limit by more than what an agent uses between
 * reaching its cap and being stopped.
 */
export class TeamBudget {
  #limit: Budget;
  #replaced: Budget | null = null;
  readonly #first: Cap;
  readonly #learned = new Map<string, Learned>();
  readonly #reserved = {usd: 0, tokens: 0};

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

  get reserved(): Readonly<Record<Resource, number>> {
    return this.#reserved;
  }

  /** Whether an attempt of this kind can be paid, and with how much at most; null: not now. */
  capFor(spec: TaskSpec, choice: ModelChoice, totals: AttemptTotals): Cap | null {
    const usd = this.#capOf('usd', spec, choice, totals);
    const tokens = this.#capOf('tokens', spec, choice, totals);
    return usd === undefined || tokens === undefined ? null : {usd, tokens};
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

  /** What has been used of a resource, what nobody knows for sure included. */
  used(resource: Resource, totals: AttemptTotals): number {
    const unsettled = resource === 'usd' ? totals.unsettledUsd : totals.unsettledTokens;
    return (amountOf(resource, totals) ?? 0) + unsettled;
  }

  /** The cap; null when there is no limit; undefined when what is left does not pay for an attempt. */
  #capOf(resource: Resource, spec: TaskSpec, choice: ModelChoice, totals: AttemptTotals): number | null | undefined {
    const limit = this.limit[resource];
    if (limit === null) return null;
    const left = limit - this.used(resource, totals) - this.#reserved[resource];
    const {wanted, least} = this.#needOf(resource, spec, choice, limit);
    return left >= least && left > 0 ? Math.min(wanted, left) : undefined;
  }

  #needOf(resource: Resource, spec: TaskSpec, choice: ModelChoice, limit: number): {wanted: number; least: number} {
    const estimate = spec.estimate?.[resource] ?? 0;
    const usual = this.#first[resource] ?? limit;
    const learned = this.#learned.get(keyOf(resource, spec, choice));
    if (learned) {
      const mean = learned.sum / learned.count;
      const room = Math.max(mean * ROOM_OVER_MEAN, learned.largest * ROOM_OVER_LARGEST, usual * LEAST_OF_FIRST);
      return {wanted: Math.max(estimate, room), least: mean};
    }
    const first = estimate > 0 ? estimate : usual;
    return {wanted: first, least: Math.min(first, limit)};
  }

  #learn(key: string, used: number): void {
    const known = this.#learned.get(key);
    if (!known) {
      this.#learned.set(key, {count: 1, sum: used, largest: used});
      return;
    }
    known.count += 1;
    known.sum += used;
    known.largest = Math.max(known.largest, used);
  }
}

function amountOf(resource: Resource, usage: Pick<Usage, 'usd' | 'inputTokens' | 'outputTokens'>): number | null {
  if (resource === 'usd') return usage.usd;
  if (usage.inputTokens === null && usage.outputTokens === null) return null;
  return (usage.inputTokens ?? 0) + (usage.outputTokens ?? 0);
}

/** Cost is learned per runtime, model and skills. */
function keyOf(resource: Resource, {skills = []}: TaskSpec, {runtime, model}: ModelChoice): string {
  return JSON.stringify([resource, runtime, model, skills]);
}
