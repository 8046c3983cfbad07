import {type Autoscale, DEFAULT_AUTOSCALE} from '../model/autoscale.ts';
import type {Failure} from '../model/failure.ts';

/** What is not said stays as it is; of a team that does not scale by itself yet it is as by default, around what is said. */
export function completedAutoscale(asked: Partial<Autoscale>, before: Autoscale | null, most: number): Autoscale {
  const base = before ?? {...DEFAULT_AUTOSCALE, max: Math.min(DEFAULT_AUTOSCALE.max, most)};
  const min = asked.min ?? (asked.max === undefined ? base.min : Math.min(base.min, asked.max));
  return {...base, ...asked, min, max: asked.max ?? Math.max(base.max, min)};
}

/** Whether a team may scale so, where `most` agents are allowed. */
export function autoscaleFailure({min, max}: Autoscale, most: number): Failure | null {
  const tooMany = countFailure('The largest number of agents', {value: max, min: 1, most});
  if (tooMany || min <= max) return tooMany;
  const range = `at most ${max}, the largest`;
  return {reason: 'out-of-range', what: 'The smallest number of agents', value: String(min), range};
}

/** Whether so many agents are allowed. */
export function countFailure(
  what: string,
  {value, min, most}: {readonly value: number; readonly min: number; readonly most: number},
): Failure | null {
  if (Number.isInteger(value) && value >= min && value <= most) return null;
  return {
    reason: 'out-of-range',
    what,
    value: String(value),
    range: `${min} to ${most}`,
    why: `the daemon was started with max-agents ${most}; \`godel daemon stop\` lets the next command start one with other settings`,
  };
}
