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
  const areas = tasks.map(({id, touches}) => ({id, touches, globs: given(touches).map(placed)}));
  let found = 0;
  let pairs = 0;
  for (const [index, a] of areas.entries()) {
    for (const b of areas.slice(index + 1)) {
      if (++pairs > MAX_PAIRS) return {conflicts, omitted: found - conflicts.length};
      const globs = commonGlobs(a, b);
      if (globs === null || !mayRunTogether(a.id, b.id)) continue;
      found++;
      if (conflicts.length < limit) conflicts.push({tasks: [a.id, b.id], globs});
    }
  }
  return {conflicts, omitted: found - conflicts.length};
}

interface PlacedGlob {
  readonly glob: string;
  /** What every path that it means begins with: most pairs are told apart by it. */
  readonly start: string;
}

function placed(glob: string): PlacedGlob {
  return {glob, start: /^[^*?[{(!@+\\]*/.exec(glob.replace(/^(?:\.?\/)+/, ''))?.[0].replace(/\/+$/, '') ?? ''};
}

interface Area {
  readonly touches: Touches;
  readonly globs: readonly PlacedGlob[];
}

function commonGlobs(a: Area, b: Area): readonly [string, string] | null {
  for (const one of a.globs) {
    for (const other of b.globs) {
      if (!one.start.startsWith(other.start) && !other.start.startsWith(one.start)) continue;
      if (!globsOverlap(one.glob, other.glob)) continue;
      if (!isExcepted(one.glob, b.touches) && !isExcepted(other.glob, a.touches)) return [one.glob, other.glob];
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
