import type {OnBudget} from '../model/autoscale.ts';
import type {Obstacle} from './dispatcher.ts';

/**
 * What a team does at the cap of its budget. go-on: there is something else that it can do, or the hour passes. end: it is over.
 * hold: it waits until somebody raises the budget or ends it.
 */
export type AtCap = 'go-on' | 'end' | 'hold';

export interface CapFacts {
  readonly onBudget: OnBudget;
  /** Nothing of the team runs, and nothing of it will happen by itself. */
  readonly isStill: boolean;
  /** What keeps each kind of task that is left from being started. */
  readonly obstacles: readonly Obstacle['kind'][];
}

const LASTING: ReadonlySet<Obstacle['kind']> = new Set(['budget', 'gone', 'nobody']);

/**
 * A team at its cap lets what runs end, and starts whatever can still be paid. Only when the budget, or what will not change
 * either, is in the way of all that is left does it end or wait, as it was told.
 */
export function atCap({onBudget, isStill, obstacles}: CapFacts): AtCap {
  if (!isStill || !obstacles.includes('budget')) return 'go-on';
  if (!obstacles.every(kind => LASTING.has(kind))) return 'go-on';
  return onBudget === 'stop' ? 'end' : 'hold';
}
