import {formatDuration} from '../base/duration.ts';
import {oneLine} from '../base/one-line.ts';
import type {TeamView} from '../model/team-view.ts';

/** One line of the scrollable part of the status screen. */
export type BodyRow =
  | {readonly kind: 'heading'; readonly text: string; readonly bad: boolean}
  | {readonly kind: 'blank'}
  | {readonly kind: 'failure'; readonly task: string; readonly text: string}
  | {
      readonly kind: 'running';
      readonly task: string;
      readonly agent: string;
      readonly elapsed: string;
      readonly line: string;
    };

/** Failures first, then agents in trouble, then what runs, longest first. `ageMs` is how old the view is, so that elapsed times go on. */
export function bodyRows(view: TeamView, ageMs: number): readonly BodyRow[] {
  const failures = failureRows(view);
  const parts = [failures, ailingRows(view), runningRows(view, ageMs)].filter(rows => rows.length > 0);
  return parts.flatMap((rows, index) => (index === 0 ? rows : [{kind: 'blank' as const}, ...rows]));
}

function failureRows({failures, tasks}: TeamView): readonly BodyRow[] {
  if (failures.length === 0) return [];
  const shown = failures.length < tasks.failed ? `, the first ${failures.length} shown` : '';
  return [
    {kind: 'heading', text: `Failures: ${tasks.failed}${shown}`, bad: true},
    ...failures.map(({task, text}) => ({kind: 'failure' as const, task: oneLine(task), text: oneLine(text, 1000)})),
  ];
}

function ailingRows({ailing = [], agents}: TeamView): readonly BodyRow[] {
  if (ailing.length === 0) return [];
  const total = Math.max(agents.suspect ?? 0, ailing.length);
  const shown = ailing.length < total ? `, ${ailing.length} shown` : '';
  return [
    {kind: 'heading', text: `Agents in trouble: ${total}${shown}`, bad: true},
    ...ailing.map(({agent, why}) => ({kind: 'failure' as const, task: agent, text: oneLine(why, 1000)})),
  ];
}

function runningRows({running, tasks}: TeamView, ageMs: number): readonly BodyRow[] {
  if (running.length === 0) return [];
  const total = tasks.running + tasks.verifying;
  const shown = running.length < total ? `, ${running.length} shown` : '';
  const longestFirst = [...running].sort((a, b) => b.elapsedMs - a.elapsedMs);
  return [
    {kind: 'heading', text: `Running: ${total}${shown}`, bad: false},
    ...longestFirst.map(({task, agent, attempt, verifying, elapsedMs, lastLine}) => ({
      kind: 'running' as const,
      task: attempt > 1 ? `${oneLine(task)} (try ${attempt})` : oneLine(task),
      agent,
      elapsed: wholeSeconds(elapsedMs + ageMs),
      line: verifying ? 'verifying' : oneLine(lastLine ?? ''),
    })),
  ];
}

/** Tenths of a second would redraw every line all the time. */
function wholeSeconds(ms: number): string {
  return ms < 1000 ? '0 s' : formatDuration(Math.floor(ms / 1000) * 1000);
}

/** Which part of `rows` is to be seen, with the scroll position kept inside. */
export function windowOf<T>(
  rows: readonly T[],
  offset: number,
  height: number,
): {readonly rows: readonly T[]; readonly offset: number} {
  const last = Math.max(0, rows.length - height);
  const kept = Math.min(Math.max(0, offset), last);
  return {rows: rows.slice(kept, kept + height), offset: kept};
}
