import {formatDuration} from '../base/duration.ts';
import {oneLine} from '../base/one-line.ts';
import type {ExplainQuery} from '../api/contract.ts';
import type {ExitKind} from '../model/exit-code.ts';
import type {Explanation} from '../model/explanation.ts';
import {GodelError} from '../model/failure.ts';
import type {Cli} from './cli.ts';
import {must, type Project} from './connect.ts';
import {pickTeamAnd} from './pick-team-and.ts';
import type {Print} from './print.ts';
import {refuseEmpty} from './refuse-empty.ts';

/** Says why a team, or a task or an agent of it, is as it is. */
export async function explain(
  cli: Cli,
  project: Project,
  {name, about}: {readonly name: string | undefined; readonly about: string | undefined},
): Promise<ExitKind> {
  refuseEmpty('TASK or AGENT', about === undefined ? [] : [about]);
  const {team: view, words} = await pickTeamAnd(project, name, about === undefined ? [] : [about]);
  const [word, surplus] = words;
  const {team} = view;
  if (surplus !== undefined) throw new GodelError({reason: 'team-not-found', name: name ?? '', known: [team]});
  const answer = await project.client.explain(team, await subject(project, team, word));
  if (!answer.ok && word !== undefined && answer.failure.reason === 'task-not-found' && isAgentOf(team, word)) {
    throw new GodelError({reason: 'agent-not-found', team, agent: word, similar: []});
  }
  const explanation = must(answer);
  if (cli.print.json !== 'none') cli.print.value(explanation);
  else for (const line of explanationLines(explanation, cli.print)) cli.print.line(line);
  return 'ok';
}

async function subject({client}: Project, team: string, word: string | undefined): Promise<ExplainQuery> {
  if (word === undefined) return {};
  const agents = must(await client.agents(team));
  return agents.some(({id}) => (id as string) === word) ? {agent: word} : {task: word};
}

/** Agents that have left are not listed, and their names are not taken for those of tasks. */
function isAgentOf(team: string, word: string): boolean {
  return word.startsWith(`${team}-`) && /^\d+$/.test(word.slice(team.length + 1));
}

const HISTORY_SHOWN = 20;

export function explanationLines({about, state, because, history}: Explanation, print: Print): readonly string[] {
  const name = about.kind === 'team' ? about.team : about.kind === 'task' ? about.task : about.agent;
  const shown = history.slice(0, HISTORY_SHOWN);
  const latest = shown[0]?.atMs ?? 0;
  return [
    `${print.style('bold', `${about.kind} ${oneLine(name)}`)}  ${state}`,
    ...because.map(text => `  ${oneLine(text, 1000)}`),
    ...(shown.length === 0 ? [] : ['', print.style('bold', 'What led to it, the latest first')]),
    ...shown.map(({atMs, text}) => `  ${clock(atMs)}  ${oneLine(text, 1000)}`),
    ...(history.length > shown.length
      ? [
          `  … and ${history.length - shown.length} more, back to ${formatDuration(latest - (history.at(-1)?.atMs ?? 0))} before: --json has all`,
        ]
      : []),
  ];
}

function clock(atMs: number): string {
  return new Date(atMs).toTimeString().slice(0, 8);
}
