import type {HostId} from '../model/ids.ts';
import type {HostRecord} from '../model/record.ts';
import type {Attempt} from './team.ts';

/**
 * connected: it can be told things. silent: the connection is lost since `sinceMs`, the process may live. ending: it was
 * silent for too long and is being killed. A host that is gone is not in the table any more.
 */
export type HostState =
  | {readonly name: 'connected'}
  | {readonly name: 'silent'; readonly sinceMs: number}
  | {readonly name: 'ending'};

export interface Host {
  readonly record: HostRecord;
  state: HostState;
}

/** A machine on which a host is wanted. */
export interface Machine {
  readonly id: string;
  /** Whether a host has been asked for and has not come yet. */
  starting: boolean;
  /** Starts that failed one after the other. */
  failedStarts: number;
  /** Attempts of dead hosts whose processes nobody has looked for yet. */
  readonly orphans: Set<Attempt>;
}

/** The hosts that are not known to be gone, and their machines. */
export class Hosts {
  readonly #hosts = new Map<HostId, Host>();
  readonly #machines = new Map<string, Machine>();

  get(id: HostId): Host | undefined {
    return this.#hosts.get(id);
  }

  all(): Iterable<Host> {
    return this.#hosts.values();
  }

  machines(): Iterable<Machine> {
    return this.#machines.values();
  }

  machine(id: string): Machine {
    const known = this.#machines.get(id);
    if (known) return known;
    const machine = {id, starting: false, failedStarts: 0, orphans: new Set<Attempt>()};
    this.#machines.set(id, machine);
    return machine;
  }

  put(record: HostRecord, state: HostState): Host {
    const host = {record, state};
    this.#hosts.set(record.id, host);
    return host;
  }

  remove(id: HostId): void {
    this.#hosts.delete(id);
  }

  isConnected(id: HostId | null): boolean {
    return id !== null && this.#hosts.get(id)?.state.name === 'connected';
  }

  connectedOn(machineId: string): Host | null {
    for (const host of this.#hosts.values()) {
      if (host.record.machineId === machineId && host.state.name === 'connected') return host;
    }
    return null;
  }

  /** Whether some host of the machine is connected or may come back. */
  expectedOn(machineId: string): boolean {
    for (const host of this.#hosts.values()) if (host.record.machineId === machineId) return true;
    return false;
  }
}
