import type {AgentAnomaly} from '../model/agent-view.ts';
import type {AgentId} from '../model/ids.ts';
import type {AgentRecord} from './agent-record.ts';
import {type DecayingMean, meanOf} from './decaying-mean.ts';

/** In what an agent stands out. */
export interface Anomaly extends AgentAnomaly {
  readonly agent: AgentId;
  /** How many typical deviations it is above the median. */
  readonly score: number;
}

export interface Measured {
  readonly id: AgentId;
  readonly record: AgentRecord;
  /** In what it stood out when this was last asked: that is over only when it is well below what is too far. */
  readonly anomalies?: readonly AgentAnomaly[];
}

/** Iglewicz and Hoaglin, "How to Detect and Handle Outliers" (1993): a modified z-score above this is an outlier. */
const TOO_FAR = 3.5;
/** What makes the median absolute deviation comparable to a standard deviation. */
const NORMAL = 0.6745;
/** Fewer say nothing: agents to compare, and outcomes of one agent. */
const LEAST_AGENTS = 5;
const LEAST_OUTCOMES = 5;
/** Of samples of what an attempt uses, so many, less what has faded. */
const LEAST_WEIGHT = 2.5;
/** What stood out stands out until it is below this. */
const FAR = TOO_FAR / 2;

/** Growing or printing by less than this more than others is nothing, in bytes a second. */
const LEAST_GROWTH = 256 * 1024;
const LEAST_OUTPUT = 16 * 1024;

/**
 * Those of a group that stand out from the others, the worst first. Only upwards: to be fast or never to fail is no trouble, and
 * whoever prints nothing at all is judged by its silence.
 */
export function anomaliesOf(agents: readonly Measured[]): readonly Anomaly[] {
  const errors = valuesOf(agents, ({errors: mean, succeeded, failed}) =>
    succeeded + failed < LEAST_OUTCOMES ? null : meanOf(mean),
  );
  const known = new Map(agents.map(({id, anomalies = []}) => [id, new Set(anomalies.map(({what}) => what))]));
  return [
    ...outliers(durations(agents), {what: 'duration', least: median => median * 0.1}),
    ...outliers(errors, {what: 'errors', least: () => 0.05}),
    ...outliers(
      valuesOf(agents, ({growth}) => usually(growth)),
      {what: 'memory', least: () => LEAST_GROWTH},
    ),
    ...outliers(
      valuesOf(agents, ({output}) => usually(output)),
      {what: 'output', least: () => LEAST_OUTPUT},
    ),
  ]
    .filter(({agent, what, score}) => score > TOO_FAR || known.get(agent)?.has(what) === true)
    .sort((a, b) => b.score - a.score);
}

/** Against what such tasks take anybody; as long as that is not known of all, against what the others take. */
function durations(agents: readonly Measured[]): readonly Value[] {
  const experienced = agents.filter(({record}) => record.succeeded >= LEAST_OUTCOMES);
  const ratios = valuesOf(experienced, ({slowness}) => ratioOf(meanOf(slowness)));
  if (ratios.length === experienced.length) return ratios;
  const means = valuesOf(experienced, ({duration}) => meanOf(duration));
  const median = medianOf(means.map(({value}) => value));
  return median > 0 ? means.map(({id, value}) => ({id, value: value / median})) : [];
}

function usually(mean: DecayingMean): number | null {
  return mean.weight < LEAST_WEIGHT ? null : meanOf(mean);
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
    return score > FAR ? [{agent: id, what, value, median, score}] : [];
  });
}

/** Of a list that is not empty. */
function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const high = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? high) + high) / 2;
}
