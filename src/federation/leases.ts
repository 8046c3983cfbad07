import {type AttemptId, attemptId, type HostId} from '../model/ids.ts';
import type {Attempt} from './team.ts';
import type {Turn} from './turn.ts';

/** The open leases of all teams. Their numbers are used once, so that a report on one that has ended is known as such. */
export class Leases {
  readonly #open = new Map<AttemptId, Attempt>();
  #nextId: number;

  constructor(nextId: number) {
    this.#nextId = nextId;
  }

  get open(): ReadonlyMap<AttemptId, Attempt> {
    return this.#open;
  }

  newId(): AttemptId {
    const id = attemptId(this.#nextId);
    this.#nextId += 1;
    return id;
  }

  hold(attempt: Attempt): void {
    this.#open.set(attempt.id, attempt);
  }

  end({id}: Attempt): void {
    this.#open.delete(id);
  }

  /** Hosts name attempts by bare numbers. */
  heldBy(hostId: HostId, id: number): Attempt | undefined {
    const attempt = this.#open.get(attemptId(id));
    return attempt?.host === hostId ? attempt : undefined;
  }

  /** The fence: only the host that holds the lease is heard about an attempt, and only while the lease is open. */
  heard(turn: Turn, {hostId, id, report}: {hostId: HostId; id: AttemptId; report: string}): Attempt | null {
    const attempt = this.#open.get(id);
    if (attempt?.host === hostId) return attempt;
    const why = attempt ? 'wrong-host' : id < this.#nextId ? 'not-current' : 'unknown-attempt';
    turn.emit(null, {type: 'report-rejected', attempt: id, report, why});
    return null;
  }
}
