import type {TaskNode} from './task-node.ts';

/** The order in which ready tasks of a team go: priority, then highest rank (critical path first), then plan order. */
export function goesBefore(a: TaskNode, b: TaskNode): boolean {
  if (a.spec.priority !== b.spec.priority) return a.spec.priority > b.spec.priority;
  if (a.rank !== b.rank) return a.rank > b.rank;
  return a.seq < b.seq;
}

/** What fair sharing between teams looks at. */
export interface Contender {
  /** It has a ready task and a free agent. */
  readonly canStart: boolean;
  /** Attempts it has running. */
  readonly running: number;
}

/**
 * The team whose turn it is when something is scarce that teams share: the one with the fewest attempts running, the
 * earlier one among equals; so each gets the same share unless it has less to do. O(teams).
 */
export function fairest<T extends Contender>(teams: Iterable<T>, blocked: ReadonlySet<T>): T | null {
  let best: T | null = null;
  for (const team of teams) {
    if (team.canStart && !blocked.has(team) && (best === null || team.running < best.running)) best = team;
  }
  return best;
}
