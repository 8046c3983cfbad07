import {backoffMs} from '../../base/backoff.ts';
import {never} from '../../base/never.ts';
import type {Random} from '../../base/random.ts';
import type {ProviderSignal, ProviderSignalKind} from '../../model/provider.ts';

type Refusal = Exclude<ProviderSignalKind, 'ok'>;

/**
 * What is known of a provider account that has refused something lately; null stands for one that has not. All times are
 * on one monotonic clock.
 *
 * The limit goes down by a factor when it was too high (AIMD), and with every round of answers half the way up to where it was
 * last too high (the binary search of BIC TCP: Xu, Harfoush and Rhee, 2004), at least by one. Beyond that it goes only now and
 * then, since finding out costs the pause that the provider asks for.
 */
export interface GateState {
  /** Attempts at a time, ≥ 1; null: nothing is known that would limit them. */
  readonly limit: number | null;
  /** So many at a time were last too many; not tried again before `probeMs`. */
  readonly ceiling: number | null;
  readonly probeMs: number;
  /** Requests answered since the limit last changed. */
  readonly answered: number;
  /** When the limit last changed, and when it last went down; null: it never did. */
  readonly changedMs: number;
  readonly loweredMs: number | null;
  /** Nothing is started before this time, because of this. */
  readonly notBeforeMs: number;
  readonly because: Refusal;
  /** Who may start then: all there is room for, or one that finds out whether anything gets through. */
  readonly then: 'all' | 'one';
  /** Refusals without an answer between them. */
  readonly strikes: number;
}

export interface Circumstances {
  readonly nowMs: number;
  /** Attempts of all projects that use the provider. */
  readonly inFlight: number;
}

/** One burst makes many refusals: what comes so soon after the limit was lowered says nothing new. */
const REACTION_MS = 2000;
/** Down to, when the limit had held until it grew: it is a little too high. Otherwise it is anybody's guess. */
const STEP_BACK = 0.9;
const HALVE = 0.5;
const OVERLOADED = 0.8;
/** Finding out that there is still no more room costs a pause; it is done so seldom that this costs at most a twentieth. */
const PROBE_FACTOR = 20;
/** After a pause attempts are let go one after the other. */
const RELEASE_EVERY_MS = 50;
/** So long without a refusal, with everything in use, counts as a round of answers: not every runtime tells of them. */
const UNHEARD_MS = 30_000;
/** The same where one attempt finds out whether a quota is back; an agent may try again by itself for a while. */
const UNHEARD_OF_ONE_MS = 60_000;
const FORGET_MS = 3_600_000;
const SHORT_PAUSE = {baseMs: 1000, maxMs: 60_000};
const QUOTA_PAUSE = {baseMs: 60_000, maxMs: 3_600_000};
/** Quotas are counted by the week at most. */
const MAX_PAUSE_MS = 7 * 24 * 3_600_000;

/** The gate after a signal. */
export function hear(
  state: GateState | null,
  signal: ProviderSignal,
  at: Circumstances & {readonly random: Random},
): GateState | null {
  if (signal.kind === 'ok') return state && answer(state, at);
  const known = state ?? unlimited(signal.kind, at.nowMs);
  switch (signal.kind) {
    case 'throttled':
      return throttle(known, signal, at);
    case 'overloaded':
      return overload(known, signal, at);
    case 'quota':
      return exhaust(known, signal, at);
    default:
      return never(signal.kind);
  }
}

/** The gate as time has changed it: grown although nobody tells of answers, or forgotten. */
export function elapse(state: GateState, at: Circumstances): GateState | null {
  const quietMs = at.nowMs - state.notBeforeMs;
  if (state.then === 'one') return elapseOfOne(state, quietMs, at);
  if (quietMs >= FORGET_MS) return null;
  const unchangedMs = at.nowMs - Math.max(state.notBeforeMs, state.changedMs);
  return unchangedMs >= UNHEARD_MS && isFull(state, at) ? grow(state, at.nowMs) : state;
}

function elapseOfOne(state: GateState, quietMs: number, at: Circumstances): GateState {
  if (quietMs <= 0) return state;
  // It has not begun yet: its time to be refused counts from then.
  if (at.inFlight === 0) return {...state, notBeforeMs: at.nowMs};
  return quietMs >= UNHEARD_OF_ONE_MS ? answer(state, at) : state;
}

/** Attempts that may use the provider at a time. */
export function allowance({limit, notBeforeMs, then}: GateState, nowMs: number): number {
  if (nowMs < notBeforeMs) return 0;
  if (then === 'one') return 1;
  return Math.min(limit ?? Number.POSITIVE_INFINITY, released(notBeforeMs, nowMs));
}

/** When the allowance is next a greater one by itself; null: not before something is heard. */
export function nextRelease({limit, notBeforeMs, then}: GateState, nowMs: number, want: number): number | null {
  if (nowMs < notBeforeMs) return notBeforeMs;
  if (then === 'one' || released(notBeforeMs, nowMs) >= Math.min(want, limit ?? want)) return null;
  return nowMs + RELEASE_EVERY_MS;
}

function released(notBeforeMs: number, nowMs: number): number {
  return 1 + Math.floor((nowMs - notBeforeMs) / RELEASE_EVERY_MS);
}

function unlimited(because: Refusal, nowMs: number): GateState {
  return {
    limit: null,
    ceiling: null,
    probeMs: nowMs,
    answered: 0,
    changedMs: nowMs,
    loweredMs: null,
    notBeforeMs: nowMs,
    because,
    then: 'all',
    strikes: 0,
  };
}

