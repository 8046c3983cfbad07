import type {AgentOrder} from '../api/contract.ts';
import {similarTo} from '../base/similar.ts';
import type {ExitKind} from '../model/exit-code.ts';
import {GodelError} from '../model/failure.ts';
import {didYouMean} from '../model/failure-text.ts';
import {isFinal} from '../model/team.ts';
import type {Cli} from './cli.ts';
import {must, type Project} from './connect.ts';
import {pickTeam} from './pick-team.ts';

/** Kills, drains or restarts one agent, of the team that has it. */
export async function orderAgent(
  cli: Cli,
  project: Project,
  {agent, what, team: named}: AgentOrder & {readonly team: string | undefined},
): Promise<ExitKind> {
  const team = named === undefined ? await teamOf(project, agent) : (await pickTeam(project, named)).team;
  const view = must(await project.client.order(team, {agent, what}));
  if (cli.print.json !== 'none') cli.print.value(view);
  else cli.print.line(`Agent ${agent} of team ${team} ${DONE[what]}.`);
  return 'ok';
}

const DONE: Readonly<Record<AgentOrder['what'], string>> = {
  kill: 'is ended; what it was at work on goes to another',
  drain: 'is given nothing more, and is gone when what it is at work on is done',
  restart: 'starts anew',
};

/** Ids of agents begin with the name of their team, so that few teams need to be looked at. */
async function teamOf({client, hasStore}: Project, agent: string): Promise<string> {
  const teams = hasStore ? must(await client.teams()) : [];
  const active = teams.filter(({state}) => !isFinal(state));
  const known: string[] = [];
  for (const {team} of active) {
    const ids = must(await client.agents(team)).map(({id}) => id as string);
    if (ids.includes(agent)) return team;
    known.push(...ids);
  }
  const similar = similarTo(agent, known);
  const hint =
    active.length === 0
      ? 'No team is running.'
      : similar.length > 0
        ? didYouMean(similar)
        : '`godel team agents` shows the agents of a team.';
  throw new GodelError({reason: 'usage', message: `no team has an agent "${agent}"`, hint});
}
