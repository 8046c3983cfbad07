import type {Step} from '../federation/engine-io.ts';
import type {Ledger} from './ledger.ts';
import {hold} from './violation.ts';

/** The journal says what the records say, in the same step, no more and no less. */
export function checkEvents({records}: Step, ledger: Ledger): void {
  const recorded: string[] = [];
  const told: string[] = [];
  for (const record of records) {
    if (record.kind === 'team-created') recorded.push(`team-spawned ${record.id}`);
    else if (record.kind === 'team-finished') recorded.push(`team-finished ${record.id}`);
    else if (record.kind === 'attempt-leased') recorded.push(`attempt-leased ${record.id}`);
    else if (record.kind === 'task-state') {
      const task = ledger.task(record.teamId, record.seq);
      const {name} = record.state;
      const single = !task.spec.foreach || task.group !== null;
      if ((name === 'succeeded' || name === 'failed') && single)
        recorded.push(`task-${name} ${record.teamId} ${task.id}`);
      if (name === 'skipped') recorded.push(`task-skipped ${record.teamId} ${task.id}`);
    } else if (record.kind === 'event') {
      const line = lineOf(record.event, ledger);
      if (line !== null) told.push(line);
    }
  }
  recorded.sort();
  told.sort();
  hold('events say what the records say', recorded.join() === told.join(), () => {
    return `recorded [${recorded.join(', ')}], told [${told.join(', ')}]`;
  });
}

function lineOf(
  {teamId, body}: Extract<Step['records'][number], {kind: 'event'}>['event'],
  ledger: Ledger,
): string | null {
  switch (body.type) {
    case 'team-spawned':
    case 'team-finished':
      return `${body.type} ${teamId}`;
    case 'attempt-leased':
      return `attempt-leased ${body.attempt}`;
    case 'task-succeeded':
    case 'task-failed': {
      const row = teamId === null ? undefined : ledger.team(teamId).rows.get(body.task);
      return row?.spec.foreach ? null : `${body.type} ${teamId} ${body.task}`;
    }
    case 'task-skipped':
      return `task-skipped ${teamId} ${body.task}`;
    default:
      return null;
  }
}
