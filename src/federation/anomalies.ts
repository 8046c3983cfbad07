import type {AgentId} from '../model/ids.ts';
import type {AgentRecord} from './agent-record.ts';
import {meanOf} from './decaying-mean.ts';

/** An agent that is much slower, or fails much more often, than the others. */
export interface Anomaly {
  readonly agent: AgentId;
  readonly what: 'duration' | 'errors';
  readonly value: number;
  /** Of all that were compared. */
  readonly median: number;
  /** How many typical deviations it is above that. */
  readonly score: number;
}

export interface Measured {
  readonly id: AgentId;
  readonly record: AgentRecord;
}

/** Iglewicz and Hoaglin, "How to Detect and Handle Outliers" (1993): a modified z-score above this is an outlier. */
const TOO_FAR = 3.5;
/** What makes the median absolute deviation comparable to a standard deviation. */
const NORMAL = 0.6745;
/** Fewer say nothing: agents to compare, and outcomes of one agent. */
const LEAST_AGENTS = 5;
const LEAST_OUTCOMES = 5;

/** Those that stand out from their peers, the worst first. Only upwards: to be fast or never to fail is no trouble. */
export function anomaliesOf(agents: readonly Measured[]): readonly Anomaly[] {
  const durations = valuesOf(agents, ({slowness, duration, succeeded}) =>
    succeeded < LEAST_OUTCOMES ? null : (ratioOf(meanOf(slowness)) ?? meanOf(duration)),
  );
  const errors = valuesOf(agents, ({errors: mean, succeeded, failed}) =>
    succeeded + failed < LEAST_OUTCOMES ? null : meanOf(mean),
  );
  return [
    ...outliers(durations, {what: 'duration', least: median => median * 0.1}),
    ...outliers(errors, {what: 'errors', least: () => 0.05}),
  ].sort((a, b) => b.score - a.score);
}

function ratioOf(logarithm: number | null): number | null {
  return logarithm === null ? null : Math.exp(logarithm);
}

interface Value {
  readonly id: AgentId;
  readonly value: number;
}

function valuesOf(agents: readonly Measured[], read: (record: AgentRecord) => number | null): readonly Value[] {
  return agents.flatMap(({id, record}) => {
    const value = read(record);
    return value === null ? [] : [{id, value}];
  });
}

/** `least`: the deviation that counts as typical even where all are nearly the same. */
function outliers(
  values: readonly Value[],
  {what, least}: {what: Anomaly['what']; least: (median: number) => number},
): Anomaly[] {
  if (values.length < LEAST_AGENTS) return [];
  const median = medianOf(values.map(({value}) => value));
  const deviation = Math.max(medianOf(values.map(({value}) => Math.abs(value - median))), least(median));
  if (deviation <= 0) return [];
  return values.flatMap(({id, value}) => {
    const score = (NORMAL * (value - median)) / deviation;
    return score > TOO_FAR ? [{agent: id, what, value, median, score}] : [];
  });
}

/** Of a list that is not empty. */
function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const high = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? high) + high) / 2;
}
