import {parsePlan} from '../plan/parse-plan.ts';
import type {Cli} from './cli.ts';
import {must} from './connect.ts';
import {type AgentOptions, type AskedAgents, agentsFor} from './team-agents.ts';

/** The agents of a team that is to do prompts which are not known yet. Refused with the reason when nothing on this machine takes prompts. */
export function plannersFor(cli: Cli, options: AgentOptions): Promise<AskedAgents> {
  const bytes = Buffer.from('{"version": 1, "tasks": {"any": {"prompt": "any"}}}');
  return agentsFor(cli, options, must(parsePlan({file: 'plan', bytes})).plan);
}

/** For a plan that is only shown: it does not matter how many there will be. */
export function anyPlanners(cli: Cli, options: AgentOptions): Promise<AskedAgents> {
  const isCounted = options.count !== undefined || options.runtime?.includes(':') === true;
  return plannersFor(cli, isCounted ? options : {...options, count: '1'});
}
