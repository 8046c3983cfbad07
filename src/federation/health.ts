import {never} from '../base/never.ts';
import type {HealthState} from '../model/health.ts';

/** How something is, host or attempt; see `HealthState` for the diagram. `sinceMs` is of the clock that `nextHealth` is given. */
export type Health =
  | {readonly name: 'healthy'}
  | {readonly name: 'suspect' | 'unhealthy' | 'dead'; readonly sinceMs: number; readonly why: string};

/**
 * What has been learned of it. life: it has done something. quiet: it is silent for longer than is likely. confirmed: and
 * something besides the silence says that it does not work. gone: for certain. `why` follows "because".
 */
export type Evidence = {readonly kind: 'life'} | {readonly kind: 'quiet' | 'confirmed' | 'gone'; readonly why: string};

export const HEALTHY: Health = {name: 'healthy'};

/** The one transition: silence alone makes suspect and no more, each step needs evidence of its own, and dead is for good. */
export function nextHealth(health: Health, evidence: Evidence, nowMs: number): Health {
  if (health.name === 'dead') return health;
  switch (evidence.kind) {
    case 'life':
      return HEALTHY;
    case 'quiet':
      return health.name === 'healthy' ? {name: 'suspect', sinceMs: nowMs, why: evidence.why} : health;
    case 'confirmed':
      if (health.name === 'unhealthy') return health;
      return {name: health.name === 'healthy' ? 'suspect' : 'unhealthy', sinceMs: nowMs, why: evidence.why};
    case 'gone':
      return {name: 'dead', sinceMs: nowMs, why: evidence.why};
    default:
      return never(evidence);
  }
}

const ORDER: readonly HealthState[] = ['healthy', 'suspect', 'unhealthy', 'dead'];

/** An agent is as well as the worst of what it depends on. */
export function worse(one: HealthState, other: HealthState): HealthState {
  return ORDER.indexOf(one) >= ORDER.indexOf(other) ? one : other;
}
