import {never} from '../../base/never.ts';
import type {Failure, StopReason} from '../../model/failure.ts';
import type {AttemptId} from '../../model/ids.ts';
import type {SkipReason, TaskState, TaskStateName} from '../../model/task.ts';
import type {Credits, Work} from '../../model/work.ts';

/** Numbers are for ever: they stand in stores. A state is terminal from `FIRST_TERMINAL` to `LAST_TERMINAL`. */
const CODES = {
  waiting: 0,
  ready: 1,
  'backing-off': 2,
  running: 3,
  verifying: 4,
  expanded: 5,
  succeeded: 6,
  failed: 7,
  skipped: 8,
  cancelled: 9,
  reviewing: 10,
  merging: 11,
} as const satisfies Record<TaskStateName, number>;

export const RUNNING = CODES.running;
export const VERIFYING = CODES.verifying;
export const FIRST_TERMINAL = CODES.succeeded;
export const LAST_TERMINAL = CODES.cancelled;

const NAMES = Object.keys(CODES) as TaskStateName[]; // keys of a const object; its type is wider than they are

/** What a state carries, as a column: a number, or text. */
export type StateDetail = number | string | null;

export function codeOf(name: TaskStateName): number {
  return CODES[name];
}

/** One bit for each state, for filters in SQL. */
export function maskOf(names: readonly TaskStateName[]): number {
  return names.reduce((mask, name) => mask | (1 << CODES[name]), 0);
}

export function detailOf(state: TaskState): StateDetail {
  switch (state.name) {
    case 'waiting':
    case 'ready':
    case 'expanded':
    case 'succeeded':
      return null;
    case 'backing-off':
      return state.untilWallMs;
    case 'running':
    case 'verifying':
      return state.attempt;
    case 'reviewing':
    case 'merging':
      return JSON.stringify({attempt: state.attempt, work: state.work, credits: state.credits});
    case 'failed':
      return JSON.stringify(state.failure);
    case 'skipped':
      return JSON.stringify(state.because);
    case 'cancelled':
      return state.by;
    default:
      return never(state);
  }
}

/** The inverse of `codeOf` and `detailOf`. The casts say what those two have written. */
export function stateOf(code: number, detail: StateDetail): TaskState {
  const name = NAMES[code];
  switch (name) {
    case 'waiting':
    case 'ready':
    case 'expanded':
    case 'succeeded':
      return {name};
    case 'backing-off':
      return {name, untilWallMs: Number(detail)};
    case 'running':
    case 'verifying':
      return {name, attempt: Number(detail) as AttemptId};
    case 'reviewing':
    case 'merging':
      return {name, ...(JSON.parse(String(detail)) as {attempt: AttemptId; work: Work; credits: Credits})};
    case 'failed':
      return {name, failure: JSON.parse(String(detail)) as Failure};
    case 'skipped':
      return {name, because: JSON.parse(String(detail)) as SkipReason};
    case 'cancelled':
      return {name, by: String(detail) as StopReason};
    case undefined:
      throw new Error(`Internal error: the store holds the unknown task state ${code}`);
    default:
      return never(name);
  }
}