/** What is answered during a pause was let through before it. */
function answer(state: GateState, at: Circumstances): GateState {
  const {nowMs} = at;
  if (nowMs < state.notBeforeMs) return state;
  const heard: GateState = {...state, strikes: 0, answered: state.answered + 1};
  if (heard.then === 'one') return {...heard, then: 'all', notBeforeMs: nowMs};
  const isRound = heard.limit !== null && heard.answered >= heard.limit;
  return isRound && isFull(heard, at) ? grow(heard, nowMs) : heard;
}

/** An attempt may have ended between the answer and its being told. */
function isFull({limit}: GateState, {inFlight}: Circumstances): boolean {
  return limit !== null && inFlight + 1 >= limit;
}

function grow(state: GateState, nowMs: number): GateState {
  const {limit, ceiling, probeMs} = state;
  if (limit === null) return state;
  const isProbe = ceiling !== null && limit + 1 >= ceiling;
  if (isProbe && nowMs < probeMs) return state;
  const step = Math.max(1, Math.floor(ceiling === null ? limit / 10 : (ceiling - limit) / 2));
  return {...state, limit: limit + step, ceiling: isProbe ? null : ceiling, answered: 0, changedMs: nowMs};
}

function throttle(state: GateState, {retryAfterMs}: ProviderSignal, at: Circumstances & {random: Random}): GateState {
  const {nowMs, random} = at;
  const isNew = !isEcho(state, at);
  const strikes = isNew ? state.strikes + 1 : Math.max(1, state.strikes);
  const pauseMs = retryAfterMs === null ? backoffMs(strikes, SHORT_PAUSE, random) : retryAfter(retryAfterMs, random);
  if (!isNew) return pause(state, {pauseMs, nowMs, because: 'throttled'});
  const level = levelOf(state, at);
  const hasHeld = state.loweredMs !== null && state.changedMs > state.loweredMs;
  const lowered = lower({...state, strikes}, Math.floor(level * (hasHeld ? STEP_BACK : HALVE)), nowMs);
  const costMs = Math.max(REACTION_MS, pauseMs + level * RELEASE_EVERY_MS);
  const probeMs = nowMs + PROBE_FACTOR * costMs;
  return pause({...lowered, ceiling: level, probeMs}, {pauseMs, nowMs, because: 'throttled'});
}

/** The provider itself is short of capacity: that passes, and says little of what the account may have at a time. */
function overload(state: GateState, {retryAfterMs}: ProviderSignal, at: Circumstances & {random: Random}): GateState {
  const {nowMs, random} = at;
  const isNew = !isEcho(state, at);
  const strikes = isNew ? state.strikes + 1 : Math.max(1, state.strikes);
  const pauseMs = retryAfterMs === null ? backoffMs(strikes, SHORT_PAUSE, random) : retryAfter(retryAfterMs, random);
  const pausing = {pauseMs, nowMs, because: 'overloaded'} as const;
  if (!isNew) return pause(state, pausing);
  return pause(lower({...state, strikes}, Math.floor(levelOf(state, at) * OVERLOADED), nowMs), pausing);
}

/** Closed until the time given. Where none is given, for longer and longer, each time found out by one attempt. */
function exhaust(
  state: GateState,
  {retryAfterMs}: ProviderSignal,
  {nowMs, random}: Circumstances & {readonly random: Random},
): GateState {
  if (retryAfterMs !== null) {
    const notBeforeMs = nowMs + retryAfter(retryAfterMs, random);
    return {...state, because: 'quota', then: 'all', notBeforeMs, strikes: state.strikes + 1};
  }
  if (state.because === 'quota' && nowMs < state.notBeforeMs) return state;
  const strikes = (state.because === 'quota' ? state.strikes : 0) + 1;
  const notBeforeMs = Math.max(state.notBeforeMs, nowMs + backoffMs(strikes, QUOTA_PAUSE, random));
  return {...state, because: 'quota', then: 'one', notBeforeMs, strikes};
}

/** Says nothing new: it belongs to a refusal already heeded, or to attempts that are still beyond the limit. */
function isEcho({limit, loweredMs}: GateState, {nowMs, inFlight}: Circumstances): boolean {
  return (loweredMs !== null && nowMs - loweredMs < REACTION_MS) || (limit !== null && inFlight > limit);
}

function levelOf({limit}: GateState, {inFlight}: Circumstances): number {
  return Math.min(limit ?? Number.POSITIVE_INFINITY, Math.max(1, inFlight));
}

function lower(state: GateState, limit: number, nowMs: number): GateState {
  return {...state, limit: Math.max(1, limit), answered: 0, changedMs: nowMs, loweredMs: nowMs};
}

/** A pause within a longer one changes nothing. */
function pause(
  state: GateState,
  {pauseMs, nowMs, because}: {readonly pauseMs: number; readonly nowMs: number; readonly because: Refusal},
): GateState {
  const notBeforeMs = nowMs + pauseMs;
  return notBeforeMs > state.notBeforeMs ? {...state, notBeforeMs, because} : state;
}

/** As long as the provider asks for and a little more, so that not all its customers are back at the same moment. */
function retryAfter(ms: number, random: Random): number {
  const boundedMs = Math.min(Math.max(0, ms), MAX_PAUSE_MS);
  return boundedMs + random() * Math.min(5000, 100 + boundedMs / 10);
}
