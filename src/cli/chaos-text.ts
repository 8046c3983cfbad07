import {plural} from '../base/amount.ts';
import {formatDuration} from '../base/duration.ts';
import {shellWord} from '../base/shell-word.ts';
import type {ChaosReport, TaskTrouble} from '../chaos/chaos-report.ts';
import type {Print} from './print.ts';
import {tableLines} from './summary-text.ts';

/** What `godel chaos --json` prints. */
export interface ChaosResult extends ChaosReport {
  readonly v: 1;
  readonly team: string;
  readonly seed: number;
  readonly rate: number;
  readonly durationMs: number;
  /** Process ids that were still there after the team was over; they have been ended. */
  readonly processesLeft: readonly number[];
  /** Every task ended as it would have without faults, and nothing was left. */
  readonly ok: boolean;
}

const TROUBLES_LISTED = 20;

const MARKED = 'The faults have left their mark:';
const CUT_OFF = 'The team was ended before its plan was over, so this says nothing of the rest.';

const MEANINGS: Readonly<Record<TaskTrouble['trouble'], string>> = {
  lost: 'is not over',
  failed: 'failed of faults, though it had retries for them',
  lucky: 'failed more often by itself than the plan lets it; without the retries for the faults it would have failed',
  lied: 'a fault was taken for success: its `verify` does not tell whether its work was done',
  twice: 'was done twice',
};

/** The table of faults against how they were noticed, and what became of the tasks. */
export function chaosLines(result: ChaosResult, print: Print): readonly string[] {
  const {faults, attempts, faulty, team, durationMs} = result;
  const verdict = result.ok
    ? print.style('green', 'Every task ended as it would have without faults, and nothing is left.')
    : print.style('red', result.troubles.length + result.processesLeft.length > 0 ? MARKED : CUT_OFF);
  return [
    '',
    `${print.style('bold', `Team ${team}`)} after ${formatDuration(durationMs)}: ${plural(attempts, 'attempt')}, ${faulty} of them with a fault.`,
    ...(faults.length === 0
      ? ['No fault was played: give a higher --rate, or another --seed.']
      : ['', ...table(result, print)]),
    '',
    taskLine(result),
    verdict,
    ...troubleLines(result),
  ];
}

function table({faults}: ChaosResult, print: Print): readonly string[] {
  const rows = faults.map(({fault, played, noticed, medianMs, longestMs}) => [
    fault,
    String(played),
    medianMs === null ? '–' : formatDuration(medianMs),
    longestMs === null ? '–' : formatDuration(longestMs),
    Object.entries(noticed)
      .map(([how, count]) => `${how} ${count}`)
      .join(', '),
  ]);
  return tableLines(['FAULT', 'PLAYED', 'MEDIAN', 'LONGEST', 'NOTICED AS'], rows, print);
}

function taskLine({tasks, troubles}: ChaosResult): string {
  const {total, succeeded, failed, skipped, cancelled} = tasks;
  const count = (word: TaskTrouble['trouble']) => troubles.filter(({trouble}) => trouble === word).length;
  const states = `${succeeded} succeeded, ${failed} failed, ${skipped} skipped, ${cancelled} cancelled`;
  return `${plural(total, 'task')}: ${states}, ${count('lost')} lost, ${count('twice')} done twice.`;
}

function troubleLines({troubles, processesLeft, team}: ChaosResult): readonly string[] {
  const listed = troubles.slice(0, TROUBLES_LISTED).map(({task, trouble}) => `  ${task}: ${MEANINGS[trouble]}`);
  const more = troubles.length - listed.length;
  return [
    ...listed,
    ...(more > 0 ? [`  … and ${more} more`] : []),
    ...(processesLeft.length === 0
      ? []
      : [
          `  ${plural(processesLeft.length, 'process', 'processes')} left running, now ended: ${processesLeft.join(', ')}`,
        ]),
    ...(troubles.length === 0 ? [] : [`  What they printed: godel team logs ${shellWord(team)} [TASK]`]),
  ];
}
