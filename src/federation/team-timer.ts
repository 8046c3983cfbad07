import type {Now} from '../base/clock.ts';

/** How much of its time a team has used: the clock of its timeout, which stands still while the team is paused. */
export interface TeamTimer {
  /** Before `since`. */
  readonly usedMs: number;
  /** Null: it stands still. */
  readonly since: Now | null;
}

export function usedMs({usedMs: before, since}: TeamTimer, now: Now): number {
  return since === null ? before : before + Math.max(0, now.monoMs - since.monoMs);
}

export function stopped(timer: TeamTimer, now: Now): TeamTimer {
  return {usedMs: usedMs(timer, now), since: null};
}

export function started(timer: TeamTimer, now: Now): TeamTimer {
  return timer.since === null ? {...timer, since: now} : timer;
}
