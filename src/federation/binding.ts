import {assign} from './assignments.ts';
import type {Deadlines} from './deadlines.ts';
import type {Dispatcher} from './dispatcher.ts';
import type {Leases} from './leases.ts';
import type {Pauses} from './pauses.ts';
import {fairest, goesBefore} from './scheduler.ts';
import type {TeamEndings} from './team-endings.ts';
import {budgetText, stuckFor} from './team-ends.ts';
import type {Attempt, Lease, Team} from './team.ts';
import type {Teams} from './teams.ts';
import type {Turn} from './turn.ts';
import type {Twins} from './twins.ts';
import type {Upkeep} from './upkeep.ts';

export interface BindingOptions {
  readonly teams: Teams;
  readonly leases: Leases;
  readonly dispatcher: Dispatcher;
  readonly deadlines: Deadlines;
  readonly upkeep: Upkeep;
  readonly twins: Twins;
  readonly pauses: Pauses;
  readonly endings: TeamEndings;
}

/** Binds ready tasks to free agents as long as something may start, and sees to teams that cannot go on. */
export class Binding {
  readonly #options: BindingOptions;

  constructor(options: BindingOptions) {
    this.#options = options;
  }

  /** To be called whenever something may have become ready or free. */
  run(turn: Turn): void {
    const {twins} = this.#options;
    const teams = this.#options.teams.active;
    this.#bind(turn);
    // Whoever is left out is better than nobody.
    const relented = [...teams.values()].filter(team => team.isStill && team.agents.relent(turn.now.monoMs));
    if (relented.length > 0) this.#bind(turn);
    for (const team of teams.values()) twins.look(turn, team);
    for (const team of teams.values()) {
      this.#endIfStuck(turn, team);
      this.#awaitHour(team);
    }
  }

  /** Leases an attempt and tells its host. The caller has made sure of the agent. */
  start(turn: Turn, team: Team, lease: Omit<Lease, 'id'>): Attempt {
    const {leases, dispatcher, upkeep} = this.#options;
    const attempt = team.lease(turn, {id: leases.newId(), ...lease});
    leases.hold(attempt);
    dispatcher.started(lease.means);
    upkeep.leased(turn, attempt);
    assign(turn, attempt);
    return attempt;
  }

  /** The fairest team first. */
  #bind(turn: Turn): void {
    const {teams, dispatcher, upkeep} = this.#options;
    const blocked = new Set<Team>();
    while (!dispatcher.isFull) {
      const team = fairest(teams.active.values(), blocked);
      if (!team) break;
      const opening = dispatcher.nextOf(team, goesBefore);
      if (!opening) {
        blocked.add(team);
        continue;
      }
      const {task, options} = opening;
      team.ready.take(opening.of);
      const selection = team.selection.engage(task, {
        now: turn.now,
        options,
        strategy: team.settings.strategy,
        leftMs: team.timeLeftMs(turn.now),
        barred: upkeep.barred(team, options),
      });
      const host = selection?.agent.host ?? null;
      if (!selection || host === null)
        throw new Error(`Internal error: ${team.spec.name} has no free agent with a host`);
      const {agent, why} = selection;
      const means = options.find(({group}) => group === agent.group)?.means;
      this.start(turn, team, {task, agent, host, means, why});
    }
  }

  /** What an hour may cost is used up: it goes on when enough of that is more than an hour ago. */
  #awaitHour(team: Team): void {
    if ((team.budget.limit.perHour ?? null) === null || team.ending !== null) return;
    const {dispatcher, deadlines} = this.#options;
    for (const ready of team.ready.classes()) {
      const atMs = dispatcher.obstacle(team, ready)?.untilMs;
      if (atMs !== undefined && Number.isFinite(atMs)) deadlines.look({atMs, teamId: team.id, of: 'hour'});
    }
  }

  #endIfStuck(turn: Turn, team: Team): void {
    const {dispatcher, endings, pauses} = this.#options;
    const why = stuckFor(team, dispatcher);
    if (why === 'no-agents') endings.end(turn, team, {by: why});
    if (why !== 'budget') return;
    if (team.settings.onBudget === 'stop') endings.end(turn, team, {by: why, detail: budgetText(team, 'end')});
    else pauses.pause(turn, team, budgetText(team, 'pause'));
  }
}
