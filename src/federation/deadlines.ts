import {Heap} from '../base/heap.ts';
import type {HostId, TeamId} from '../model/ids.ts';
import type {TaskNode} from './task-node.ts';

/** What is to happen at a certain time. Whoever handles one that is due first asks whether it still applies. */
export type Deadline =
  | {readonly atMs: number; readonly kind: 'retry'; readonly teamId: TeamId; readonly task: TaskNode}
  /** git failed: the merge is asked for again. */
  | {readonly atMs: number; readonly kind: 'merge'; readonly teamId: TeamId; readonly task: TaskNode}
  | {readonly atMs: number; readonly kind: 'team-timeout'; readonly teamId: TeamId}
  | {readonly atMs: number; readonly kind: 'host-silent'; readonly hostId: HostId; readonly since: number}
  /** Something that may not start yet may then. */
  | {readonly atMs: number; readonly kind: 'look-again'}
  | {readonly atMs: number; readonly kind: 'start-host'; readonly machineId: string};

/** Timers as data: the engine is told the time and asks what is due. `atMs` is monotonic. */
export class Deadlines {
  readonly #heap = new Heap<Deadline>((a, b) => a.atMs < b.atMs);

  add(deadline: Deadline): void {
    this.#heap.push(deadline);
  }

  /** When the next one is due; it may turn out not to apply any more. */
  nextMs(): number | null {
    return this.#heap.peek()?.atMs ?? null;
  }

  takeDue(nowMs: number): Deadline | null {
    const next = this.#heap.peek();
    if (!next || next.atMs > nowMs) return null;
    this.#heap.pop();
    return next;
  }

  /** Forgets what concerns a team that is over. */
  dropTeam(teamId: TeamId): void {
    this.#heap.retain(deadline => !('teamId' in deadline) || deadline.teamId !== teamId);
  }
}
