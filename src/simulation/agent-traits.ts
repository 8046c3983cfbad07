import type {AgentId} from '../model/ids.ts';
import {Dice} from './dice.ts';
import type {Faults} from './faults.ts';

/** How an agent does whatever it is given. */
export interface AgentTrait {
  readonly name: 'healthy' | 'slow' | 'flaky' | 'hanging' | 'black hole';
  /** Everything takes it so many times as long. */
  readonly pace: number;
  /** How often it spoils what would have succeeded, and hangs. */
  readonly spoils: number;
  readonly hangs: number;
}

const HEALTHY: AgentTrait = {name: 'healthy', pace: 1, spoils: 0, hangs: 0};

/** The same for the same agent, for as long as there are faults. */
export function traitOf(agent: AgentId, {seed, faults}: {seed: number; faults: Faults}): AgentTrait {
  const dice = new Dice(seed, `trait of ${agent}`);
  if (!dice.chance(faults.badAgent)) return HEALTHY;
  const name = dice.pick(['slow', 'slow', 'flaky', 'hanging', 'black hole'] as const);
  switch (name) {
    case 'slow':
      return {...HEALTHY, name, pace: dice.spread(2, 40)};
    case 'flaky':
      return {...HEALTHY, name, spoils: dice.between(0.2, 0.8)};
    case 'hanging':
      return {...HEALTHY, name, hangs: dice.between(0.2, 0.8)};
    case 'black hole':
      return {...HEALTHY, name, pace: 0.001, spoils: 1};
  }
}
