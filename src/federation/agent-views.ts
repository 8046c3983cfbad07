import type {AgentView} from '../model/agent-view.ts';
import type {AgentId} from '../model/ids.ts';
import type {Team} from './team.ts';

/** What is known of an agent beyond its place in the team: how it has done, and how well it is. */
export type AgentFacts = Pick<
  AgentView,
  'succeeded' | 'failed' | 'meanMs' | 'errorRate' | 'breaker' | 'health' | 'why'
>;

export type FactsOf = (id: AgentId) => Partial<AgentFacts>;

const NOTHING_KNOWN: AgentFacts = {
  succeeded: 0,
  failed: 0,
  meanMs: null,
  errorRate: null,
  breaker: 'closed',
  health: 'healthy',
  why: null,
};

/** The agents of a team in the order of their numbers. What facts say counts; the rest is what the team itself knows. */
export function agentViews(team: Team, factsOf: FactsOf): readonly AgentView[] {
  const {agents} = team;
  const tasks = new Map<AgentId, string[]>();
  for (const {agent, task} of team.attempts.values()) tasks.set(agent.id, [...(tasks.get(agent.id) ?? []), task.id]);
  return agents.all.map(agent => {
    const {name, runtime, model, skills} = agents.groupOf(agent);
    const {id, state, host, slots} = agent;
    const facts = factsOf(id);
    return {
      id,
      group: name,
      runtime,
      model,
      skills,
      state,
      host,
      slots,
      tasks: tasks.get(id) ?? [],
      ...NOTHING_KNOWN,
      ...facts,
      why: facts.why ?? whyNothing(team, agent),
    };
  });
}

/** Why it is given nothing, by what the team knows of it. */
function whyNothing(team: Team, {state, runtime, host, isRestarting}: Team['agents']['all'][number]): string | null {
  if (runtime === 'failed') return 'its runtime does not work on this machine';
  if (team.isPaused) return 'the team is paused';
  switch (state) {
    case 'starting':
      if (isRestarting) return 'it is being restarted';
      return host === null ? 'it has no host yet' : 'its host has not said yet that it is ready';
    case 'paused':
      return 'it was paused';
    case 'draining':
      return 'it leaves when what it is at work on is done';
    case 'suspect':
      return 'it gives signs of trouble';
    case 'gone':
      return 'it has left';
    case 'idle':
    case 'busy':
      return null;
  }
}
