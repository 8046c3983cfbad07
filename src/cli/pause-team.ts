import type {ResumeRequest} from '../api/contract.ts';
import {shellWord} from '../base/shell-word.ts';
import type {ExitKind} from '../model/exit-code.ts';
import {GodelError} from '../model/failure.ts';
import type {BudgetView, TeamView} from '../model/team-view.ts';
import type {Cli} from './cli.ts';
import {must, type Project} from './connect.ts';
import {pickTeamAnd} from './pick-team-and.ts';
import {type BudgetOptions, budgetOf} from './spawn-request.ts';

interface Meant {
  readonly name: string | undefined;
  readonly agent: string | undefined;
}

export async function pauseTeam(cli: Cli, project: Project, meant: Meant): Promise<ExitKind> {
  const {team, agent} = await subject(project, meant);
  const view = must(await project.client.pause(team, agent === undefined ? {} : {agent}));
  const words = [team, ...(agent === undefined ? [] : [agent])].map(shellWord).join(' ');
  if (cli.print.json !== 'none') cli.print.value(view);
  else
    cli.print.line(`${pausedText(view, named(team, agent), agent)} Let it go on with \`godel team resume ${words}\`.`);
  return 'ok';
}

/** Its processes are stopped a moment after the daemon has answered, by a host that hears it. */
function pausedText({tasks, unheld = 0}: TeamView, what: string, agent: string | undefined): string {
  if (unheld > 0) {
    const some = unheld === 1 ? 'One attempt of it goes' : `${unheld} attempts of it go`;
    return `${what} is paused. ${some} on until the host, which is not heard just now, can be told.`;
  }
  if (tasks.running === 0) return `${what} stands still.`;
  const nothing = agent === undefined ? 'nothing new starts, and what runs' : 'it is given nothing, and what it runs';
  return `${what} is paused: ${nothing} is being stopped as it is.`;
}

export async function resumeTeam(
  cli: Cli,
  project: Project,
  {options, ...meant}: Meant & {readonly options: BudgetOptions},
): Promise<ExitKind> {
  const {team, agent, budget, pausedBecause, isPaused} = await subject(project, meant);
  const request = resumeRequest(agent, options, budget);
  if (agent === undefined && pausedBecause !== undefined && !paysForMore(request, budget)) {
    const option = budget?.limitUsd == null && budget?.limitTokens != null ? '--budget-tokens N' : '--budget USD';
    const hint = `Give it more: \`godel team resume ${shellWord(team)} ${option}\`.`;
    throw new GodelError({reason: 'usage', message: `team ${team} would stand still again for its budget`, hint});
  }
  const view = must(await project.client.resume(team, request));
  if (cli.print.json !== 'none') cli.print.value(view);
  else cli.print.line(`${named(team, agent)} ${resumedText(request, isPaused)}`);
  return 'ok';
}

function resumedText({budget}: ResumeRequest, wasPaused: boolean): string {
  if (wasPaused) return 'goes on.';
  return budget ? 'was not paused; what it may use has been changed.' : 'is not paused.';
}

/** What is not said of the budget stays as it is. */
function resumeRequest(agent: string | undefined, options: BudgetOptions, before: BudgetView | null): ResumeRequest {
  const budget = budgetOf(options);
  if (!budget) return agent === undefined ? {} : {agent};
  if (agent !== undefined) {
    throw new GodelError({reason: 'usage', message: 'a budget is of the whole team, so it excludes AGENT'});
  }
  return {
    budget: {
      ...budget,
      usd: budget.usd ?? before?.limitUsd ?? null,
      tokens: budget.tokens ?? before?.limitTokens ?? null,
    },
  };
}

/** Whether the limits that hold then leave anything of what is used and reserved now. */
function paysForMore({budget}: ResumeRequest, before: BudgetView | null): boolean {
  if (!budget || !before) return false;
  const {usedUsd, reservedUsd, usedTokens, reservedTokens, limitUsd, limitTokens} = before;
  const raised = (budget.usd ?? 0) > (limitUsd ?? Infinity) || (budget.tokens ?? 0) > (limitTokens ?? Infinity);
  const leaves =
    (budget.usd ?? Infinity) > usedUsd + reservedUsd && (budget.tokens ?? Infinity) > usedTokens + reservedTokens;
  return raised && leaves;
}

async function subject(project: Project, {name, agent}: Meant) {
  const {team, words} = await pickTeamAnd(project, name, agent === undefined ? [] : [agent]);
  const [id, surplus] = words;
  if (surplus !== undefined) {
    throw new GodelError({reason: 'team-not-found', name: name ?? '', known: [team.team]});
  }
  const {pausedBecause, budget, state, settings} = team;
  const isPaused =
    id === undefined
      ? state === 'paused' || settings?.paused === true
      : must(await project.client.agents(team.team)).some(
          each => (each.id as string) === id && each.state === 'paused',
        );
  return {team: team.team, agent: id, budget, pausedBecause, isPaused};
}

function named(team: string, agent: string | undefined): string {
  return agent === undefined ? `Team ${team}` : `Agent ${agent} of team ${team}`;
}
