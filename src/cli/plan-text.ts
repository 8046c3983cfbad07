import {plural} from '../base/amount.ts';
import type {TaskSpec} from '../model/task.ts';
import {oneLine} from '../base/one-line.ts';
import type {Cli} from './cli.ts';
import type {TaskPlan} from './task-plan.ts';

const MAX_TASKS = 50;
const MAX_PROMPT = 80;

/** How the text was read, and what to know before the plan is used. A plan that is printed begins with the former itself. */
export function noteReading(cli: Cli, {reading, warnings}: TaskPlan, {isPrinted}: {readonly isPrinted: boolean}): void {
  const isThere = isPrinted && cli.print.json === 'none' && cli.stdout.isTTY;
  for (const line of isThere ? [] : reading) cli.print.note(`· ${line}`);
  for (const line of warnings) cli.print.note(cli.print.styleNote('yellow', `Warning: ${line}`));
}

/** A plan as a list: what is to be done, after what, where. */
export function planLines({plan}: TaskPlan): readonly string[] {
  const tasks = plan.tasks.filter(task => task.reviews === undefined);
  const shown = tasks.slice(0, MAX_TASKS).map(taskLine);
  return [...shown, ...(tasks.length > MAX_TASKS ? [`  … and ${plural(tasks.length - MAX_TASKS, 'task')} more`] : [])];
}

/** What `--json` says of a plan. */
export function planValue({by, document, reading, warnings}: TaskPlan) {
  return {v: 1, by, reading, warnings, plan: document};
}

function taskLine({id, prompt = [], needs, touches, foreach}: TaskSpec): string {
  const text = prompt.map(part => (typeof part === 'string' ? part : '…')).join('');
  const times = foreach?.from === 'list' ? ` ×${foreach.items.length}` : foreach ? ' ×?' : '';
  const after = needs.length === 0 ? '' : `, after ${few(needs)}`;
  const where = touches ? `, in ${few(touches.globs.length > 0 ? touches.globs : ['what it is for'])}` : '';
  return `  ${id}${times}: ${oneLine(text, MAX_PROMPT)}${after}${where}`;
}

function few(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(', ');
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown;
}
