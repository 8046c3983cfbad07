import type {Use} from './attempt-memory.ts';

/** What is used in so many milliseconds is told together: many short attempts are given the same. */
const TOGETHER_MS = 1000;
/** Memories that are told at once, at the latest. */
const MAX_EPISODES = 1000;
/** Statements that are known to have been made, the last ones. */
const MAX_KNOWN = 10_000;

/** Counts uses for a while, each statement once, and tells how often each memory was used. */
export class UseTally {
  readonly #tell: (episode: string, count: number) => void;
  readonly #known = new Set<string>();
  #counts = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(tell: (episode: string, count: number) => void) {
    this.#tell = tell;
  }

  add({id, episode}: Use): void {
    if (this.#known.has(id)) return;
    this.#known.add(id);
    const [oldest] = this.#known;
    if (this.#known.size > MAX_KNOWN && oldest !== undefined) this.#known.delete(oldest);
    this.#counts.set(episode, (this.#counts.get(episode) ?? 0) + 1);
    this.#timer ??= setTimeout(() => this.flush(), TOGETHER_MS).unref();
    if (this.#counts.size >= MAX_EPISODES) this.flush();
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const counts = this.#counts;
    this.#counts = new Map();
    for (const [episode, count] of counts) this.#tell(episode, count);
  }
}
