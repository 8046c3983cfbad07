import {budgetUsedText, failureText} from '../model/failure-text.ts';
import type {Dispatcher} from './dispatcher.ts';
import type {Team} from './team.ts';

/** Why nothing of the team runs or will, though it has tasks to start: they cannot be paid, or have no agent that works. */
export function stuckFor(team: Team, dispatcher: Pick<Dispatcher, 'obstacle'>): 'budget' | 'no-agents' | null {
  if (!team.isStill) return null;
  const obstacles = [...team.ready.classes()].flatMap(ready => dispatcher.obstacle(team, ready) ?? []);
  const lasts = obstacles.every(({kind}) => kind === 'budget' || kind === 'gone' || kind === 'nobody');
  if (!lasts || team.progress.awaitsOutput) return null;
  if (obstacles.some(({kind}) => kind === 'budget')) return 'budget';
  return obstacles.some(({kind}) => kind === 'gone') ? 'no-agents' : null;
}

/** Why it ends, with what to do then; of a team that pauses only why. */
export function budgetText({budget, totals}: Team, then: 'end' | 'pause'): string {
  const what = budget.limit.usd === null ? 'tokens' : 'usd';
  const state = {what, limit: budget.limit[what] ?? 0, used: budget.used(what, totals)} as const;
  return then === 'pause' ? budgetUsedText(state) : failureText({reason: 'budget-exhausted', ...state});
}

export function timeoutText({spec}: Team): string {
  return failureText({reason: 'team-timed-out', timeoutMs: spec.timeoutMs ?? 0});
}
