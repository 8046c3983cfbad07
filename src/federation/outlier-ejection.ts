import type {AgentGroup} from '../model/agent.ts';
import {DEFAULT_EJECTION} from '../model/ejection.ts';

export interface EjectionRules {
  /** The share of a team's agents that may be left out at a time, 0 to 1; one always may be, and nobody where it is 0. */
  readonly maxShare: number;
  /** How often all agents are compared, in milliseconds. */
  readonly intervalMs: number;
  /** How unlikely it must be that one of its peers would have failed as often one after the other, > 0; 1: no matter. */
  readonly unlikely: number;
}

export const EJECTION_RULES: EjectionRules = {
  maxShare: DEFAULT_EJECTION.share,
  intervalMs: DEFAULT_EJECTION.intervalMs,
  unlikely: 0.001,
};

/** How many agents may be left out of so many. */
export function mostEjected(agents: number, {maxShare}: EjectionRules): number {
  return maxShare === 0 ? 0 : Math.max(1, Math.floor(agents * maxShare));
}

/**
 * Whether so many failures one after the other, each at another task, set an agent apart. Where most of what anybody does fails,
 * because the plan is broken, they do not.
 */
export function standsOut(
  {streak, peerErrorRate}: {streak: number; peerErrorRate: number},
  {failureThreshold, unlikely}: {failureThreshold: number; unlikely: number},
): boolean {
  return streak >= failureThreshold && peerErrorRate ** streak <= unlikely;
}

/** For each group those whose agents can do whatever its agents can, itself included. */
export function coverOf(groups: readonly AgentGroup[]): readonly (readonly number[])[] {
  return groups.map(group => groups.flatMap((other, index) => (covers(other, group) ? [index] : [])));
}

function covers(other: AgentGroup, group: AgentGroup): boolean {
  if (other === group) return true;
  if (group.runtime !== 'command' && other.runtime !== group.runtime) return false;
  if (other.skills.length === 0) return true;
  return group.skills.length > 0 && group.skills.every(skill => other.skills.includes(skill));
}
