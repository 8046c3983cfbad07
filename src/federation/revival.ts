import {ok, type Result} from '../base/result.ts';
import type {Failure} from '../model/failure.ts';
import type {StoredTeam} from '../model/record.ts';
import type {TeamView} from '../model/team-view.ts';
import {restoreTeam, type RestoreOptions} from './restore-team.ts';
import {nextRound, type RetryWish} from './rounds.ts';
import type {TaskNode} from './task-node.ts';
import type {Team} from './team.ts';
import {goingOn} from './team-settings.ts';
import type {Turn} from './turn.ts';

/** A team that was over, and the tasks with which it goes on. */
export interface Revival {
  readonly team: Team;
  readonly tasks: readonly TaskNode[];
}

/** Finds what a team that is over would go on with; nothing is recorded yet. */
export function findRevival(
  stored: StoredTeam,
  {wish, ...options}: RestoreOptions & {readonly wish: RetryWish},
): Result<Revival, Failure> {
  const team = restoreTeam(stored, options);
  const tasks = nextRound(team, wish);
  return tasks.ok ? ok({team, tasks: tasks.value}) : tasks;
}

/** The team is at work again, its clocks as if it had not been over meanwhile; its timeout begins anew. */
export function revive(turn: Turn, {team, tasks}: Revival, {bootId, last}: {bootId: string; last: TeamView}): void {
  const {now} = turn;
  team.ending = null;
  team.endedBecause = null;
  team.startedAt = {wallMs: team.startedAt.wallMs, monoMs: now.monoMs - last.durationMs};
  team.timer = {usedMs: 0, since: now};
  team.state = 'running';
  const timer = {usedMs: 0, since: {...now, bootId}};
  const startedAt = {...team.startedAt, bootId};
  turn.record({kind: 'team-revived', id: team.id, state: team.state, startedAt, timer});
  turn.emit(team.id, {type: 'team-revived'});
  if (team.settings.paused) team.change(turn, goingOn(team.settings));
  team.beginRound(turn, tasks);
}
