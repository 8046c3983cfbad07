import {readClock} from '../../base/clock.ts';
import type {Memory} from '../../model/episode.ts';
import type {TeamId} from '../../model/ids.ts';
import type {TaskSpec} from '../../model/task.ts';

/** Of each second so many milliseconds may go into searches for commands, and so many may be saved up. */
const SHARE = 0.1;
const MOST_SAVED_MS = 200;
/** How long an answer is shared, in milliseconds. */
const FRESH_MS = 1000;
const MAX_KEPT = 100;

/** Who asks: an attempt at a task of a team's plan; `means` is absent for a command. */
export interface Asker {
  readonly teamId: TeamId;
  readonly task: {readonly spec: TaskSpec; readonly means?: unknown};
}

/**
 * What was found lately. Many short commands of one task, a `foreach` over ten thousand lines, would spend more on searches than on
 * themselves: beyond a tenth of the time they share what was found for one of them within the last second. Prompts always search.
 */
export class Lately {
  readonly #nowMs: () => number;
  readonly #found = new Map<string, {readonly atMs: number; readonly memories: readonly Memory[]}>();
  #savedMs = MOST_SAVED_MS;
  #atMs: number;

  /** `nowMs`: monotonic milliseconds. */
  constructor(nowMs: () => number = () => readClock().monoMs) {
    this.#nowMs = nowMs;
    this.#atMs = nowMs();
  }

  /** What may be given without a search; null: it is to be searched for. */
  of(asker: Asker): readonly Memory[] | null {
    if (asker.task.means !== undefined) return null;
    this.#refill();
    if (this.#savedMs > 0) return null;
    const known = this.#found.get(keyOf(asker));
    return known && this.#nowMs() - known.atMs <= FRESH_MS ? known.memories : null;
  }

  /** A search has found this, and has taken so long. */
  found(asker: Asker, {found, tookMs}: {readonly found: readonly Memory[]; readonly tookMs: number}): void {
    if (asker.task.means !== undefined) return;
    this.#refill();
    this.#savedMs = Math.max(-MOST_SAVED_MS, this.#savedMs - tookMs);
    const key = keyOf(asker);
    this.#found.delete(key);
    this.#found.set(key, {atMs: this.#nowMs(), memories: found});
    const [oldest] = this.#found.keys();
    if (this.#found.size > MAX_KEPT && oldest !== undefined) this.#found.delete(oldest);
  }

  #refill(): void {
    const nowMs = this.#nowMs();
    this.#savedMs = Math.min(MOST_SAVED_MS, this.#savedMs + (nowMs - this.#atMs) * SHARE);
    this.#atMs = nowMs;
  }
}

function keyOf({teamId, task}: Asker): string {
  return `${teamId} ${task.spec.id}`;
}
