import {Heap} from '../base/heap.ts';
import type {HostId, TeamId} from '../model/ids.ts';
import type {TaskNode} from './task-node.ts';

/** What is to happen at a certain time. Whoever handles one that is due first asks whether it still applies. */
export type Deadline =
  | {readonly atMs: number; readonly kind: 'retry'; readonly teamId: TeamId; readonly task: TaskNode}
  /** git failed: the merge is asked for again. */
  | {readonly atMs: number; readonly kind: 'merge'; readonly teamId: TeamId; readonly task: TaskNode}
  | {readonly atMs: number; readonly kind: 'team-timeout'; readonly teamId: TeamId}
  | ({readonly kind: 'look'} & Look)
  | {readonly atMs: number; readonly kind: 'host-silent'; readonly hostId: HostId; readonly since: number}
  /** Something that may not start yet may then. */
  | {readonly atMs: number; readonly kind: 'look-again'; readonly teamId: TeamId}
  | {readonly atMs: number; readonly kind: 'start-host'; readonly machineId: string};

/**
 * hour: more may be spent. scale: the team may have to grow or shrink. twin: an attempt may take too long. All are looked at
 * in every turn; this makes one.
 */
export interface Look {
  readonly atMs: number;
  readonly teamId: TeamId;
  readonly of: 'hour' | 'scale' | 'twin';
}

/** Timers as data: the engine is told the time and asks what is due. `atMs` is monotonic. */
export class Deadlines {
  readonly #heap = new Heap<Deadline>((a, b) => a.atMs < b.atMs);

  /** When each team is looked at: all that are in the heap, the next one last. */
  readonly #looks = {
    hour: new Map<TeamId, number[]>(),
    scale: new Map<TeamId, number[]>(),
    twin: new Map<TeamId, number[]>(),
  };

  add(deadline: Deadline): void {
    this.#heap.push(deadline);
  }

  /** As `add`, unless a look of this kind is to come before it anyway: whoever is looked at says anew when the next one is. */
  look({atMs, teamId, of}: Look): void {
    const known = this.#looks[of].get(teamId) ?? [];
    if ((known.at(-1) ?? Number.POSITIVE_INFINITY) <= atMs) return;
    known.push(atMs);
    this.#looks[of].set(teamId, known);
    this.add({atMs, kind: 'look', teamId, of});
  }

  /** When the next one is due; it may turn out not to apply any more. */
  nextMs(): number | null {
    return this.#heap.peek()?.atMs ?? null;
  }

  takeDue(nowMs: number): Deadline | null {
    const next = this.#heap.peek();
    if (!next || next.atMs > nowMs) return null;
    this.#heap.pop();
    if (next.kind === 'look') this.#looks[next.of].get(next.teamId)?.pop();
    return next;
  }

  /** Forgets what concerns a team that is over. */
  dropTeam(teamId: TeamId): void {
    for (const looks of Object.values(this.#looks)) looks.delete(teamId);
    this.#heap.retain(deadline => !('teamId' in deadline) || deadline.teamId !== teamId);
  }
}
