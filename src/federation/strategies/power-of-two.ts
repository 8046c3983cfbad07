import type {Random} from '../../base/random.ts';
import {loadOf} from './least-connections.ts';
import {betterOfTwo} from './two-choices.ts';
import type {Choice, Pool, Strategy} from './strategy.ts';

/**
 * The one with less to do of two that are picked at random (Mitzenmacher, "The Power of Two Choices in Randomized Load
 * Balancing", 2001): nearly as even as looking at all, for the price of looking at two.
 */
export class PowerOfTwoStrategy implements Strategy {
  readonly name = 'power-of-two';
  readonly #random: Random;

  constructor({random}: {random: Random}) {
    this.#random = random;
  }

  join(): void {
    // What it compares is what the agents do now.
  }

  leave(): void {
    // Likewise.
  }

  choose(pools: readonly Pool[]): Choice | null {
    return betterOfTwo(pools, loadOf, this.#random);
  }
}
