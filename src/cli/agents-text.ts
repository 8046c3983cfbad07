import {formatDuration} from '../base/duration.ts';
import {oneLine} from '../base/one-line.ts';
import {anomalyText} from '../model/anomaly-text.ts';
import type {AgentView} from '../model/agent-view.ts';
import type {Print} from './print.ts';
import {tableLines} from './summary-text.ts';

const HEAD = [
  'AGENT',
  'GROUP',
  'RUNTIME',
  'STATE',
  'HEALTH',
  'TASK',
  'DONE',
  'FAILED',
  'MEAN',
  'ERRORS',
  'BREAKER',
  'WHY',
];

/** The agents as a table, in the order of their numbers. What is unknown is a dash. */
export function agentTable(agents: readonly AgentView[], print: Print): readonly string[] {
  if (agents.length === 0) return ['It has no agents. What those did that it had: `godel team explain TEAM AGENT`.'];
  return tableLines(HEAD, agents.map(rowOf), print);
}

function rowOf(agent: AgentView): readonly string[] {
  const {
    id,
    group,
    runtime,
    model,
    state,
    health,
    tasks,
    succeeded,
    failed,
    meanMs,
    errorRate,
    breaker,
    why,
    anomalies,
  } = agent;
  return [
    id,
    oneLine(group, 30),
    oneLine(model === null ? runtime : `${runtime}/${model}`, 40),
    state,
    health,
    tasks.length === 0 ? '-' : oneLine(tasks.join(', '), 40),
    String(succeeded),
    String(failed),
    meanMs === null ? '-' : formatDuration(meanMs),
    errorRate === null ? '-' : `${Math.round(100 * errorRate)} %`,
    breaker,
    oneLine([...(why === null ? [] : [why]), ...(anomalies ?? []).map(anomalyText)].join('; '), 200),
  ];
}
