import {type Autoscale, DEFAULT_AUTOSCALE} from '../model/autoscale.ts';
import {STRATEGY_NAMES, type StrategyChoice} from '../model/strategy.ts';
import type {TeamSpec} from '../model/team.ts';
import type {Dice} from './dice.ts';
import type {Faults} from './faults.ts';

/** What somebody asks of a team while it is at work. */
export type Order =
  | {readonly what: 'count'; readonly count: number; readonly group?: string}
  | {readonly what: 'autoscale'; readonly autoscale: Autoscale | 'off'}
  | {readonly what: 'strategy'; readonly strategy: StrategyChoice}
  /** It is resumed after that long. */
  | {readonly what: 'pause'; readonly forMs: number}
  | {readonly what: 'pause-agent'; readonly forMs: number}
  | {readonly what: 'kill' | 'drain' | 'restart'}
  | {readonly what: 'retry'; readonly tasks: 'failed' | 'all' | 'some'};

/** At a time after the spawn, in milliseconds. */
export type TimedOrder = Order & {readonly afterMs: number};

export function randomOrders(dice: Dice, {groups, faults}: {groups: TeamSpec['groups']; faults: Faults}): TimedOrder[] {
  if (!dice.chance(faults.userMeddles)) return [];
  return Array.from({length: dice.whole(1, 8)}, () => ({
    ...randomOrder(dice, groups),
    afterMs: dice.spread(20, 200_000),
  }));
}

function randomOrder(dice: Dice, groups: TeamSpec['groups']): Order {
  const what = dice.pick<Order['what']>([
    'count',
    'count',
    'autoscale',
    'strategy',
    'pause',
    'pause-agent',
    'kill',
    'kill',
    'drain',
    'restart',
    'retry',
  ]);
  switch (what) {
    case 'count':
      return {
        what,
        count: dice.pick([0, 1, 2, 5, dice.whole(1, 12)]),
        ...(groups && dice.chance(0.4) ? {group: dice.pick(groups).name} : {}),
      };
    case 'autoscale':
      return {what, autoscale: dice.chance(0.2) ? 'off' : randomAutoscale(dice)};
    case 'strategy':
      return {what, strategy: randomStrategy(dice)};
    case 'pause':
    case 'pause-agent':
      return {what, forMs: dice.spread(50, 120_000)};
    case 'retry':
      return {what, tasks: dice.pick(['failed', 'all', 'some'])};
    default:
      return {what};
  }
}

export function randomAutoscale(dice: Dice): Autoscale {
  const min = dice.pick([0, 0, 1, 1, 2, 4]);
  return {
    ...DEFAULT_AUTOSCALE,
    min,
    max: Math.max(1, min) + dice.pick([0, 1, 3, 8, 30]),
    scaleUpThreshold: dice.pick([0, 0, 1, 5]),
    scaleDownThreshold: dice.pick([0, 0.2, 0.5]),
    idleMs: dice.spread(200, 60_000),
    maxCostPerHour: dice.chance(0.2) ? dice.spread(3, 50) : null,
  };
}

export function randomStrategy(dice: Dice): StrategyChoice {
  const name = dice.pick(STRATEGY_NAMES);
  if (name !== 'weighted' || dice.chance(0.5)) return {name};
  return {name, weights: {speed: dice.whole(0, 3), cost: dice.whole(0, 3), reliability: dice.whole(1, 3)}};
}
