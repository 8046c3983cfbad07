import {DEFAULT_AUTOSCALE} from '../../src/model/autoscale.ts';
import {type Dag, drawnDags, readDags} from './dags.ts';
import {runScaled, type ScaledRun} from './scaled-run.ts';
import type {Bench, BenchRow} from './table.ts';

const STATIC = 50;
const MOST_MAKESPAN = 1.05;
const MOST_AGENT_TIME = 0.6;

/**
 * A team of 1 to 50 agents that scales itself against 50 that are there all the time: the same plan, order and decisions under
 * virtual time. With `GODEL_DAGS` the plans are recorded workflows from that folder, otherwise they are drawn.
 */
export const scalingBench: Bench = {
  name: 'scaling',
  title: 'Auto-scaling, 1 to 50 agents against 50 throughout, simulated',
  run: () => {
    const folder = process.env.GODEL_DAGS;
    const dags = folder === undefined ? drawnDags() : readDags(folder);
    const compared = dags.map(dag => {
      const fixed = runScaled(dag, null, STATIC);
      const scaled = runScaled(dag, DEFAULT_AUTOSCALE);
      return {dag, fixed, scaled};
    });
    const makespan = geometricMean(compared.map(one => one.scaled.makespanMs / one.fixed.makespanMs));
    const agentTime = geometricMean(compared.map(one => one.scaled.agentMs / one.fixed.agentMs));
    const rows = compared.flatMap(one => rowsOf(one));
    return Promise.resolve([
      ...rows,
      row({what: '**all, geometric mean**: time', ratio: makespan, most: MOST_MAKESPAN}),
      row({what: '**all, geometric mean**: agent time', ratio: agentTime, most: MOST_AGENT_TIME}),
    ]);
  },
};

function rowsOf({dag, fixed, scaled}: {dag: Dag; fixed: ScaledRun; scaled: ScaledRun}): readonly BenchRow[] {
  const what = `${dag.name} (${dag.tasks.length.toLocaleString('en')} tasks)`;
  return [
    {
      what: `${what}: time`,
      ours: `${seconds(scaled.makespanMs)}, at most ${scaled.most} agents`,
      anchor: seconds(fixed.makespanMs),
      ratio: times(scaled.makespanMs / fixed.makespanMs),
      target: '–',
      met: null,
    },
    {
      what: `${what}: agent time`,
      ours: `${seconds(scaled.agentMs)}, ${scaled.decisions} decisions`,
      anchor: seconds(fixed.agentMs),
      ratio: times(scaled.agentMs / fixed.agentMs),
      target: '–',
      met: null,
    },
  ];
}

function row({what, ratio, most}: {what: string; ratio: number; most: number}): BenchRow {
  return {what, ours: '–', anchor: '–', ratio: times(ratio), target: `≤ ${most}×`, met: ratio <= most};
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000).toLocaleString('en')} s`;
}

function times(ratio: number): string {
  return `${ratio.toFixed(3)}×`;
}

function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}
