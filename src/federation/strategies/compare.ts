import type {Random} from '../../base/random.ts';
import type {Choice, Compared, Contestant, Pool} from './strategy.ts';

/** How many are remembered of those that were compared. */
const SHOWN = 5;
/** With more free agents than this, as many from a random place on are compared: choosing stays cheap, and as good as best. */
const COMPARED_AT_MOST = 500;

/** What is compared of somebody; lower is better. */
export type Score = (contestant: Contestant, pool: Pool) => number;

/** How many are free in all of them together. */
export function freeIn(pools: readonly Pool[]): number {
  let count = 0;
  for (const {free} of pools) count += free.size;
  return count;
}

/** Where somebody stands who is the `place`th of all pools together. */
export function memberAt(pools: readonly Pool[], place: number): {contestant: Contestant; pool: Pool} | null {
  let left = place;
  for (const pool of pools) {
    const contestant = left < pool.free.size ? pool.free.at(left) : undefined;
    if (contestant) return {contestant, pool};
    left -= pool.free.size;
  }
  return null;
}

/** The one with the lowest score; of equals the one whose turn is longest ago. */
export function lowest(pools: readonly Pool[], score: Score, random: Random): Choice | null {
  const size = freeIn(pools);
  if (size === 0) return null;
  const skip = size > COMPARED_AT_MOST ? Math.floor(random() * size) : 0;
  return lowestFrom(pools, score, {skip, most: COMPARED_AT_MOST});
}

/** Likewise, however many there are. */
export function lowestOfAll(pools: readonly Pool[], score: Score): Choice | null {
  return lowestFrom(pools, score, {skip: 0, most: Number.POSITIVE_INFINITY});
}

/** Looks at `most` of them, from the place after `skip` others on and round to that place again. */
function lowestFrom(pools: readonly Pool[], score: Score, {skip, most}: {skip: number; most: number}): Choice | null {
  const best = new Best();
  let toSkip = skip;
  let left = most;
  const look = (pool: Pool, {from, to}: {from: number; to: number}) => {
    for (let place = from; place < to && left > 0; place += 1) {
      const contestant = pool.free.at(place);
      if (!contestant) return;
      left -= 1;
      best.offer(contestant, score(contestant, pool));
    }
  };
  for (const pool of pools) {
    const from = Math.min(toSkip, pool.free.size);
    toSkip -= from;
    look(pool, {from, to: pool.free.size});
  }
  toSkip = skip;
  for (const pool of pools) {
    const to = Math.min(toSkip, pool.free.size);
    toSkip -= to;
    look(pool, {from: 0, to});
  }
  return best.choice();
}

/** The lowest scores so far, in order. */
class Best {
  readonly #scores: number[] = [];
  readonly #contestants: Contestant[] = [];

  offer(contestant: Contestant, score: number): void {
    const scores = this.#scores;
    let place = scores.length;
    while (place > 0 && this.#isBefore(score, contestant.turn, place - 1)) place -= 1;
    if (place >= SHOWN) return;
    scores.splice(place, 0, score);
    this.#contestants.splice(place, 0, contestant);
    if (scores.length > SHOWN) {
      scores.pop();
      this.#contestants.pop();
    }
  }

  #isBefore(score: number, turn: number, place: number): boolean {
    const other = this.#scores[place] ?? 0;
    return score === other ? turn < (this.#contestants[place]?.turn ?? 0) : score < other;
  }

  choice(): Choice | null {
    const [chosen] = this.#contestants;
    if (!chosen) return null;
    const compared: Compared[] = this.#contestants.map((contestant, index) => ({
      contestant,
      score: this.#scores[index] ?? 0,
    }));
    return {chosen, compared};
  }
}
