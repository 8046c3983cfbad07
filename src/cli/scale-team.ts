import {plural} from '../base/amount.ts';
import type {ScaleRequest} from '../api/contract.ts';
import type {ExitKind} from '../model/exit-code.ts';
import type {TeamView} from '../model/team-view.ts';
import type {Cli} from './cli.ts';
import {must, type Project} from './connect.ts';
import {pickTeam} from './pick-team.ts';
import {type ScaleOptions, scaleRequestOf} from './scale-options.ts';

/** Changes how many agents a team has, or how that is decided. What is wrong with the request is said before the daemon is asked. */
export async function scaleTeam(
  cli: Cli,
  project: Project,
  {name, options}: {readonly name: string | undefined; readonly options: ScaleOptions},
): Promise<ExitKind> {
  const request = scaleRequestOf(options);
  const {team} = await pickTeam(project, name);
  const view = must(await project.client.scale(team, request));
  if (cli.print.json !== 'none') cli.print.value(view);
  else for (const line of scaledLines(view, request)) cli.print.line(line);
  return 'ok';
}

export function scaledLines(
  {team, agents, settings}: TeamView,
  {count, group, autoscale, strategy}: ScaleRequest,
): string[] {
  const {ready, starting} = agents;
  const now = `${plural(ready, 'agent')} ready${starting > 0 ? `, ${starting} starting` : ''} just now`;
  const asked =
    count === undefined
      ? []
      : [`is to have ${plural(count, 'agent')}${group === undefined ? '' : ` of the group ${group}`}: ${now}`];
  const scaling =
    autoscale === undefined
      ? []
      : autoscale === 'off'
        ? count === undefined
          ? ['keeps the agents it has']
          : []
        : [`grows and shrinks with its work${rangeText(settings?.autoscale ?? autoscale)}: ${now}`];
  const choice = strategy === undefined ? [] : [`chooses its agents by ${strategy.name} from now on`];
  return [...asked, ...scaling, ...choice].map(text => `Team ${team} ${text}.`);
}

function rangeText({min, max}: {min?: number; max?: number}): string {
  if (min !== undefined && max !== undefined) return ` between ${min} and ${plural(max, 'agent')}`;
  if (min !== undefined) return ` from ${plural(min, 'agent')} on`;
  return max === undefined ? '' : ` up to ${plural(max, 'agent')}`;
}
