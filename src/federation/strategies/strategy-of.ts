import {never} from '../../base/never.ts';
import type {Random} from '../../base/random.ts';
import type {StrategyChoice} from '../../model/strategy.ts';
import {ConsistentHashStrategy} from './consistent-hash.ts';
import {LeastConnectionsStrategy} from './least-connections.ts';
import {PeakEwmaStrategy} from './peak-ewma.ts';
import {PowerOfTwoStrategy} from './power-of-two.ts';
import {RoundRobinStrategy} from './round-robin.ts';
import type {Strategy} from './strategy.ts';
import {WeightedStrategy} from './weighted.ts';

/** The strategy of that name, knowing nobody yet. */
export function strategyOf({name, weights}: StrategyChoice, random: Random): Strategy {
  switch (name) {
    case 'round-robin':
      return new RoundRobinStrategy();
    case 'least-connections':
      return new LeastConnectionsStrategy({random});
    case 'weighted':
      return new WeightedStrategy({random, ...(weights ? {weights} : {})});
    case 'consistent-hash':
      return new ConsistentHashStrategy();
    case 'power-of-two':
      return new PowerOfTwoStrategy({random});
    case 'peak-ewma':
      return new PeakEwmaStrategy({random});
    default:
      return never(name);
  }
}
