import {formatDuration} from '../base/duration.ts';
import type {TeamView} from '../model/team-view.ts';
import {progressText} from '../tui/team-facts.ts';
import type {Print} from './print.ts';
import {tableLines} from './summary-text.ts';

/** A team in the JSON of `team list`: the facts of its status without the lists. */
export function teamEntry({team, state, outcome, agents, tasks, startedAtMs, durationMs}: TeamView) {
  return {team, state, outcome, agents, tasks, startedAtMs, durationMs};
}

export function teamTable(teams: readonly TeamView[], print: Print): readonly string[] {
  const rows = teams.map(({team, state, agents, tasks, startedAtMs, durationMs}) => [
    team,
    state,
    `${agents.ready}/${agents.requested}`,
    progressText(tasks),
    tasks.failed > 0 ? String(tasks.failed) : '-',
    formatDuration(durationMs),
    new Date(startedAtMs).toISOString().replace(/\.\d+Z$/, 'Z'),
  ]);
  return tableLines(['TEAM', 'STATE', 'AGENTS', 'TASKS', 'FAILED', 'TIME', 'STARTED'], rows, print);
}
