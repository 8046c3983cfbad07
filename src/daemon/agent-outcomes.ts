import {faultOf} from '../federation/agent-verdict.ts';
import type {Recorded} from '../federation/agent-views.ts';
import type {AgentId} from '../model/ids.ts';
import type {AttemptRow} from '../model/row.ts';

/** So much of what was known before counts less with each attempt. */
const WEIGHT = 0.1;

/** How the attempts of each agent have ended, as recorded: what is shown where nothing better was learned. */
export function agentOutcomes(attempts: readonly AttemptRow[]): ReadonlyMap<AgentId, Recorded> {
  const facts = new Map<AgentId, Recorded>();
  for (const {agentId, outcome} of attempts) {
    // It runs, or it was lost with its host: that says nothing of the agent.
    if (outcome === null || (!outcome.result.ok && faultOf(outcome.result.failure) === 'none')) continue;
    const {succeeded, failed, meanMs, errorRate} = facts.get(agentId) ?? NOTHING;
    const isGood = outcome.result.ok;
    facts.set(agentId, {
      succeeded: succeeded + (isGood ? 1 : 0),
      failed: failed + (isGood ? 0 : 1),
      meanMs: isGood ? blended(meanMs, outcome.durationMs) : meanMs,
      errorRate: blended(errorRate, isGood ? 0 : 1),
    });
  }
  return facts;
}

const NOTHING = {succeeded: 0, failed: 0, meanMs: null, errorRate: null};

function blended(before: number | null, value: number): number {
  return before === null ? value : before + WEIGHT * (value - before);
}
