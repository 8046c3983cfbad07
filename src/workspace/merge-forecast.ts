import type {Touches} from '../model/task.ts';
import {globsOverlap} from './merge-glob-overlap.ts';

export interface ForecastTask {
  readonly id: string;
  readonly touches: Touches;
}

export interface ForecastOptions {
  /** Whether neither of two tasks waits for the other, so that both may be at work at the same time. */
  readonly mayRunTogether: (a: string, b: string) => boolean;
  /** Most pairs that are named; the others are counted. */
  readonly limit?: number;
}

export interface PossibleConflict {
  readonly tasks: readonly [string, string];
  /** One glob of each that may mean the same file. */
  readonly globs: readonly [string, string];
}

/** Beyond so many pairs nobody looks any further. */
const MAX_PAIRS = 2_000_000;

/** Pairs of tasks that may change the same file at the same time, by their `touches`. */
export function predictConflicts(
  tasks: readonly ForecastTask[],
  {mayRunTogether, limit = 20}: ForecastOptions,
): {readonly conflicts: readonly PossibleConflict[]; readonly omitted: number} {
  const conflicts: PossibleConflict[] = [];
  const known = new Map<string, boolean>();
  let found = 0;
  let pairs = 0;
  for (const [index, a] of tasks.entries()) {
    for (const b of tasks.slice(index + 1)) {
      if (++pairs > MAX_PAIRS) return {conflicts, omitted: found - conflicts.length};
      const globs = commonGlobs(a.touches, b.touches, known);
      if (globs === null || !mayRunTogether(a.id, b.id)) continue;
      found++;
      if (conflicts.length < limit) conflicts.push({tasks: [a.id, b.id], globs});
    }
  }
  return {conflicts, omitted: found - conflicts.length};
}

function commonGlobs(a: Touches, b: Touches, known: Map<string, boolean>): readonly [string, string] | null {
  for (const one of given(a)) {
    for (const other of given(b)) {
      const key = `${one}\0${other}`;
      const overlap = known.get(key) ?? globsOverlap(one, other);
      known.set(key, overlap);
      if (overlap && !isExcepted(one, b) && !isExcepted(other, a)) return [one, other];
    }
  }
  return null;
}

/** Without the exceptions; where there is nothing but exceptions, they are from everything. */
function given({globs}: Touches): readonly string[] {
  const positive = globs.filter(glob => !isException(glob));
  return positive.length === 0 && globs.length > 0 ? ['**'] : positive;
}

/** Whether all that the glob means is in a folder that the other side leaves out. */
function isExcepted(glob: string, {globs}: Touches): boolean {
  return globs.filter(isException).some(exception => {
    const folder = exception.slice(1).replace(/\/(?:\*\*)?$/, '');
    return glob === folder || glob.startsWith(`${folder}/`);
  });
}

function isException(glob: string): boolean {
  return glob.startsWith('!') && !glob.startsWith('!(');
}
