import {plural} from '../base/amount.ts';
import {formatDuration} from '../base/duration.ts';
import {oneLine} from '../base/one-line.ts';
import {shellWord} from '../base/shell-word.ts';
import type {TeamView} from '../model/team-view.ts';
import {
  agentsText,
  branchText,
  costText,
  countFacts,
  cpuText,
  STATE_COLORS,
  usageText,
  waitingTexts,
} from '../tui/team-facts.ts';
import type {Print} from './print.ts';

/** Failures listed in text; all that are known stand in the JSON. */
const FAILURES_LISTED = 20;
const RUNNING_LISTED = 60;

/** What happened, for the end of `team spawn` and `team wait`. */
export function summaryLines(
  view: TeamView,
  print: Print,
  {withFailures}: {readonly withFailures: boolean},
): readonly string[] {
  const {tasks, team, durationMs, meanBusyAgents, usage} = view;
  const wall = formatDuration(durationMs);
  const counts = countFacts(tasks, {zeros: false}).map(({label, count}) => `${count} ${label}`);
  const mean = meanBusyAgents === null ? 'unknown' : meanBusyAgents.toFixed(1);
  // A team that scales had more at some times and fewer at others.
  const hasScaled = (view.settings?.autoscale ?? null) !== null || (meanBusyAgents ?? 0) > view.agents.requested;
  const ofAll = hasScaled ? '' : ` of ${view.agents.requested}`;
  return [
    ...(withFailures ? failureLinesOf(view, print) : []),
    `${print.style('bold', `Team ${team}`)} ${stateText(view, print)} after ${wall}: ${plural(tasks.total, 'task')}${counts.length > 0 ? `, ${counts.join(', ')}` : ''}.`,
    ...(view.endedBecause === null ? [] : [`  ${view.endedBecause}`]),
    ...view.warnings.map(text => `  ${print.style('yellow', 'Warning')}: ${oneLine(text, 1000)}`),
    ...(view.attempts === 0
      ? ['  Nothing was run.']
      : [
          `  ${plural(view.attempts, 'attempt')} (${view.retries} retried), ${mean}${ofAll} agents busy on average, ${cpuText(usage.cpuSeconds, durationMs)}.`,
          ...agentFacts(view),
          `  Output of every task: godel team logs ${shellWord(team)} [TASK]`,
        ]),
  ];
}

/** What coding agents have cost, and where their work is. */
function agentFacts(view: TeamView): readonly string[] {
  const cost = costText(view);
  const {repository, team, tasks} = view;
  const name = shellWord(team);
  return [
    ...(cost === null ? [] : [`  ${cost} (by task, agent and model: godel team cost ${name}).`]),
    ...(repository === null || tasks.succeeded === 0
      ? []
      : [
          `  The work is on branch ${repository.branch}: see it with godel team diff ${name}, take it over with godel team merge ${name}.`,
        ]),
    ...(repository === null || tasks.failed + tasks.cancelled === 0
      ? []
      : ['  What is not merged is kept: godel recover list']),
  ];
}

function labelled(label: string, text: string | null): string[] {
  return text === null ? [] : [`${label.padEnd(10)}${text}`];
}

/** The facts of the status screen, once, as text. */
export function statusLines(view: TeamView, print: Print): readonly string[] {
  const counts = countFacts(view.tasks, {zeros: true}).map(({label, count}) => `${label} ${count}`);
  return [
    `${print.style('bold', view.team)}  ${stateText(view, print)}  ${formatDuration(view.durationMs)}`,
    `tasks     ${plural(view.tasks.total, 'task')}: ${counts.join(', ')}`,
    `agents    ${agentsText(view)}`,
    `used      ${usageText(view)}`,
    ...labelled('cost', costText(view)),
    ...labelled('branch', branchText(view)),
    ...view.warnings.map(text => `${print.style('yellow', 'warning')}   ${oneLine(text, 1000)}`),
    ...waitingTexts(view).map(text => `waiting   ${text}`),
    ...failureLinesOf(view, print),
    ...runningLines(view, print),
  ];
}

/** One failure as a line: the task, then its sentence. */
export function failureLine(
  {task, attempts, text}: TeamView['failures'][number],
  paint: (text: string) => string,
): string {
  return `${paint(`failed ${oneLine(task)}`)}${attempts > 1 ? ` (${attempts} attempts)` : ''}: ${oneLine(text, 1000)}`;
}

function failureLinesOf({failures, tasks}: TeamView, print: Print): string[] {
  const lines = failures.slice(0, FAILURES_LISTED).map(each => failureLine(each, text => print.style('red', text)));
  const more = tasks.failed - lines.length;
  return more > 0 && lines.length > 0 ? [...lines, `… and ${plural(more, 'more failed task')}`] : lines;
}

function runningLines({running, tasks}: TeamView, print: Print): string[] {
  const shown = [...running].sort((a, b) => b.elapsedMs - a.elapsedMs).slice(0, RUNNING_LISTED);
  const rows = shown.map(({task, agent, runtime, attempt, elapsedMs, verifying, lastLine}) => [
    attempt > 1 ? `${oneLine(task)} (try ${attempt})` : oneLine(task),
    runtime === null ? agent : `${agent} ${oneLine(runtime)}`,
    formatDuration(elapsedMs),
    verifying ? 'verifying' : oneLine(lastLine ?? '', 100),
  ]);
  if (rows.length === 0) return [];
  const more = tasks.running + tasks.verifying - rows.length;
  const table = tableLines(['RUNNING', 'AGENT', 'FOR', 'LAST LINE'], rows, print);
  return more > 0 ? [...table, `… and ${plural(more, 'more running task')}`] : table;
}

/** Columns as wide as their widest cell; the last one as long as it likes. */
export function tableLines(head: readonly string[], rows: readonly (readonly string[])[], print: Print): string[] {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map(row => row[column]?.length ?? 0)));
  const format = (row: readonly string[]) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  return [print.style('bold', format(head)), ...rows.map(format)];
}

function stateText({state}: TeamView, print: Print): string {
  return print.style(STATE_COLORS[state], state);
}
