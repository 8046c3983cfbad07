import type {AgentState} from '../model/agent.ts';
import type {TaskStateName} from '../model/task.ts';
import type {Team} from './team.ts';

/** How a team that is not over stands, in figures. */
export interface TeamFigures {
  readonly team: string;
  readonly agents: Readonly<Record<AgentState, number>>;
  /** Agents whose breaker is not closed. */
  readonly open: number;
  readonly halfOpen: number;
  /** How often the breakers of its agents have opened, of those that have gone too. */
  readonly trips: number;
  readonly tasks: Readonly<Record<TaskStateName, number>>;
  /** Ready tasks that wait only for an agent or a permit. */
  readonly queued: number;
}

export function teamFigures({spec, agents, tally, queued}: Team): TeamFigures {
  const {selector, all} = agents;
  const breakers = all.map(({id}) => selector.breakerOf(id).name);
  const byState: Record<AgentState, number> = {...NO_AGENTS};
  for (const {state} of all) byState[state] += 1;
  return {
    team: spec.name,
    agents: byState,
    open: breakers.filter(name => name === 'open').length,
    halfOpen: breakers.filter(name => name === 'half-open').length,
    trips: selector.trips,
    tasks: {...tally.counts},
    queued,
  };
}

const NO_AGENTS: Readonly<Record<AgentState, number>> = {
  starting: 0,
  idle: 0,
  busy: 0,
  suspect: 0,
  paused: 0,
  draining: 0,
  gone: 0,
};
