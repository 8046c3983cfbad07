import type {Budget} from '../model/budget.ts';
import {tellPauses} from './attempt-stops.ts';
import type {Deadlines} from './deadlines.ts';
import type {Pool} from './pool.ts';
import type {Team} from './team.ts';
import {goingOn} from './team-settings.ts';
import {started, stopped} from './team-timer.ts';
import type {Turn} from './turn.ts';

export interface PausesOptions {
  readonly pool: Pool;
  readonly deadlines: Deadlines;
}

/** Whole teams that are held and go on: what they run, and the clock of their timeout. */
export class Pauses {
  readonly #options: PausesOptions;

  constructor(options: PausesOptions) {
    this.#options = options;
  }

  /** Nothing of the team starts any more, and what runs is held. `why`: it is godel that pauses it. */
  pause(turn: Turn, team: Team, why: string | null): void {
    if (team.isPaused) return;
    team.change(turn, {...team.settings, paused: true, ...(why === null ? {} : {pausedBecause: why})});
    team.becomes(turn, stopped(team.timer, turn.now));
    turn.emit(team.id, {type: 'team-paused', why});
    tellPauses(turn, team.attempts.values(), this.#options.pool);
  }

  /** `budget` takes the place of the team's, also when it is not paused. */
  resume(turn: Turn, team: Team, budget: Budget | null): void {
    const wasPaused = team.isPaused;
    if (!wasPaused && budget === null) return;
    team.change(turn, goingOn(team.settings), budget);
    if (!wasPaused) return;
    team.becomes(turn, started(team.timer, turn.now));
    turn.emit(team.id, {type: 'team-resumed'});
    this.watch(turn, team);
    tellPauses(turn, team.attempts.values(), this.#options.pool);
  }

  /** Sees to the end of the team's time, as long as its clock runs. */
  watch(turn: Turn, team: Team): void {
    const leftMs = team.timeLeftMs(turn.now);
    if (leftMs === null || team.timer.since === null) return;
    this.#options.deadlines.add({atMs: turn.now.monoMs + leftMs, kind: 'team-timeout', teamId: team.id});
  }
}
