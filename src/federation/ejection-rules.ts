import type {Ejection} from '../model/ejection.ts';
import {BREAKER_RULES, type BreakerRules} from './circuit-breaker.ts';
import {EJECTION_RULES, type EjectionRules} from './outlier-ejection.ts';

export interface SelectionRules {
  readonly breaker: BreakerRules;
  readonly ejection: EjectionRules;
}

/** What a team's choice means for the breakers of its agents and for how many of them are left out. */
export function rulesOf({failures, timeMs, share, intervalMs}: Ejection): SelectionRules {
  const minOutcomes = Math.max(BREAKER_RULES.minOutcomes, 2 * failures);
  return {
    breaker: {...BREAKER_RULES, failureThreshold: failures, minOutcomes, openMs: timeMs},
    ejection: {...EJECTION_RULES, maxShare: share, intervalMs},
  };
}
