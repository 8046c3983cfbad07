import type {Autoscale, GrowthLimit, ScaleDecision, ScaleInputs} from '../model/autoscale.ts';
import {type Demand, firstAbove, peakUntil} from './demand-forecast.ts';

/** What the decision is made from: what is recorded of it, and what is too much for that. */
export interface ScaleSignals extends ScaleInputs {
  readonly slotsPerAgent: number;
  /** Kinds of queued tasks that nobody who is there can do. */
  readonly unmanned?: number;
  /** For how long each idle agent has been idle, the longest first, in milliseconds. */
  readonly idleMs: readonly number[];
  /** The width may turn out to be larger than is known. */
  readonly widthMayGrow: boolean;
  /** What is expected of the near future; empty: nothing. */
  readonly demands: readonly Demand[];
  /** More than this cannot run at a time, whatever the agents: the machine or an account allows no more. */
  readonly mostSlots: number;
  /** What one more agent costs an hour, with what it will use; null: unknown. */
  readonly usdPerAgentHour: number | null;
}

/** What it remembers from one decision to the next. */
export interface ScalerState {
  /** Agents that may be started just now: a bucket that fills up again with time. */
  readonly tokens: number;
  readonly tokensAtMs: number;
  /** How many agents were wanted within the window, the newer the fewer. */
  readonly wanted: readonly {readonly atMs: number; readonly agents: number}[];
  readonly burstUntilMs: number;
  readonly grewAtMs: number;
  readonly shrankAtMs: number;
}

export interface Scaling {
  readonly state: ScalerState;
  readonly decision: ScaleDecision | null;
  /** When it should be asked again although nothing else has happened, as `now`; null: not before something has. */
  readonly againAtMs: number | null;
  /** What keeps it from growing though tasks wait; null: nothing, or it is growing. */
  readonly heldBy: GrowthLimit | null;
}

type Decided = Omit<Scaling, 'heldBy'>;

/** What starting an agent takes, with room: what is needed by then is started now. */
export const LEAD_MS = 750;
/** An idle agent that is foreseen to be at work again within this time stays. */
export const HOLD_MS = 4_000;
/** How far the forecast has to look. */
export const LOOK_AHEAD_MS = 10_000;
/** Work of less than this for an agent is not worth starting it: it would be done before it is there. */
const WORTH_MS = 500;
/** Shrinking looks at the most that was wanted within this time: what comes and goes does not shake the team. */
const WINDOW_MS = 5_000;
/** After growing nothing shrinks for this time, and between two steps down it passes too. */
const COOL_DOWN_MS = 2_000;
/** Agents that are of no more use go in steps this far apart, instead of one after the other as tasks end. */
const SETTLE_MS = 1_000;
/** A queue that wants twice the agents is a burst: nothing shrinks on the strength of a lull within this time. */
const BURST_FACTOR = 2;
const BURST_MS = 3_000;
/** Shrinking by less than this part is left alone. */
const TOLERANCE = 0.1;
/** One step down takes at most this part of the agents, or one. */
const STEP_DOWN = 0.5;
/** However short the queue: whoever has waited this long is worth an agent. */
const PATIENCE_MS = 30_000;
const SPAWN_AT_ONCE = 50;
const SPAWN_PER_SECOND = 25;

const NEVER = Number.NEGATIVE_INFINITY;

export const FIRST_STATE: ScalerState = {
  tokens: SPAWN_AT_ONCE,
  tokensAtMs: NEVER,
  wanted: [],
  burstUntilMs: NEVER,
  grewAtMs: NEVER,
  shrankAtMs: NEVER,
};

/**
 * How many agents a team should have from now on. It grows at once, never beyond what the rest of the plan can use, and
 * shrinks late, by idle agents only; `to` is never outside of min and max. `nowMs` is monotonic.
 */
export function decideScale(settings: Autoscale, before: ScalerState, signals: ScaleSignals, nowMs: number): Scaling {
  const {agents} = signals;
  const needs = needsOf(settings, signals, nowMs);
  const state = remember(refill(before, nowMs), needs.toKeep, nowMs);
  const heldBy = growthLimit(settings, signals, needs);
  const inLimits = clamp(agents, settings);
  if (inLimits !== agents) return {...decided(state, signals, {to: inLimits, why: 'limits'}, nowMs), heldBy};
  const scaling =
    needs.toStart > agents ? grow(state, signals, needs, nowMs) : shrink({settings, state, signals, needs, nowMs});
  return {...scaling, heldBy};
}

