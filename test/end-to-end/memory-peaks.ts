import {readFileSync} from 'node:fs';
import {processesOf} from '../rig/rig-processes.ts';

/** The most memory that godel's own processes and the agents' took at a time, in bytes (PSS). */
export interface MemoryPeaks {
  readonly godel: number;
  readonly agents: number;
}

/** Looks twice a second at everything that was started from a rig's folder, until it is disposed of. */
export class MemoryWatch implements Disposable {
  readonly #folder: string;
  readonly #timer: NodeJS.Timeout;
  #peaks: MemoryPeaks = {godel: 0, agents: 0};

  constructor(folder: string) {
    this.#folder = folder;
    this.#timer = setInterval(() => this.#look(), 500);
  }

  get peaks(): MemoryPeaks {
    return this.#peaks;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    let godel = 0;
    let agents = 0;
    for (const {pid, command} of processesOf(this.#folder)) {
      if (/\/(daemon|host|godel)\.js( |$)/.test(command)) godel += pssOf(pid);
      else agents += pssOf(pid);
    }
    this.#peaks = {godel: Math.max(godel, this.#peaks.godel), agents: Math.max(agents, this.#peaks.agents)};
  }
}

function pssOf(pid: number): number {
  try {
    return Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1] ?? 0) * 1024;
  } catch {
    // It has ended between being listed and being looked at.
    return 0;
  }
}
