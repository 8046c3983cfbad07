import type {AgentGroup} from '../model/agent.ts';
import {HOUR_MS} from './spend-rate.ts';

/** The agents of a group that are there. */
export interface Staff {
  readonly group: Pick<AgentGroup, 'costPerHour'>;
  readonly agents: number;
}

export interface CostRequest {
  readonly staff: readonly Staff[];
  /** The groups that more agents would be of; absent or empty: any of the staff's. */
  readonly next?: readonly Pick<AgentGroup, 'costPerHour'>[];
  /** Attempts that run. */
  readonly running: number;
  /** What attempts use, in USD an hour; null: nobody knows. */
  readonly metered: number | null;
}

/** What agents cost an hour, by the prices that are known. Null: none of them is, which is not the same as nothing. */
export interface HourlyCost {
  readonly usdPerHour: number | null;
  /** What one more agent adds to that, with its share of what attempts use: of the dearest group that would grow. */
  readonly usdPerAgentHour: number | null;
}

/** Time of agents at the price of their group, and what attempts use on top of that. */
export function hourlyCost({staff, next = [], running, metered}: CostRequest): HourlyCost {
  const priced = staff.filter(({group}) => group.costPerHour !== null);
  if (priced.length === 0 && metered === null) return {usdPerHour: null, usdPerAgentHour: null};
  const time = priced.reduce((sum, {group, agents}) => sum + (group.costPerHour ?? 0) * agents, 0);
  const growing = next.length > 0 ? next : priced.map(({group}) => group);
  const dearest = Math.max(0, ...growing.map(({costPerHour}) => costPerHour ?? 0));
  const used = metered ?? 0;
  return {usdPerHour: time + used, usdPerAgentHour: dearest + used / Math.max(1, running)};
}

/** What so much time of an agent costs. */
export function agentTimeUsd({agentMs, usdPerHour}: {agentMs: number; usdPerHour: number}): number {
  return (agentMs / HOUR_MS) * usdPerHour;
}