/** Of what holds, what somebody can change comes first. */
function growthLimit(settings: Autoscale, signals: ScaleSignals, needs: Needs): GrowthLimit | null {
  const {agents, queued, mostSlots, slotsPerAgent, unmanned = 0} = signals;
  if (queued === 0 || needs.toStart > agents) return null;
  if (agents >= settings.max) return 'max';
  if (needs.affordable <= agents) return 'cost';
  if (!isWorthwhile(settings, signals) && unmanned === 0) return 'threshold';
  return Math.ceil(mostSlots / slotsPerAgent) <= agents ? 'machine' : null;
}

interface Needs {
  /** Agents worth having now or as soon as one could be there. */
  readonly toStart: number;
  /** Agents that are not idle, or will soon not be. */
  readonly toKeep: number;
  readonly affordable: number;
  /** Of more than this the rest of the plan has no use. */
  readonly usable: number;
  /** It is not the queue but what the plan says will come. */
  readonly isForeseen: boolean;
}

function needsOf(settings: Autoscale, signals: ScaleSignals, nowMs: number): Needs {
  const {agents, busySlots, slots, queued, width, mostSlots, slotsPerAgent, demands, unmanned = 0} = signals;
  const agentsFor = (count: number) => Math.ceil(count / slotsPerAgent);
  const affordable = affordableAgents(settings, signals);
  const usable = agentsFor(width);
  const most = Math.min(settings.max, affordable, usable, agentsFor(mostSlots));
  const now = demands[0]?.slots ?? 0;
  const soon = peakUntil(demands, nowMs + LEAD_MS);
  const foreseen = soon > now && soon - slots > settings.scaleUpThreshold ? soon : 0;
  const queue = isWorthwhile(settings, signals) ? busySlots + worthOfQueue(signals) : 0;
  // Free slots are of no use to those: each kind needs somebody more, and idle agents make room for that.
  const newcomers = unmanned === 0 ? 0 : Math.min(settings.max, affordable, agents + unmanned);
  const held = Math.max(busySlots + Math.max(0, queued - unmanned), peakUntil(demands, nowMs + HOLD_MS));
  return {
    toStart: Math.max(settings.min, newcomers, Math.min(most, agentsFor(Math.max(queue, foreseen)))),
    toKeep: Math.max(settings.min, Math.min(most, agentsFor(held))),
    affordable,
    usable,
    isForeseen: foreseen > queue,
  };
}

function isWorthwhile({scaleUpThreshold}: Autoscale, {queued, agents, waitP90Ms}: ScaleSignals): boolean {
  return queued > 0 && (queued > scaleUpThreshold || agents === 0 || waitP90Ms >= PATIENCE_MS);
}

function worthOfQueue({queued, queuedWorkMs}: ScaleSignals): number {
  return queuedWorkMs === null ? queued : Math.min(queued, Math.max(1, Math.ceil(queuedWorkMs / WORTH_MS)));
}

/** Agents that the limit in USD an hour allows; what nobody knows the price of does not count. */
function affordableAgents({maxCostPerHour}: Autoscale, {agents, usdPerHour, usdPerAgentHour}: ScaleSignals): number {
  if (maxCostPerHour === null || usdPerHour === null) return Number.POSITIVE_INFINITY;
  const left = maxCostPerHour - usdPerHour;
  if (usdPerAgentHour === null || usdPerAgentHour <= 0) return left >= 0 ? Number.POSITIVE_INFINITY : agents;
  // A limit of ten times the price pays for ten: what is lost in adding up such numbers does not take one away.
  return Math.max(0, agents + Math.floor(left / usdPerAgentHour + 1e-9));
}

