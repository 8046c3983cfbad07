import type {Random} from '../../base/random.ts';
import {lowest} from './compare.ts';
import type {Choice, Contestant, Pool, Strategy} from './strategy.ts';

/** Whoever has the least to do for its slots; among equals whose host has the least to do. */
export class LeastConnectionsStrategy implements Strategy {
  readonly name = 'least-connections';
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
    return lowest(pools, loadOf, this.#random);
  }
}

/** The share of its slots that is at work, a handicap being a part of an attempt; its host's load, at most as much as its slots there, decides among equals. */
export function loadOf({load, slots, hostLoad, handicap}: Contestant): number {
  return (load + handicap - 1) / slots + Math.min(hostLoad / slots, 1) * 1e-3;
}
