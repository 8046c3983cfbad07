import {type Decay, type DecayingMean, meanOf, measured, NOTHING_MEASURED} from './decaying-mean.ts';
import {observePeak, type Peak} from './peak.ts';

/**
 * What has been learned of an agent, or of what a runtime and model can do with a skill, from how attempts ended. Only times of
 * successes are means: whoever fails at once is not fast.
 */
export interface AgentRecord {
  readonly succeeded: number;
  readonly failed: number;
  /** Of successes, in milliseconds. */
  readonly duration: DecayingMean;
  /** Of successes: the logarithm of how long they took against what such tasks take anybody; 0: as long. */
  readonly slowness: DecayingMean;
  /** 1 for what failed, 0 for what succeeded. */
  readonly errors: DecayingMean;
  /** Likewise, but only of failures that are the agent's own; half a failure for one of which that is not known. */
  readonly faults: DecayingMean;
  /** What an attempt has cost, where that is known, in USD. */
  readonly usd: DecayingMean;
  /** How fast its attempts grow, and how much they print, in bytes a second. */
  readonly growth: DecayingMean;
  readonly output: DecayingMean;
  /** Of all that ended, for `peak-ewma`; null: nothing has. */
  readonly peak: Peak | null;
}

export const NOTHING_KNOWN: AgentRecord = {
  succeeded: 0,
  failed: 0,
  duration: NOTHING_MEASURED,
  slowness: NOTHING_MEASURED,
  errors: NOTHING_MEASURED,
  faults: NOTHING_MEASURED,
  usd: NOTHING_MEASURED,
  growth: NOTHING_MEASURED,
  output: NOTHING_MEASURED,
  peak: null,
};

/** How an attempt ended, as far as it says something of its agent. */
export interface Outcome {
  readonly ok: boolean;
  readonly durationMs: number;
  /** What such a task takes anybody; null: unknown. */
  readonly usualMs: number | null;
  /** Null: unknown. */
  readonly usd: number | null;
}

/** After ten minutes, or some twenty attempts more, what an agent has done counts half. */
export const DECAY: Decay = {halfLifeMs: 600_000, keep: 0.97};

/** What an attempt uses is looked at often, and says little of the next one. */
const USE_DECAY: Decay = {halfLifeMs: 60_000, keep: 0.9};

/** A single attempt, however odd, does not count as more than this many times slower or faster than usual. */
const MOST = 20;

export function noteOutcome(record: AgentRecord, outcome: Outcome, nowMs: number): AgentRecord {
  const {ok, durationMs, usualMs, usd} = outcome;
  const at = {nowMs, decay: DECAY};
  const changed = {
    ...record,
    errors: measured(record.errors, ok ? 0 : 1, at),
    usd: usd === null ? record.usd : measured(record.usd, usd, at),
    peak: observePeak(record.peak, ok ? durationMs : failurePeakMs(record, outcome), nowMs),
  };
  if (!ok) return {...changed, failed: record.failed + 1};
  return {
    ...changed,
    succeeded: record.succeeded + 1,
    duration: measured(record.duration, durationMs, at),
    slowness: usualMs === null ? record.slowness : measured(record.slowness, logRatio(durationMs, usualMs), at),
    faults: measured(record.faults, 0, at),
  };
}

/** A failure that is the agent's (1), or may be (a half). */
export function noteFault(record: AgentRecord, share: 0.5 | 1, nowMs: number): AgentRecord {
  return {...record, faults: measured(record.faults, share, {nowMs, decay: DECAY})};
}

/** What its attempts use while they run. */
export interface Use {
  /** In bytes a second; null: unknown. */
  readonly growth: number | null;
  readonly output: number;
}

export function noteUse(record: AgentRecord, {growth, output}: Use, nowMs: number): AgentRecord {
  const at = {nowMs, decay: USE_DECAY};
  return {
    ...record,
    growth: growth === null ? record.growth : measured(record.growth, growth, at),
    output: measured(record.output, output, at),
  };
}

function logRatio(durationMs: number, usualMs: number): number {
  const ratio = Math.max(durationMs, 1) / Math.max(usualMs, 1);
  return Math.log(Math.min(Math.max(ratio, 1 / MOST), MOST));
}

/** To a latency that only counts time, failing at once would be the best: a failure counts as much more than is usual. */
function failurePeakMs({duration}: AgentRecord, {durationMs, usualMs}: Outcome): number {
  return Math.max(durationMs, 10 * (meanOf(duration) ?? usualMs ?? 0));
}