function grow(before: ScalerState, signals: ScaleSignals, needs: Needs, nowMs: number): Decided {
  const {agents} = signals;
  const isBurst = needs.toStart >= BURST_FACTOR * Math.max(1, agents) && !needs.isForeseen;
  const state = isBurst ? {...before, burstUntilMs: nowMs + BURST_MS} : before;
  const started = Math.min(needs.toStart - agents, Math.floor(state.tokens));
  if (started === 0) return {state, decision: null, againAtMs: whenOneMore(state, nowMs)};
  const to = agents + started;
  const why = needs.isForeseen ? 'width' : isBurst ? 'burst' : 'queue';
  const scaling = decided(state, signals, {to, why}, nowMs);
  return to < needs.toStart ? {...scaling, againAtMs: whenOneMore(scaling.state, nowMs)} : scaling;
}

interface Shrinking {
  readonly settings: Autoscale;
  readonly state: ScalerState;
  readonly signals: ScaleSignals;
  readonly needs: Needs;
  readonly nowMs: number;
}

/** Only idle agents go. What is beyond the limit of cost, or can never be of use again, does not wait. */
function shrink(shrinking: Shrinking): Decided {
  const {settings, state, signals, needs, nowMs} = shrinking;
  const {agents, idleMs, width, widthMayGrow} = signals;
  const least = Math.max(settings.min, agents - idleMs.length);
  const paid = Math.max(least, needs.affordable);
  if (paid < agents) return decided(state, signals, {to: paid, why: 'cost'}, nowMs);
  const useful = Math.max(least, needs.usable);
  const isUseless = useful < agents && width > 0 && !widthMayGrow;
  if (isUseless && nowMs >= state.shrankAtMs + SETTLE_MS) {
    return decided(state, signals, {to: useful, why: 'width'}, nowMs);
  }
  const to = Math.max(least, shrunk(shrinking));
  if (to < agents) return decided(state, signals, {to, why: 'idle'}, nowMs);
  return {state, decision: null, againAtMs: nextLook(shrinking)};
}

function shrunk({settings, state, signals, needs, nowMs}: Shrinking): number {
  const {agents, busySlots, slots, idleMs} = signals;
  if (nowMs < quietFromMs(state)) return agents;
  const most = Math.max(1, Math.floor(agents * STEP_DOWN));
  const tooLong = idleMs.filter(ms => ms >= settings.idleMs).length;
  const byIdleness = Math.max(needs.toKeep, agents - tooLong);
  if (byIdleness < agents) return Math.max(byIdleness, agents - most);
  const wanted = Math.max(...state.wanted.map(one => one.agents));
  const isSlack = slots > 0 && busySlots < slots * settings.scaleDownThreshold;
  return isSlack && wanted < agents * (1 - TOLERANCE) ? Math.max(wanted, agents - most) : agents;
}

/** Until then nothing is idle for long enough to count. */
function quietFromMs({grewAtMs, shrankAtMs, burstUntilMs}: ScalerState): number {
  return Math.max(grewAtMs + COOL_DOWN_MS, shrankAtMs + COOL_DOWN_MS, burstUntilMs);
}

/** When time alone could change the answer: an agent is idle for too long, the window ends, or what is foreseen comes near. */
function nextLook({settings, state, signals, nowMs}: Shrinking): number | null {
  const {agents, idleMs, slots, width, demands} = signals;
  const times: number[] = [];
  const comes = firstAbove(demands, Math.max(slots, demands[0]?.slots ?? 0));
  const isRunning = (demands[0]?.slots ?? 0) > 0;
  if (comes !== null && agents < settings.max) times.push(comes - LEAD_MS);
  else if (isRunning && agents < settings.max && agents < width) times.push(nowMs + LOOK_AHEAD_MS / 2);
  if (agents > settings.min && idleMs.length > 0) {
    times.push(quietFromMs(state), state.shrankAtMs + SETTLE_MS);
    for (const {atMs} of state.wanted.slice(0, -1)) times.push(atMs + WINDOW_MS);
    const next = idleMs.find(ms => ms < settings.idleMs);
    if (next !== undefined) times.push(nowMs + settings.idleMs - next);
  }
  const later = times.filter(time => time > nowMs);
  return later.length === 0 ? null : Math.min(...later);
}

function decided(
  before: ScalerState,
  signals: ScaleSignals,
  {to, why}: {to: number; why: ScaleDecision['why']},
  nowMs: number,
): Decided {
  const {agents} = signals;
  const state =
    to > agents
      ? {...before, tokens: Math.max(0, before.tokens - (to - agents)), grewAtMs: nowMs}
      : {...before, shrankAtMs: nowMs};
  return {state, decision: {from: agents, to, why, inputs: inputsOf(signals, nowMs)}, againAtMs: nowMs + COOL_DOWN_MS};
}

