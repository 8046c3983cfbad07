import {lowestOfAll} from './compare.ts';
import type {Choice, Contestant, Pool, Strategy} from './strategy.ts';

/** One after the other in the order in which they came; who is not free is passed over. */
export class RoundRobinStrategy implements Strategy {
  readonly name = 'round-robin';
  /** The turn each had last; of those that had none, the order in which they came. */
  readonly #turns = new Map<Contestant, number>();
  #turn = 0;

  join(contestant: Contestant): void {
    if (this.#turns.has(contestant)) return;
    this.#turn += 1;
    this.#turns.set(contestant, this.#turn);
  }

  leave(contestant: Contestant): void {
    this.#turns.delete(contestant);
  }

  choose(pools: readonly Pool[]): Choice | null {
    const choice = lowestOfAll(pools, contestant => this.#turns.get(contestant) ?? 0);
    if (!choice) return null;
    this.#turn += 1;
    this.#turns.set(choice.chosen, this.#turn);
    return choice;
  }
}
