/** Arrivals that are this close together count as one moment. */
const TOGETHER_MS = 100;
/** So many moments at most are told apart; what came before the oldest is taken to have come with it. */
const MOST_MOMENTS = 1000;

interface Moment {
  readonly atMs: number;
  count: number;
}

/**
 * How long the tasks of a queue have waited, from its length alone: whoever has waited for longest is taken to go first. That
 * is not the order in which tasks go, but it needs nothing to be kept for each of a hundred thousand.
 */
export class QueueWaits {
  /** Oldest first; the counts sum up to the length. */
  readonly #moments: Moment[] = [];
  #length = 0;

  /** The queue is so long now, and so many have left it since it was last said. */
  note({length, left, nowMs}: {readonly length: number; readonly left: number; readonly nowMs: number}): void {
    const arrived = Math.max(0, length - this.#length + left);
    if (arrived > 0) this.#arrive(arrived, nowMs);
    this.#drop(this.#length + arrived - length);
    this.#length = length;
  }

  /** The wait that nine of ten have not exceeded; 0 when nobody waits. */
  p90(nowMs: number): number {
    let longer = Math.floor(this.#length / 10) + 1;
    for (const {atMs, count} of this.#moments) {
      longer -= count;
      if (longer <= 0) return nowMs - atMs;
    }
    return 0;
  }

  #arrive(count: number, nowMs: number): void {
    const last = this.#moments.at(-1);
    if (last && nowMs - last.atMs < TOGETHER_MS) last.count += count;
    else this.#moments.push({atMs: nowMs, count});
    if (this.#moments.length <= MOST_MOMENTS) return;
    const [oldest, next] = this.#moments.splice(0, 2);
    if (oldest && next) this.#moments.unshift({atMs: next.atMs, count: oldest.count + next.count});
  }

  #drop(count: number): void {
    let left = count;
    let empty = 0;
    for (const moment of this.#moments) {
      const some = Math.min(left, moment.count);
      moment.count -= some;
      left -= some;
      if (moment.count > 0) break;
      empty += 1;
    }
    if (empty > 0) this.#moments.splice(0, empty);
  }
}