function inputsOf(signals: ScaleSignals, nowMs: number): ScaleInputs {
  const {agents, busySlots, slots, queued, queuedWorkMs, waitP90Ms, width, usdPerHour, demands} = signals;
  const soon = peakUntil(demands, nowMs + LEAD_MS);
  const inputs = {agents, busySlots, slots, queued, queuedWorkMs, waitP90Ms, width, usdPerHour};
  return demands.length === 0 ? inputs : {...inputs, soon};
}

function refill(state: ScalerState, nowMs: number): ScalerState {
  const passedMs = Math.max(0, nowMs - state.tokensAtMs);
  const tokens = Math.min(SPAWN_AT_ONCE, state.tokens + (passedMs * SPAWN_PER_SECOND) / 1000);
  return {...state, tokens, tokensAtMs: nowMs};
}

function whenOneMore({tokens}: ScalerState, nowMs: number): number {
  return nowMs + Math.max(1, Math.ceil(((1 - (tokens % 1)) * 1000) / SPAWN_PER_SECOND));
}

/** What was wanted before counts as long as it is in the window and nothing newer is more. */
function remember(state: ScalerState, agents: number, nowMs: number): ScalerState {
  const kept = state.wanted.filter(one => one.atMs > nowMs - WINDOW_MS && one.agents > agents);
  return {...state, wanted: [...kept, {atMs: nowMs, agents}]};
}

function clamp(agents: number, {min, max}: Autoscale): number {
  return Math.min(max, Math.max(min, agents));
}

export interface AutoScalerOptions {
  /** A whole number ≥ 0; default 2. */
  readonly minAgents?: number;
  /** A whole number ≥ max(1, minAgents); default 50. */
  readonly maxAgents?: number;
  /** It grows when more tasks than this are queued, ≥ 0; default 10. */
  readonly scaleUpThreshold?: number;
  /** It shrinks below this utilisation, 0 to 1; default 0.2. */
  readonly scaleDownThreshold?: number;
  /** In USD, ≥ 0; null, which is the default: no limit. */
  readonly maxCostPerHour?: number | null;
  /** Milliseconds, > 0; default 30,000. */
  readonly idleMs?: number;
}

/** `decideScale` for one pool, with its memory. */
export class AutoScaler {
  readonly settings: Autoscale;
  #state = FIRST_STATE;

  /** Throws a RangeError that names what is out of its range. */
  constructor({
    minAgents = 2,
    maxAgents = 50,
    scaleUpThreshold = 10,
    scaleDownThreshold = 0.2,
    maxCostPerHour = null,
    idleMs = 30_000,
  }: AutoScalerOptions = {}) {
    expectIn('minAgents', minAgents, Number.isInteger(minAgents) && minAgents >= 0, 'a whole number of at least 0');
    const least = Math.max(1, minAgents);
    expectIn('maxAgents', maxAgents, Number.isInteger(maxAgents) && maxAgents >= least, `a whole number from ${least}`);
    expectIn('scaleUpThreshold', scaleUpThreshold, scaleUpThreshold >= 0, 'a number of tasks of at least 0');
    expectIn('scaleDownThreshold', scaleDownThreshold, scaleDownThreshold >= 0 && scaleDownThreshold <= 1, '0 to 1');
    expectIn('maxCostPerHour', maxCostPerHour, maxCostPerHour === null || maxCostPerHour >= 0, 'USD from 0, or null');
    expectIn('idleMs', idleMs, idleMs > 0, 'milliseconds above 0');
    this.settings = {min: minAgents, max: maxAgents, scaleUpThreshold, scaleDownThreshold, maxCostPerHour, idleMs};
  }

  /** What to do now; the caller does it. */
  decide(signals: ScaleSignals, nowMs: number): Omit<Scaling, 'state'> {
    const {state, ...scaling} = decideScale(this.settings, this.#state, signals, nowMs);
    this.#state = state;
    return scaling;
  }
}

function expectIn(name: string, value: unknown, holds: boolean, range: string): void {
  if (!holds) throw new RangeError(`${name} is ${String(value)}, but must be ${range}`);
}
