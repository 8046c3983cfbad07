import type {OnBudget} from '../model/autoscale.ts';

/** What a team does whose budget does not allow what is to be started next. */
export type AtCap =
  /** What else there is goes on: it runs, or can be paid, or the hour passes. */
  | 'go-on'
  /** It is over. */
  | 'end'
  /** It waits until somebody raises the budget or ends it. */
  | 'hold'
  /** Likewise, and whoever watches is asked. */
  | 'ask';

export interface CapFacts {
  readonly onBudget: OnBudget;
  /** Nothing of the team runs, and nothing that is left could be started but for what keeps it from it. */
  readonly isStill: boolean;
  /** Why each kind of task that is left is not started. */
  readonly obstacles: readonly ('budget' | 'pace' | 'lasting' | 'passing')[];
}

/**
 * A team at its cap lets what runs end, and starts whatever can still be paid. Only when the budget alone, or what will not
 * change either, is in the way of all that is left does it end or wait, as has been asked for.
 */
export function atCap({onBudget, isStill, obstacles}: CapFacts): AtCap {
  if (!isStill || !obstacles.includes('budget')) return 'go-on';
  if (obstacles.some(obstacle => obstacle === 'pace' || obstacle === 'passing')) return 'go-on';
  if (onBudget === 'stop') return 'end';
  return onBudget === 'ask' ? 'ask' : 'hold';
}
