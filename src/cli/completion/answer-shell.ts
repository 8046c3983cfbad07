import {ApiClient} from '../../api/client.ts';
import {oneLine} from '../../base/one-line.ts';
import type {Command} from 'commander';
import type {Cli, GlobalOptions} from '../cli.ts';
import {openProject, settingsOf} from '../connect.ts';
import {bashReplies, readBashLine} from './bash-line.ts';
import {type Candidate, type Lookup, type Wanted, wanted} from './wanted.ts';

export interface ShellQuestion {
  readonly program: Command;
  /** The last one is to be completed. With `bash`: the line up to the cursor, and what bash takes for the last word. */
  readonly words: readonly string[];
  readonly bash: boolean;
}

/** Nobody waits longer than this for a suggestion, in milliseconds. */
const PATIENCE_MS = 1000;
const MAX_TASKS = 2000;
const MAX_MEMORIES = 200;

/** Prints what may stand at the cursor: `words`, `files` or `folders`, then the words, one in a line with what it means after a tab. */
export async function answerShell(cli: Cli, {program, words, bash}: ShellQuestion): Promise<void> {
  const [text = '', cut = ''] = words;
  const line = bash ? readBashLine(text, cut) : null;
  const asked = wanted(program, line ? line.words.slice(1) : words);
  cli.print.line(asked.kind);
  const known = await lookUp(cli, asked).catch(() => []);
  const candidates = [...asked.candidates, ...known]
    .filter(({value}) => !/\p{Cc}/u.test(value))
    .map(({value, about}) => ({value: asked.before + value, about}));
  for (const reply of line ? bashReplies(line, candidates) : candidates.map(described)) cli.print.line(reply);
}

function described({value, about}: Candidate): string {
  return about === '' ? value : `${value}\t${about.replaceAll(/\s+/g, ' ')}`;
}

/** Asks the daemon when it runs; a completion starts none. */
async function lookUp(cli: Cli, {lookups, team, begun, project}: Wanted): Promise<readonly Candidate[]> {
  if (lookups.length === 0) return [];
  const options = project === null ? {} : {project};
  const {visitor} = openProject(cli, options);
  const client = new ApiClient({...visitor.options, timeoutMs: PATIENCE_MS});
  const found = await Promise.all(lookups.map(lookup => candidatesFor(cli, {lookup, team, begun, options, client})));
  return found.flat();
}

interface Search {
  readonly lookup: Lookup;
  readonly begun: string;
  readonly team: string | null;
  readonly options: GlobalOptions;
  readonly client: ApiClient;
}

async function candidatesFor(cli: Cli, {lookup, team, begun, options, client}: Search): Promise<readonly Candidate[]> {
  if (lookup === 'runtime') {
    const {runtimeNames} = await import('../../runtimes/registry.ts');
    return runtimeNames(settingsOf(cli, options).agents).map(value => ({value, about: ''}));
  }
  if (lookup === 'memory') {
    const memories = await client.memory.list({prefix: begun, limit: MAX_MEMORIES});
    if (!memories.ok) return [];
    return memories.value.map(({episode}) => ({value: episode.id, about: oneLine(episode.task, 60)}));
  }
  const answer = await client.teams();
  if (!answer.ok) return [];
  if (lookup === 'team') return answer.value.map(({team: value, state}) => ({value, about: state}));
  const names = answer.value.map(each => each.team);
  const meant = team === null ? names : names.filter(name => name === team);
  // Without its name only an agent says which team is meant: their ids are known by it.
  if (team === null && names.length > 1 && lookup !== 'agent') return [];
  const found = await Promise.all(meant.map(name => ofTeam(client, name, lookup)));
  return found.flat();
}

async function ofTeam(client: ApiClient, team: string, lookup: Lookup): Promise<readonly Candidate[]> {
  const agents = lookup === 'task' ? [] : await agentsOf(client, team);
  if (lookup === 'group') {
    const groups = new Set(agents.map(({group}) => group));
    return [...groups].map(value => ({value, about: 'group'}));
  }
  const tasks = lookup === 'agent' ? [] : await tasksOf(client, team);
  return [...tasks, ...agents.map(({id, state}) => ({value: id, about: `agent, ${state}`}))];
}

async function agentsOf(client: ApiClient, team: string) {
  const agents = await client.agents(team);
  return agents.ok ? agents.value.filter(({state}) => state !== 'gone') : [];
}

async function tasksOf(client: ApiClient, team: string): Promise<readonly Candidate[]> {
  const tasks = await client.tasks(team, {limit: MAX_TASKS});
  return tasks.ok ? tasks.value.map(({id, state}) => ({value: id, about: `task, ${state.name}`})) : [];
}
