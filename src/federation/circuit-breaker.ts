import {never} from '../base/never.ts';
import {DEFAULT_EJECTION} from '../model/ejection.ts';
import {type DecayingMean, faded, meanOf, measured, NOTHING_MEASURED} from './decaying-mean.ts';

/**
 * Whether an agent is given anything, by how its attempts end.
 *
 *     closed ──trip──► open ──time──► half-open ──the probe succeeds──► closed
 *                        ▲                │
 *                        └──── it fails ──┘   and longer each time
 *
 * closed: as usual. open: nothing. half-open: one attempt at a time, to see.
 */
export type Breaker =
  | {
      readonly name: 'closed';
      /** Failures one after the other. */
      readonly streak: number;
      /** 1 for a failure, 0 for a success. */
      readonly recent: DecayingMean;
      /** How often it was open, less what has been forgiven since. */
      readonly trips: number;
      readonly sinceMs: number;
    }
  | {readonly name: 'open'; readonly untilMs: number; readonly trips: number}
  | {readonly name: 'half-open'; readonly isProbing: boolean; readonly trips: number};

/**
 * trip: whoever looks at all agents has decided that this one is to be left out. probe: it has been given an attempt. released: an
 * attempt is over that says nothing of the agent. time: only the time has passed. relent: nobody else is there.
 */
export type BreakerSignal = 'succeeded' | 'failed' | 'trip' | 'probe' | 'released' | 'time' | 'relent';

export interface BreakerRules {
  /** Failures one after the other that are too many, ≥ 1. */
  readonly failureThreshold: number;
  /** The share of failures that is too much, > 0, where there are at least `minOutcomes` of them to judge by. */
  readonly failureRate: number;
  readonly minOutcomes: number;
  /** After this long an outcome counts half, in milliseconds. */
  readonly windowMs: number;
  /** How long it is open the first time, in milliseconds; twice as long each time after that. */
  readonly openMs: number;
  readonly maxOpenMs: number;
}

export const BREAKER_RULES: BreakerRules = {
  failureThreshold: DEFAULT_EJECTION.failures,
  failureRate: 0.5,
  minOutcomes: 10,
  windowMs: 120_000,
  openMs: DEFAULT_EJECTION.timeMs,
  maxOpenMs: 3_600_000,
};

export const CLOSED: Extract<Breaker, {name: 'closed'}> = {
  name: 'closed',
  streak: 0,
  recent: NOTHING_MEASURED,
  trips: 0,
  sinceMs: 0,
};

/** What it is after a signal. Signals that mean nothing in a state (an attempt from before that ends) leave it as it is. */
export function next(
  breaker: Breaker,
  signal: BreakerSignal,
  {nowMs, rules}: {nowMs: number; rules: BreakerRules},
): Breaker {
  switch (breaker.name) {
    case 'closed':
      if (signal === 'trip') return opened(tripsOf(breaker, {nowMs, rules}), {nowMs, rules});
      return signal === 'succeeded' || signal === 'failed' ? counted(breaker, signal, {nowMs, rules}) : breaker;
    case 'open':
      return nowMs >= breaker.untilMs || signal === 'relent'
        ? {name: 'half-open', isProbing: false, trips: breaker.trips}
        : breaker;
    case 'half-open':
      return probed(breaker, signal, {nowMs, rules});
    default:
      return never(breaker);
  }
}

function counted(
  breaker: Extract<Breaker, {name: 'closed'}>,
  signal: 'succeeded' | 'failed',
  {nowMs, rules}: {nowMs: number; rules: BreakerRules},
): Breaker {
  const decay = {halfLifeMs: rules.windowMs, keep: 0.97};
  const recent = measured(breaker.recent, signal === 'failed' ? 1 : 0, {nowMs, decay});
  return {...breaker, recent, streak: signal === 'failed' ? breaker.streak + 1 : 0};
}

function probed(
  {isProbing, trips}: Extract<Breaker, {name: 'half-open'}>,
  signal: BreakerSignal,
  {nowMs, rules}: {nowMs: number; rules: BreakerRules},
): Breaker {
  switch (signal) {
    case 'probe':
      return {name: 'half-open', isProbing: true, trips};
    case 'released':
      return {name: 'half-open', isProbing: false, trips};
    case 'succeeded':
      return {...CLOSED, trips, sinceMs: nowMs};
    case 'failed':
    case 'trip':
      return opened(trips, {nowMs, rules});
    case 'time':
    case 'relent':
      return {name: 'half-open', isProbing, trips};
    default:
      return never(signal);
  }
}

function opened(trips: number, {nowMs, rules}: {nowMs: number; rules: BreakerRules}): Breaker {
  return {name: 'open', untilMs: nowMs + openForMs(trips, rules), trips: trips + 1};
}

/** How long it is open after so many times before. */
export function openForMs(trips: number, {openMs, maxOpenMs}: BreakerRules): number {
  return Math.min(openMs * 2 ** Math.min(trips, 30), maxOpenMs);
}

/** For each time that it has worked as long as it was left out last, one of the times is forgotten. */
function tripsOf(
  {trips, sinceMs}: Extract<Breaker, {name: 'closed'}>,
  {nowMs, rules}: {nowMs: number; rules: BreakerRules},
): number {
  if (trips === 0) return 0;
  return Math.max(0, trips - Math.floor(Math.max(0, nowMs - sinceMs) / openForMs(trips - 1, rules)));
}

/** Whether it has failed too often to stay closed. */
export function isOverdue(breaker: Breaker, {nowMs, rules}: {nowMs: number; rules: BreakerRules}): boolean {
  if (breaker.name !== 'closed') return false;
  if (breaker.streak >= rules.failureThreshold) return true;
  const outcomes = faded(breaker.recent, nowMs, rules.windowMs);
  return outcomes >= rules.minOutcomes && (meanOf(breaker.recent) ?? 0) >= rules.failureRate;
}

/** Attempts that an agent with these slots may have. */
export function allowance(breaker: Breaker, slots: number): number {
  switch (breaker.name) {
    case 'closed':
      return slots;
    case 'open':
      return 0;
    case 'half-open':
      return 1;
    default:
      return never(breaker);
  }
}
