import type {Now} from '../base/clock.ts';
import {formatDuration} from '../base/duration.ts';
import type {AgentView} from '../model/agent-view.ts';
import type {AgentId} from '../model/ids.ts';
import {type AilingView, MAX_AILING_SHOWN} from '../model/team-view.ts';
import type {Agent} from './agent.ts';
import type {Anomaly} from './anomalies.ts';
import type {Breaker} from './circuit-breaker.ts';
import {meanOf} from './decaying-mean.ts';
import type {Team} from './team.ts';
import type {Upkeep} from './upkeep.ts';

/** How all attempts of an agent have ended, as the store has it: a new daemon learns again from the last ones only. */
export type Recorded = Pick<AgentView, 'succeeded' | 'failed' | 'meanMs' | 'errorRate'>;

interface Known {
  readonly now: Now;
  readonly recorded: (agent: AgentId) => Recorded | undefined;
  readonly upkeep: Pick<Upkeep, 'agentHealth' | 'hostHealth' | 'obstacleOf'>;
}

const NOTHING_RECORDED: Recorded = {succeeded: 0, failed: 0, meanMs: null, errorRate: null};

/** The agents of a team in the order of their numbers. What was learned counts more than what was recorded. */
export function agentViews(team: Team, known: Known): readonly AgentView[] {
  const {agents} = team;
  const tasks = new Map<AgentId, string[]>();
  for (const {agent, task} of team.attempts.values()) tasks.set(agent.id, [...(tasks.get(agent.id) ?? []), task.id]);
  return agents.all.map(agent => {
    const {name, runtime, model, skills} = agents.groupOf(agent);
    const {id, state, host, slots} = agent;
    const {succeeded, failed, meanMs, errorRate} = known.recorded(id) ?? NOTHING_RECORDED;
    const learned = agents.selector.recordOf(id);
    return {
      id,
      group: name,
      runtime,
      model,
      skills,
      state,
      health: known.upkeep.agentHealth(team, id).name,
      host,
      slots,
      tasks: tasks.get(id) ?? [],
      succeeded,
      failed,
      meanMs: whole(meanOf(learned.duration) ?? meanMs),
      errorRate: hundredths(meanOf(learned.errors) ?? errorRate),
      breaker: agents.selector.breakerOf(id).name,
      trips: agents.selector.tripsOf(id),
      ...anomalyFacts(agents.selector.anomaliesOf(id)),
      why: whyNothing(team, agent, known),
    };
  });
}

function anomalyFacts(anomalies: readonly Anomaly[]): Pick<AgentView, 'anomalies'> {
  if (anomalies.length === 0) return {};
  return {anomalies: anomalies.map(({what, value, median}) => ({what, value, median}))};
}

/** Agents that give signs of trouble, with what these are: no more than are shown, and none is looked for while all is well. */
export function ailingAgents(team: Team, known: Omit<Known, 'recorded'>): readonly AilingView[] {
  const {agents} = team;
  const ailing: AilingView[] = [];
  if (agents.count('suspect') === 0) return ailing;
  for (const agent of agents.all) {
    if (agent.state !== 'suspect') continue;
    ailing.push({agent: agent.id, why: whyNothing(team, agent, known) ?? 'it gives signs of trouble'});
    if (ailing.length === MAX_AILING_SHOWN) break;
  }
  return ailing;
}

/** Why it is given nothing, what lasts longest first; null: nothing speaks against it. */
function whyNothing(team: Team, agent: Agent, {now, upkeep}: Omit<Known, 'recorded'>): string | null {
  const {runtime, failedBecause} = agent;
  if (runtime === 'failed') return `it does not work on its host${failedBecause === null ? '' : `: ${failedBecause}`}`;
  return (
    whyByOrder(team, agent) ??
    whyByHealth(team, agent, upkeep) ??
    (agent.isReachable ? null : whyUnreachable(agent)) ??
    whyByBreaker(agent, team.agents.selector.breakerOf(agent.id), now) ??
    waitingFor(upkeep.obstacleOf(team, agent))
  );
}

/** What somebody has decided. */
function whyByOrder({isPaused}: Team, {standing, isRestarting}: Agent): string | null {
  if (standing === 'gone') return 'it has left';
  if (standing === 'draining') return 'it leaves when what it is at work on is done';
  if (standing === 'paused') return 'it was paused';
  if (isRestarting) return 'it is being restarted';
  return isPaused ? 'the team is paused' : null;
}

function whyByHealth(team: Team, {id, host}: Agent, upkeep: Known['upkeep']): string | null {
  const ofHost = host === null ? null : upkeep.hostHealth(host);
  if (ofHost && ofHost.name !== 'healthy') return `its host ${host ?? ''} is ${ofHost.name}: ${ofHost.why}`;
  const health = upkeep.agentHealth(team, id);
  return health.name === 'healthy' ? null : `its attempt is ${health.name}: ${health.why}`;
}

function whyUnreachable({host}: Agent): string {
  return host === null ? 'it has no host yet' : `its host ${host} has not said that it is ready`;
}

function whyByBreaker({load}: Agent, breaker: Breaker, {monoMs}: Now): string | null {
  switch (breaker.name) {
    case 'closed':
      return null;
    case 'open':
      return `it has failed too often and is left out for another ${formatDuration(Math.max(0, breaker.untilMs - monoMs))}`;
    case 'half-open':
      return load > 0 ? 'it has failed too often, and has one task to show that it works' : null;
  }
}

function waitingFor(obstacle: string | null): string | null {
  return obstacle === null ? null : `it waits for ${obstacle}`;
}

function whole(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms);
}

function hundredths(share: number | null): number | null {
  return share === null ? null : Math.round(share * 100) / 100;
}
