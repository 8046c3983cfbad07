import type {Now} from '../base/clock.ts';
import {never} from '../base/never.ts';
import type {Random} from '../base/random.ts';
import {fail, type Result} from '../base/result.ts';
import type {Failure} from '../model/failure.ts';
import type {TeamId} from '../model/ids.ts';
import type {TeamSpec} from '../model/team.ts';
import type {TeamView} from '../model/team-view.ts';
import type {AgentChanges} from './agent-changes.ts';
import {viewTeam} from './dashboard.ts';
import type {Input, RequestId} from './engine-io.ts';
import type {Pauses} from './pauses.ts';
import type {Pool} from './pool.ts';
import type {RetryPolicy} from './retries.ts';
import {findRevival, revive} from './revival.ts';
import {buildTaskGraph} from './task-graph.ts';
import type {TeamEndings} from './team-endings.ts';
import type {TeamOrder, TeamOrders} from './team-orders.ts';
import {newTask, Team} from './team.ts';
import type {Teams} from './teams.ts';
import type {Turn} from './turn.ts';
import type {Upkeep} from './upkeep.ts';

/** What somebody may ask for, each to be answered. */
export type TeamRequest = Extract<Input, {type: 'spawn-team' | 'end-team' | 'remove-team'}> | TeamOrder;

export interface TeamRequestsOptions {
  readonly policy: RetryPolicy;
  readonly random: Random;
  readonly teams: Teams;
  readonly endings: TeamEndings;
  readonly orders: TeamOrders;
  readonly changes: AgentChanges;
  readonly pauses: Pauses;
  readonly pool: Pool;
  readonly upkeep: Upkeep;
  /** A team as it is now, at work or over. */
  readonly view: (id: TeamId, options: {readonly now: Now}) => TeamView | null;
}

type RequestOf<T extends TeamRequest['type']> = Extract<TeamRequest, {type: T}>;

/** Carries out what users ask for and answers with the team as it is then, or with why nothing was done. */
export class TeamRequests {
  readonly #options: TeamRequestsOptions;

  constructor(options: TeamRequestsOptions) {
    this.#options = options;
  }

  take(turn: Turn, request: TeamRequest): void {
    switch (request.type) {
      case 'spawn-team':
        return this.#spawn(turn, request);
      case 'end-team':
        return this.#end(turn, request);
      case 'remove-team':
        return this.#remove(turn, request);
      case 'retry-team':
        return this.#options.teams.over(request.teamId) ? this.#revive(turn, request) : this.#order(turn, request);
      case 'scale-team':
      case 'agent-order':
      case 'pause':
      case 'resume':
      case 'run-plan':
        return this.#order(turn, request);
      default:
        never(request);
    }
  }

  #spawn(turn: Turn, {request, spec, nameTaken}: RequestOf<'spawn-team'>): void {
    const {teams, view} = this.#options;
    const name = nameTaken === 'suffix' ? teams.freeName(spec.name) : spec.name;
    const taken = teams.named(name);
    if (taken !== null) {
      const state = view(taken, {now: turn.now})?.state ?? 'unknown';
      turn.effect({type: 'answer', request, result: {ok: false, failure: {reason: 'team-exists', name, state}}});
      return;
    }
    const team = this.#create(turn, {...spec, name});
    turn.effect({type: 'answer', request, result: {ok: true, value: viewTeam(team, {now: turn.now})}});
  }

  #create(turn: Turn, spec: TeamSpec): Team {
    const {teams, pool, policy, random, endings, orders, pauses} = this.#options;
    const id = teams.newId();
    const tasks = spec.plan ? buildTaskGraph(spec.plan) : [];
    const team = new Team({id, spec, startedAt: turn.now, tasks, policy, random});
    teams.add(team);
    pool.house(team);
    turn.record({kind: 'team-created', id, spec, at: {...turn.now, bootId: policy.bootId}});
    if (tasks.length > 0) turn.record({kind: 'tasks-created', teamId: id, tasks: tasks.map(newTask)});
    turn.emit(id, {type: 'team-spawned', name: spec.name, agents: spec.count, tasks: tasks.length});
    for (const text of team.warnings) turn.emit(id, {type: 'team-warning', text});
    orders.keepWithinLimits(turn, team);
    pauses.watch(turn, team);
    team.begin(turn);
    endings.settle(turn, team);
    return team;
  }

  #end(turn: Turn, {request, teamId: id, by}: RequestOf<'end-team'>): void {
    const {teams, endings} = this.#options;
    const team = teams.active.get(id);
    if (!team) return this.#answerOver(turn, request, id);
    endings.answerWhenOver(request, id);
    endings.end(turn, team, {by});
  }

  #order(turn: Turn, order: TeamOrder): void {
    const {teams, orders, upkeep, endings} = this.#options;
    const {request, teamId: id} = order;
    const team = teams.active.get(id);
    const done = team ? orders.take(turn, team, order) : fail(teams.notAtWork(id));
    if (team && done.ok && order.type === 'agent-order' && order.what === 'restart') {
      const agent = team.agents.get(order.agent);
      if (agent) upkeep.restarted(team, team.agents.groupOf(agent).runtime);
    }
    this.#answer(turn, {request, id, done});
    if (team && done.ok) endings.settle(turn, team);
  }

  #revive(turn: Turn, {request, teamId: id, tasks: wish, stored}: RequestOf<'retry-team'>): void {
    const {teams, pool, policy, random, changes, orders, pauses, endings} = this.#options;
    const last = teams.over(id);
    const {bootId} = policy;
    const options = {now: turn.now, bootId, policy, random, wish};
    const found = stored && last ? findRevival(stored, options) : fail(teams.notAtWork(id));
    if (!found.ok || !last) return this.#answer(turn, {request, id, done: found});
    const {team} = found.value;
    teams.add(team);
    pool.house(team);
    revive(turn, found.value, {bootId, last});
    if (team.agents.livingInAll === 0) {
      const {max} = team.settings.autoscale ?? {max: team.spec.count};
      changes.scale(turn, team, {to: Math.min(team.spec.count, max), why: 'asked'});
    }
    orders.keepWithinLimits(turn, team);
    pauses.watch(turn, team);
    this.#answer(turn, {request, id, done: found});
    endings.settle(turn, team);
  }

  #remove(turn: Turn, {request, teamId: id}: RequestOf<'remove-team'>): void {
    const {teams} = this.#options;
    const team = teams.active.get(id);
    if (team) {
      const failure: Failure = {reason: 'team-active', name: team.spec.name, state: team.state};
      turn.effect({type: 'answer', request, result: {ok: false, failure}});
      return;
    }
    this.#answerOver(turn, request, id);
    const view = teams.over(id);
    if (view) teams.remove(turn, view);
  }

  /** With the team as it is now, or with why nothing was done. */
  #answer(turn: Turn, {request, id, done}: {request: RequestId; id: TeamId; done: Result<unknown, Failure>}): void {
    const {teams} = this.#options;
    const view = this.#options.view(id, {now: turn.now});
    if (!done.ok) turn.effect({type: 'answer', request, result: done});
    else turn.effect({type: 'answer', request, result: view ? {ok: true, value: view} : fail(teams.notAtWork(id))});
  }

  #answerOver(turn: Turn, request: RequestId, id: TeamId): void {
    const {teams} = this.#options;
    const view = teams.over(id);
    turn.effect({type: 'answer', request, result: view ? {ok: true, value: view} : fail(teams.notAtWork(id))});
  }
}
