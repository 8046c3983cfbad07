import type {Now} from '../base/clock.ts';
import type {TaskStanding} from '../federation/task-obstacles.ts';
import {isTerminal} from '../model/task.ts';
import type {EngineUnderTest} from './engine-under-test.ts';
import type {LedgerTask, LedgerTeam} from './ledger-entries.ts';
import {hold} from './violation.ts';

/** Whoever looks at a team that is not over sees of each of its tasks that does not run what it waits for. */
export function checkReasons(team: LedgerTeam, engine: EngineUnderTest, now: Now): void {
  let shown = 0;
  for (const task of team.tasks) {
    if (!waits(task)) continue;
    if (task.instances === null) shown += 1;
    const standing = engine.standing(team.id, task.seq);
    hold('each task that waits says why', standing !== null && saysWhy(standing), () => {
      return `${task.id} of ${team.spec.name} is ${standing?.state.name}: ${standing?.obstacles.join(' ') ?? 'unknown'}`;
    });
  }
  const waiting = engine.view(team.id, {now})?.waiting ?? [];
  const counted = waiting.reduce((sum, {tasks}) => sum + tasks, 0);
  const what = () => `${counted} of ${shown} in ${team.spec.name}: ${waiting.map(({why}) => why).join('; ')}`;
  hold('the view says why of each task that waits', counted === shown && waiting.every(({why}) => why !== ''), what);
}

/** It is not over, and nothing is done for it. */
function waits({state, open, instances}: LedgerTask): boolean {
  if (isTerminal(state.name) || open !== null || instances !== null) return false;
  return state.name !== 'reviewing' && state.name !== 'merging';
}

function saysWhy({state, obstacles}: TaskStanding): boolean {
  // Until when it waits is part of this state.
  if (state.name === 'backing-off') return true;
  return obstacles.length > 0 && obstacles.every(each => /\w.*\.$/.test(each));
}
