import {formatDuration} from '../base/duration.ts';
import type {AttemptLimits, Vitals} from '../model/health.ts';
import {type Evidence, type Health, HEALTHY, nextHealth} from './health.ts';

/**
 * How long a prompt may give no sign of life where the plan says nothing, by runtime, in milliseconds. Long enough for a model
 * that thinks and for a tool that waits; what computes is not silent. Commands may be silent for as long as their timeout.
 */
const BUDGET_MS: Readonly<Record<string, number>> = {codex: 15 * 60_000, claude: 15 * 60_000};
const PROMPT_BUDGET_MS = 10 * 60_000;

/** Less than this share of a processor is idling: timers, spinners, garbage collection. */
const WORKING_SHARE = 0.05;
/** Processor time is compared over at least this long, and over no longer: hosts look at least every four seconds and tell of changes. */
const MEASURE_MIN_MS = 1000;
const MEASURE_MAX_MS = 4000;
/** From this part of its budget on an attempt is suspect. */
const SUSPECT_SHARE = 0.5;

/** `runtime` is null for a command. Infinity: it may be silent for ever. */
export function silenceBudgetMs(runtime: string | null, limits: AttemptLimits | undefined): number {
  if (limits?.silenceMs !== undefined) return limits.silenceMs;
  return runtime === null ? Number.POSITIVE_INFINITY : (BUDGET_MS[runtime] ?? PROMPT_BUDGET_MS);
}

/** What is known of the life of one attempt. All times are of the attentive clock, see `Attention`. */
export interface Pulse {
  readonly budgetMs: number;
  /** When it last gave a sign of life. */
  readonly lifeMs: number;
  /** What its processor time is compared with; null: nothing has been heard of it yet, or it is not known. */
  readonly cpu: {readonly ms: number; readonly atMs: number} | null;
  /** Null: nothing has been heard. 0: it has none, yet or any more, and what is done for it its host does. */
  readonly processes: number | null;
  /** One of them computes or waits for a disk just now: no silence is held against it until that is over. */
  readonly isRunning: boolean;
  /** Since when it is paused, or its host is not heard: that time does not count. */
  readonly frozenSinceMs: number | null;
  readonly health: Health;
}

export function newPulse(budgetMs: number, nowMs: number): Pulse {
  return {budgetMs, lifeMs: nowMs, cpu: null, processes: null, isRunning: false, frozenSinceMs: null, health: HEALTHY};
}

/** How long it has given no sign of life. */
export function silentMs({lifeMs, frozenSinceMs}: Pulse, nowMs: number): number {
  return Math.max(0, (frozenSinceMs ?? nowMs) - lifeMs);
}

/** What its host says of it. Output, activity and processor time are life; the latest sign counts, whatever is said later. */
export function noteVitals(pulse: Pulse, vitals: Vitals, nowMs: number): Pulse {
  const {cpu, isWorking} = compareCpu(pulse.cpu, vitals.cpuMs, nowMs);
  // What nobody has heard of so far (its daemon is new) gets the time to speak up before it is judged.
  const believedMs = pulse.processes === null ? Math.min(vitals.silentMs, pulse.budgetMs / 2) : vitals.silentMs;
  const saidMs = nowMs - believedMs;
  const lifeMs = isWorking ? nowMs : Math.max(pulse.lifeMs, saidMs);
  const isRunning = vitals.state === 'running';
  const known = {
    ...pulse,
    cpu,
    processes: vitals.processes,
    isRunning,
    lifeMs: pulse.processes === null ? saidMs : lifeMs,
  };
  return lifeMs > pulse.lifeMs ? {...known, health: nextHealth(pulse.health, {kind: 'life'}, nowMs)} : known;
}

function compareCpu(
  before: Pulse['cpu'],
  cpuMs: number | null,
  nowMs: number,
): {cpu: Pulse['cpu']; isWorking: boolean} {
  if (cpuMs === null) return {cpu: before, isWorking: false};
  const mark = {ms: cpuMs, atMs: nowMs};
  // Less than before: a process that had used it is gone and no longer counted.
  if (before === null || cpuMs < before.ms) return {cpu: mark, isWorking: false};
  const elapsedMs = Math.min(MEASURE_MAX_MS, nowMs - before.atMs);
  const isWorking = cpuMs - before.ms >= WORKING_SHARE * Math.max(MEASURE_MIN_MS, elapsedMs);
  return {cpu: isWorking || elapsedMs >= MEASURE_MIN_MS ? mark : before, isWorking};
}

/** From now on its silence does not count. */
export function freeze(pulse: Pulse, nowMs: number): Pulse {
  return pulse.frozenSinceMs === null ? {...pulse, frozenSinceMs: nowMs} : pulse;
}

/** Its silence goes on where it was. */
export function thaw(pulse: Pulse, nowMs: number): Pulse {
  const {frozenSinceMs} = pulse;
  if (frozenSinceMs === null) return pulse;
  return {...pulse, frozenSinceMs: null, lifeMs: Math.min(nowMs, pulse.lifeMs + nowMs - frozenSinceMs), cpu: null};
}

/** What its silence says now; null: nothing. Its budget is what confirms: its host is heard and says nothing of it. */
export function judgeSilence(pulse: Pulse, nowMs: number): Evidence | null {
  if (!canBeJudged(pulse)) return null;
  const silence = silentMs(pulse, nowMs);
  if (nowMs < pulse.lifeMs + pulse.budgetMs * SUSPECT_SHARE) return null;
  const why = `it has given no sign of life for ${formatDuration(silence)}`;
  return {kind: nowMs >= pulse.lifeMs + pulse.budgetMs ? 'confirmed' : 'quiet', why};
}

/** When its silence will say something new (attentive clock) if nothing is heard; Infinity: never. */
export function nextSilenceMs(pulse: Pulse): number {
  const {name} = pulse.health;
  if (!canBeJudged(pulse) || name === 'unhealthy' || name === 'dead') return Number.POSITIVE_INFINITY;
  return pulse.lifeMs + pulse.budgetMs * (pulse.health.name === 'healthy' ? SUSPECT_SHARE : 1);
}

function canBeJudged({processes, isRunning, frozenSinceMs}: Pulse): boolean {
  return processes !== null && processes > 0 && !isRunning && frozenSinceMs === null;
}
