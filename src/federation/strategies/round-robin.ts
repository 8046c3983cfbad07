import {lowestOfAll} from './compare.ts';
import type {Choice, Pool, Strategy} from './strategy.ts';

/** One after the other in the order in which they came; who is not free is passed over. */
export class RoundRobinStrategy implements Strategy {
  readonly name = 'round-robin';

  join(): void {
    // Whose turn it is stands with each agent.
  }

  leave(): void {
    // Likewise.
  }

  choose(pools: readonly Pool[]): Choice | null {
    return lowestOfAll(pools, ({turn}) => turn);
  }
}
