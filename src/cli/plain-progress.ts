import {formatDuration} from '../base/duration.ts';
import {oneLine} from '../base/one-line.ts';
import type {TeamView} from '../model/team-view.ts';
import {countFacts, progressText, waitingTexts} from '../tui/team-facts.ts';
import {failureLine} from './summary-text.ts';

/** Failures said as they happen; the rest are counted, and all known ones stand in the summary. */
const MAX_FAILURES_SAID = 20;

/** The warnings and failures of each next view that were not in an earlier one, as lines; says when it stops listing failures. */
export class NewsLines {
  readonly #said = new Set<string>();
  readonly #warned = new Set<string>();
  #isFull = false;
  readonly #paint: (text: string) => string;

  /** `paint` colours the beginning of a failure's line. */
  constructor(paint: (text: string) => string) {
    this.#paint = paint;
  }

  next({failures, warnings}: TeamView): readonly string[] {
    const fresh = warnings.filter(text => !this.#warned.has(text));
    for (const text of fresh) this.#warned.add(text);
    const lines = fresh.map(text => `warning: ${oneLine(text, 1000)}`);
    for (const failure of failures) {
      if (this.#isFull || this.#said.has(failure.task)) continue;
      if (this.#said.size < MAX_FAILURES_SAID) {
        this.#said.add(failure.task);
        lines.push(failureLine(failure, this.#paint));
      } else {
        this.#isFull = true;
        lines.push('Further failures are counted only; `godel team status` lists them.');
      }
    }
    return lines;
  }
}

/** One line that says how far the team is. */
export function progressLine(view: TeamView): string {
  const counts = countFacts(view.tasks, {zeros: false})
    .filter(({label}) => label !== 'succeeded' && label !== 'waiting')
    .map(({label, count}) => `${count} ${label}`);
  const agents =
    view.agents.ready < view.agents.requested ? [`${view.agents.ready}/${view.agents.requested} agents ready`] : [];
  const [waiting] = view.tasks.running === 0 ? waitingTexts(view) : [];
  const parts = [progressText(view.tasks), ...agents, ...counts, ...(waiting === undefined ? [] : [waiting])];
  return `${view.team}  ${formatDuration(view.durationMs)}  ${parts.join(', ')}`;
}
