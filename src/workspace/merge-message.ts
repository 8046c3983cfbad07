import {oneLine} from '../base/one-line.ts';

export interface MergedChange {
  readonly team: string;
  /** The task's id as people see it. */
  readonly task: string;
  /** What it was to do, or what the agent says it has done; null: nothing is known but the task. */
  readonly description: string | null;
  readonly agent: string;
  readonly runtime: string;
  readonly model: string | null;
  /** Null: unknown. */
  readonly usd: number | null;
  readonly attempt: number;
  /** Who has approved of it. */
  readonly reviewer: string | null;
}

/** What `git log --oneline` shows in full beside the id of a commit. */
const MAX_SUBJECT = 72;
const MAX_BODY = 4000;

/** The message of the commit that a change becomes: readable in one line, and with everything about its origin in trailers. */
export function commitMessage(change: MergedChange): string {
  const {task, description} = change;
  const text = printable(description ?? '').trim();
  const first = text.split('\n', 1)[0] ?? '';
  const subject = subjectOf(task, first);
  const body = subject.endsWith(`: ${oneLine(first, MAX_BODY)}`) ? text.slice(first.length).trim() : text;
  const cut = body.length > MAX_BODY ? `${body.slice(0, MAX_BODY).trimEnd()}…` : body;
  const parts = [subject, ...(cut === '' ? [] : [harmless(cut)]), trailersOf(change).join('\n')];
  return `${parts.join('\n\n')}\n`;
}

function subjectOf(task: string, first: string): string {
  const name = oneLine(printable(task), MAX_SUBJECT);
  const said = oneLine(first, MAX_BODY);
  if (said === '') return name;
  const room = MAX_SUBJECT - name.length - 2;
  // Of a name that fills the line by itself enough of the description is still shown to tell what it is about.
  return `${name}: ${oneLine(said, Math.max(room, 24))}`;
}

function trailersOf({team, task, agent, runtime, model, usd, attempt, reviewer}: MergedChange): readonly string[] {
  const trailers = {
    'Godel-Team': team,
    'Godel-Task': task,
    'Godel-Agent': agent,
    'Godel-Runtime': model === null ? runtime : `${runtime}/${model}`,
    'Godel-Cost': usd === null ? 'unknown' : `$${usd.toFixed(4)}`,
    'Godel-Attempt': String(attempt),
    ...(reviewer === null ? {} : {'Reviewed-by': `${reviewer} <${addressOf(reviewer)}>`}),
  };
  return Object.entries(trailers).map(([key, value]) => `${key}: ${oneLine(printable(value), 300)}`);
}

/** Who wrote a commit, as git wants to have it. The address leads nowhere, on purpose. */
export function authorOf(agent: string): {readonly name: string; readonly email: string} {
  const name = printable(agent)
    .replaceAll(/[<>\n]/g, ' ')
    .trim();
  return {name: name === '' ? 'godel' : name, email: addressOf(agent)};
}

function addressOf(agent: string): string {
  const local = agent.replaceAll(/[^A-Za-z0-9._+-]+/g, '-').replaceAll(/^[-.]+|[-.]+$/g, '');
  return `${local === '' ? 'agent' : local}@godel.invalid`;
}

/** Without control characters but the line break. */
function printable(text: string): string {
  return text.replaceAll('\r\n', '\n').replaceAll(/[^\P{Cc}\n\t]/gu, '');
}

/** A line of the body that looks like one of our trailers, or like a cut of `git am`, is indented. */
function harmless(body: string): string {
  return body.replaceAll(/^(?=Godel-|Reviewed-by:|---)/gm, ' ');
}
