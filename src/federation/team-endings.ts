import type {StopReason} from '../model/failure.ts';
import type {TeamId} from '../model/ids.ts';
import type {AnomalyWatch} from './anomaly-watch.ts';
import {stopAttempts} from './attempt-stops.ts';
import {finalView} from './dashboard.ts';
import type {Deadlines} from './deadlines.ts';
import type {RequestId} from './engine-io.ts';
import type {Pool} from './pool.ts';
import type {Team} from './team.ts';
import type {TeamScaler} from './team-scaler.ts';
import type {Teams} from './teams.ts';
import type {Turn} from './turn.ts';
import type {Upkeep} from './upkeep.ts';

export interface TeamEndingsOptions {
  readonly teams: Teams;
  readonly pool: Pool;
  readonly deadlines: Deadlines;
  readonly scaler: TeamScaler;
  readonly upkeep: Upkeep;
  readonly anomalies: AnomalyWatch;
}

/** Ends teams, early or when nothing is left of them to do, and answers those who wait for that. */
export class TeamEndings {
  readonly #options: TeamEndingsOptions;
  readonly #waiting = new Map<TeamId, RequestId[]>();

  constructor(options: TeamEndingsOptions) {
    this.#options = options;
  }

  /** The request is answered when the team is over. */
  answerWhenOver(request: RequestId, id: TeamId): void {
    const requests = this.#waiting.get(id);
    if (requests) requests.push(request);
    else this.#waiting.set(id, [request]);
  }

  /** Cancels what has not started, stops what runs; the team is over when the last attempt has ended. */
  end(turn: Turn, team: Team, {by, detail = null}: {by: StopReason; detail?: string | null}): void {
    team.end(turn, by, detail);
    stopAttempts(turn, team.attempts.values(), {by, reach: this.#options.pool});
    this.settle(turn, team);
  }

  /** To be called after whatever may have ended tasks of the team. */
  settle(turn: Turn, team: Team): void {
    if (team.ending === null) {
      const {failFast, maxFailures} = team.spec;
      const {countedFailures} = team.tally;
      if (failFast && countedFailures > 0) return this.end(turn, team, {by: 'fail-fast'});
      if (maxFailures !== null && countedFailures >= maxFailures) return this.end(turn, team, {by: 'max-failures'});
    }
    const {active} = this.#options.teams;
    if (team.isOver && active.has(team.id)) return this.#finish(turn, team);
    if (active.has(team.id)) team.becomes(turn);
    if (team.ending === null && team.agents.areAllGone) this.end(turn, team, {by: 'no-agents'});
  }

  #finish(turn: Turn, team: Team): void {
    const {teams, pool, deadlines, scaler, upkeep, anomalies} = this.#options;
    const view = finalView(team, turn.now);
    teams.finish(view);
    deadlines.dropTeam(team.id);
    scaler.forget(team.id);
    upkeep.teamOver(team);
    anomalies.teamOver(team.id);
    turn.record({kind: 'team-finished', id: team.id, state: view.state, atMs: turn.now.wallMs, view});
    turn.emit(team.id, {type: 'team-finished', state: view.state});
    pool.close(turn, team);
    turn.effect({type: 'team-over', teamId: team.id, view});
    for (const request of this.#waiting.get(team.id) ?? []) {
      turn.effect({type: 'answer', request, result: {ok: true, value: view}});
    }
    this.#waiting.delete(team.id);
    teams.removeOldest(turn);
  }
}
