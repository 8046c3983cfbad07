import type {Failure} from '../model/failure.ts';
import {type TeamId, teamId} from '../model/ids.ts';
import type {TeamView} from '../model/team-view.ts';
import type {Team} from './team.ts';
import type {Turn} from './turn.ts';

export interface TeamsOptions {
  /** The number of the next team. */
  readonly nextId: number;
  /** Teams that are over and kept, ≥ 1; beyond that the oldest are removed. */
  readonly keep: number;
}

/** All teams that are known, at work or over, and their names. */
export class Teams {
  readonly #active = new Map<TeamId, Team>();
  readonly #over = new Map<TeamId, TeamView>();
  readonly #names = new Map<string, TeamId>();
  readonly #keep: number;
  #nextId: number;

  constructor({nextId, keep}: TeamsOptions) {
    this.#nextId = nextId;
    this.#keep = keep;
  }

  /** Those that are not over. */
  get active(): ReadonlyMap<TeamId, Team> {
    return this.#active;
  }

  newId(): TeamId {
    const id = teamId(this.#nextId);
    this.#nextId += 1;
    return id;
  }

  named(name: string): TeamId | null {
    return this.#names.get(name) ?? null;
  }

  freeName(name: string): string {
    let free = name;
    for (let number = 2; this.#names.has(free); number += 1) free = `${name}-${number}`;
    return free;
  }

  /** As it was when it ended; undefined: it is at work, or not known. */
  over(id: TeamId): TeamView | undefined {
    return this.#over.get(id);
  }

  /** Over or not, oldest first. */
  ids(): TeamId[] {
    return [...this.#over.keys(), ...this.#active.keys()].sort((a, b) => a - b);
  }

  /** Why nothing can be changed of a team that is not at work. */
  notAtWork(id: TeamId): Failure {
    const view = this.#over.get(id);
    if (view) return {reason: 'team-over', name: view.team, state: view.state};
    return {reason: 'team-not-found', name: `#${id}`, known: [...this.#names.keys()]};
  }

  /** It is at work, whether or not it was over. */
  add(team: Team): void {
    this.#over.delete(team.id);
    this.#active.set(team.id, team);
    this.#names.set(team.spec.name, team.id);
  }

  /** It is over. */
  finish(view: TeamView): void {
    this.#active.delete(view.teamId);
    this.#over.set(view.teamId, view);
    this.#names.set(view.team, view.teamId);
  }

  remove(turn: Turn, {teamId: id, team}: TeamView): void {
    this.#over.delete(id);
    this.#names.delete(team);
    turn.record({kind: 'team-removed', id});
  }

  removeOldest(turn: Turn): void {
    for (const view of this.#over.values()) {
      if (this.#over.size <= this.#keep) return;
      this.remove(turn, view);
      turn.effect({type: 'forget-team', teamId: view.teamId, name: view.team});
    }
  }
}
