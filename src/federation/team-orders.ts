import {fail, ok, type Result} from '../base/result.ts';
import {similarTo} from '../base/similar.ts';
import {never} from '../base/never.ts';
import type {Failure} from '../model/failure.ts';
import type {AgentId} from '../model/ids.ts';
import type {Agent} from './agent.ts';
import type {AgentChanges} from './agent-changes.ts';
import type {Input, TeamChange} from './engine-io.ts';
import type {Pauses} from './pauses.ts';
import type {Pool} from './pool.ts';
import {nextRound} from './rounds.ts';
import type {Team} from './team.ts';
import {changedSettings, checkChange} from './team-settings.ts';
import type {Turn} from './turn.ts';

/** What somebody may ask of a team that is at work. */
export type TeamOrder = Extract<
  Input,
  {
    type: 'scale-team' | 'agent-order' | 'pause' | 'resume' | 'run-plan' | 'retry-team';
  }
>;

export interface TeamOrdersOptions {
  readonly changes: AgentChanges;
  readonly pauses: Pauses;
  readonly pool: Pool;
}

/** Carries out what somebody asks of a team that is not over. A failure has changed nothing. */
export class TeamOrders {
  readonly #changes: AgentChanges;
  readonly #pauses: Pauses;
  readonly #pool: Pool;

  constructor({changes, pauses, pool}: TeamOrdersOptions) {
    this.#pool = pool;
    this.#changes = changes;
    this.#pauses = pauses;
  }

  take(turn: Turn, team: Team, order: TeamOrder): Result<void, Failure> {
    if (team.ending !== null) return fail({reason: 'team-over', name: team.spec.name, state: team.state});
    switch (order.type) {
      case 'scale-team':
        return this.#scale(turn, team, order.change);
      case 'agent-order':
        return withAgent(team, order.agent, agent => {
          if (order.what === 'restart') this.#changes.restart(turn, team, agent);
          else this.#changes.dismiss(turn, team, agent, order.what);
        });
      case 'pause':
        if (order.agent !== null) {
          return whoStays(team, order.agent, agent => this.#changes.pause(turn, team, agent));
        }
        this.#pauses.pause(turn, team, null);
        return ok(undefined);
      case 'resume':
        if (order.agent !== null) {
          return whoStays(team, order.agent, agent => this.#changes.resume(turn, team, agent));
        }
        this.#pauses.resume(turn, team, order.budget ?? null);
        return ok(undefined);
      case 'run-plan':
        return this.#run(turn, team, order);
      case 'retry-team': {
        const tasks = nextRound(team, order.tasks);
        if (tasks.ok) team.beginRound(turn, tasks.value);
        return tasks.ok ? ok(undefined) : tasks;
      }
      default:
        return never(order);
    }
  }

  #run(turn: Turn, team: Team, order: Extract<TeamOrder, {type: 'run-plan'}>): Result<void, Failure> {
    const {open} = team.tally;
    if (open > 0) return fail({reason: 'team-busy', name: team.spec.name, open});
    const {settings, budget = null} = order;
    if (settings || budget) team.change(turn, {...team.settings, ...settings}, budget);
    team.addPlan(turn, order);
    this.keepWithinLimits(turn, team);
    this.#pool.tellSpec(turn, team);
    return ok(undefined);
  }

  #scale(turn: Turn, team: Team, change: TeamChange): Result<void, Failure> {
    const checked = checkChange(change);
    if (!checked.ok) return checked;
    const {agents, spec} = team;
    const {count} = change;
    const group = change.group === undefined ? null : agents.groups.findIndex(({name}) => name === change.group);
    if (group === -1) {
      const known = agents.groups.map(({name}) => name);
      return fail({reason: 'group-not-found', team: spec.name, group: change.group ?? '', known});
    }
    const settings = changedSettings(team.settings, change);
    if (JSON.stringify(settings) !== JSON.stringify(team.settings)) {
      team.change(turn, settings);
      const {strategy, autoscale} = settings;
      turn.emit(team.id, {type: 'team-changed', strategy, autoscale});
    }
    if (count !== undefined) this.#changes.scale(turn, team, {to: count, group, why: 'asked'});
    this.keepWithinLimits(turn, team);
    return ok(undefined);
  }

  /** A team that scales by itself has as many agents as that allows. */
  keepWithinLimits(turn: Turn, team: Team): void {
    const {autoscale} = team.settings;
    if (autoscale === null) return;
    const to = Math.min(Math.max(team.agents.livingInAll, autoscale.min), autoscale.max);
    this.#changes.scale(turn, team, {to, why: 'limits'});
  }
}

function whoStays(team: Team, id: AgentId, act: (agent: Agent) => void): Result<void, Failure> {
  const leaving = team.agents.get(id)?.standing === 'draining';
  return leaving ? fail({reason: 'agent-leaving', team: team.spec.name, agent: id}) : withAgent(team, id, act);
}

function withAgent(team: Team, id: AgentId, act: (agent: Agent) => void): Result<void, Failure> {
  const agent = team.agents.get(id);
  if (!agent || agent.standing === 'gone') {
    const similar = similarTo(
      id,
      team.agents.all.map(known => known.id),
    );
    return fail({reason: 'agent-not-found', team: team.spec.name, agent: id, similar});
  }
  act(agent);
  return ok(undefined);
}
