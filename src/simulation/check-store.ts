import type {AttemptId, TaskSeq} from '../model/ids.ts';
import type {StoredState} from '../model/record.ts';
import type {LedgerTask} from './ledger-entries.ts';
import type {Ledger} from './ledger.ts';
import {hold} from './violation.ts';

/** What a daemon finds when it starts is what was committed. */
export function checkStore({teams}: StoredState, ledger: Ledger): void {
  for (const team of teams) compare(team, ledger);
  for (const {id} of ledger.live) {
    const isThere = teams.some(team => team.id === id);
    hold('what was committed is there after a crash', isThere, () => `team ${id}`);
  }
}

function compare(team: StoredState['teams'][number], ledger: Ledger): void {
  const {tasks} = ledger.team(team.id);
  const open = new Map<TaskSeq, AttemptId[]>();
  for (const {task, id} of team.openAttempts) open.set(task, [...(open.get(task) ?? []), id]);
  const same = (task: LedgerTask) => {
    const {seq, state} = task;
    const ids = [task.open, task.twin, task.outrun].flatMap(attempt => attempt?.id ?? []);
    if (open.get(seq)?.join() !== (ids.length === 0 ? undefined : ids.sort((a, b) => a - b).join())) return false;
    return task.open !== null || JSON.stringify(team.tasks[seq]?.state) === JSON.stringify(state);
  };
  const other = tasks.find(task => !same(task));
  hold('what was committed is there after a crash', !other && team.tasks.length === tasks.length, () => {
    return `${team.spec.name}: ${other ? `${other.id} is ${team.tasks[other.seq]?.state.name}` : 'tasks are missing'}`;
  });
}
