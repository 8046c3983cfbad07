import type {AgentId} from '../model/ids.ts';

/** Failures of tasks that are kept to see what becomes of them, at most. */
const KEPT_TASKS = 5000;
const KEPT_PER_AGENT = 50;

/**
 * Whether a failure is the agent's or the task's. It is the agent's when the task then succeeds elsewhere, and the task's when it
 * fails elsewhere too, with an agent that otherwise does well. Until either is known it is open; many open ones of different tasks,
 * one after the other, speak against an agent whose peers succeed meanwhile.
 */
export class Blame {
  /** Who has failed at a task that has not succeeded since; the oldest first. */
  readonly #failedAt = new Map<string, Set<AgentId>>();
  /** Tasks at which an agent alone has failed since it last succeeded. */
  readonly #open = new Map<AgentId, Set<string>>();

  /** Returns whose failures this proves: those who have failed at the same task before. */
  succeeded(agent: AgentId, task: string): readonly AgentId[] {
    this.#open.delete(agent);
    const failed = this.#failedAt.get(task);
    if (!failed) return [];
    this.#failedAt.delete(task);
    const guilty = [...failed].filter(id => id !== agent);
    for (const id of guilty) this.#open.get(id)?.delete(task);
    return guilty;
  }

  /** Returns what is known of it now: `task` when another one that does well has failed at it too. */
  failed(agent: AgentId, task: string, doesWell: (agent: AgentId) => boolean): 'open' | 'task' {
    const failed = this.#failedAt.get(task) ?? new Set<AgentId>();
    // Put at the end again, so that what is forgotten is what nothing was heard of for longest.
    this.#failedAt.delete(task);
    this.#failedAt.set(task, failed.add(agent));
    if (this.#failedAt.size > KEPT_TASKS) this.#forgetOldest();
    const witnesses = [...failed].filter(doesWell);
    for (const id of failed) {
      if (witnesses.some(witness => witness !== id)) this.#open.get(id)?.delete(task);
    }
    if (witnesses.some(witness => witness !== agent)) return 'task';
    const open = this.#open.get(agent) ?? new Set<string>();
    if (open.size < KEPT_PER_AGENT) open.add(task);
    this.#open.set(agent, open);
    return 'open';
  }

  /** Different tasks at which this agent alone has failed since it last succeeded. */
  streak(agent: AgentId): number {
    return this.#open.get(agent)?.size ?? 0;
  }

  /** What it failed at so far is settled: it starts anew. */
  settle(agent: AgentId): void {
    this.#open.delete(agent);
  }

  #forgetOldest(): void {
    for (const [task, agents] of this.#failedAt) {
      this.#failedAt.delete(task);
      for (const id of agents) this.#open.get(id)?.delete(task);
      return;
    }
  }
}
