import type {AgentGroup} from '../model/agent.ts';
import type {AgentId} from '../model/ids.ts';
import type {TeamSpec} from '../model/team.ts';

const ONLY_COMMANDS = {
  name: 'agent',
  skills: [],
  runtime: 'command',
  model: null,
  costPerHour: null,
  speed: 1,
  slots: 1,
};

/** Every agent of the team, by the name it must have, with the group it belongs to. */
export function agentsOf({name, count, groups}: TeamSpec): ReadonlyMap<AgentId, AgentGroup> {
  const kinds = groups ?? [{...ONLY_COMMANDS, count}];
  const digits = Math.max(2, `${count}`.length);
  const agents = new Map<AgentId, AgentGroup>();
  for (const group of kinds) {
    for (let number = 0; number < group.count; number++) {
      // The names of agents are what their records and reports use.
      agents.set(`${name}-${String(agents.size + 1).padStart(digits, '0')}` as AgentId, group);
    }
  }
  return agents;
}

/** The number in the name of an agent. */
export function numberOf(team: string, agent: AgentId): number {
  return Number(agent.slice(team.length + 1));
}
