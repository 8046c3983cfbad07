import type {Input, Step} from '../federation/engine-io.ts';
import type {AttemptId} from '../model/ids.ts';
import type {LedgerTask} from './ledger-entries.ts';
import type {Ledger} from './ledger.ts';
import {hold} from './violation.ts';

export interface StaleReport {
  readonly attempt: AttemptId;
  readonly task: LedgerTask | undefined;
}

/** The attempt a report is about when that report must change nothing: not open, or not this host's. To be asked before its step. */
export function staleReport(input: Input, ledger: Ledger): StaleReport | null {
  if (input.type === 'merge-ended') {
    const {teamId, task, attempt} = input;
    const isHeard = ledger.merging(teamId, task)?.id === attempt;
    return isHeard ? null : {attempt, task: ledger.attempts.get(attempt)?.task};
  }
  const {type} = input;
  if (type !== 'attempt-finished' && type !== 'attempt-verifying' && type !== 'attempt-session') return null;
  const attempt = ledger.attempts.get(input.attempt);
  const heard = attempt?.outcome === undefined && attempt?.hostId === input.hostId;
  return heard ? null : {attempt: input.attempt, task: attempt?.task};
}

export function checkStale({attempt, task}: StaleReport, step: Step, ledger: Ledger): void {
  const ending = step.records.some(record => record.kind === 'team-state');
  for (const record of step.records) {
    const ended = record.kind === 'attempt-ended' ? ledger.attempts.get(record.id)?.task : undefined;
    hold('a stale session is not recorded', record.kind !== 'attempt-session', () => `attempt ${attempt}`);
    const changed = record.kind === 'task-state' ? ledger.task(record.teamId, record.seq) : ended;
    if (changed === undefined || ending) continue;
    hold('a stale report changes nothing', changed !== task && ended === undefined, () => {
      return `attempt ${attempt} was over, yet ${changed.id} changed`;
    });
  }
}
