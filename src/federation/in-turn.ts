import {type Agent, freeSlots} from './agent.ts';

/** Chooses the agent for the next task among those of a group that are free. */
interface Turns {
  /** The agent has become free. Offering it twice is the same as once. */
  offer(agent: Agent): void;
  /** Takes a free agent out, or null when there is none. Agents that are no longer free are passed over. */
  take(): Agent | null;
}

/** Free agents in turn: the one that has been free longest is next. Amortised O(1). */
export class InTurn implements Turns {
  #queue: Agent[] = [];
  #head = 0;
  readonly #queued = new Set<Agent>();

  offer(agent: Agent): void {
    if (this.#queued.has(agent)) return;
    this.#queued.add(agent);
    this.#queue.push(agent);
  }

  take(): Agent | null {
    for (let agent = this.#queue[this.#head]; agent; agent = this.#queue[this.#head]) {
      this.#head += 1;
      this.#queued.delete(agent);
      if (this.#head > 64 && this.#head * 2 > this.#queue.length) {
        this.#queue = this.#queue.slice(this.#head);
        this.#head = 0;
      }
      if (freeSlots(agent) > 0) return agent;
    }
    return null;
  }
}
