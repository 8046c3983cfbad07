import type {Dispatcher} from './dispatcher.ts';
import type {ReadyClass} from './ready-queue.ts';
import type {Team} from './team.ts';

/** So many tasks of a kind show what the others take. */
const SAMPLE = 20;

export interface ScalableQueue {
  /** Ready tasks that wait only for an agent. */
  readonly queued: number;
  /** In milliseconds of one agent; null: of none of them anything is known. */
  readonly queuedWorkMs: number | null;
  /** Kinds of them for which nobody is there, however many are idle. */
  readonly unmanned: number;
  /** There are free agents, and it is the machine or an account that keeps tasks from starting. */
  readonly isLimited: boolean;
}

/**
 * The part of a team's queue that more agents would help: not what nobody can do, or only agents whose runtime
 * does not work, nor what cannot be paid.
 */
export function queueOf(team: Team, dispatcher: Dispatcher): ScalableQueue {
  let queued = 0;
  let knownMs = 0;
  let known = 0;
  let unmanned = 0;
  let isLimited = false;
  for (const ready of team.ready.classes()) {
    const {kind, isVacant = false} = dispatcher.obstacle(team, ready) ?? {};
    // Permits that have not been asked for yet are no limit.
    if (kind === 'provider' || (kind === 'machine' && dispatcher.permits.why !== null)) isLimited = true;
    if (kind !== 'agents') continue;
    // Without any agent it does not come out that the budget is what is in the way.
    const least = team.agents.livingInAll === 0 ? 1 : 0;
    const count = Math.min(ready.tasks.size, Math.max(least, payable(team, ready)));
    const sample = ready.tasks.values().slice(0, SAMPLE);
    const durations = sample.map(task => team.durations.expected(task)).filter(ms => ms !== null);
    queued += count;
    if (isVacant && count > 0) unmanned += 1;
    if (durations.length === 0) continue;
    known += count;
    knownMs += (count * durations.reduce((sum, ms) => sum + ms, 0)) / durations.length;
  }
  return {queued, queuedWorkMs: known === 0 ? null : (knownMs * queued) / known, unmanned, isLimited};
}

/** How many tasks of the kind the budget pays for at a time, over what runs. */
function payable({budget, totals, ready}: Team, kind: ReadyClass): number {
  const task = ready.head(kind);
  if (!task) return 0;
  const each = kind.candidates.map(({choice}) =>
    choice ? budget.affords(task.spec, choice, totals) : Number.POSITIVE_INFINITY,
  );
  return Math.max(0, ...each);
}
