import {type Command, Option} from 'commander';
import type {ScaleRequest} from '../api/contract.ts';
import {type Autoscale, MOST_QUEUED, type OnBudget} from '../model/autoscale.ts';
import {GodelError} from '../model/failure.ts';
import {parseWeights, STRATEGY_NAMES, type StrategyChoice, type StrategyName, type Weights} from '../model/strategy.ts';
import {amount, duration, wholeNumber} from './option-values.ts';

/** When a team is to grow and shrink, as `team spawn` and `team scale` are told. */
export interface AutoscaleOptions {
  readonly min?: number;
  readonly max?: number;
  readonly scaleUpThreshold?: number;
  readonly scaleDownThreshold?: number;
  readonly idle?: number;
  readonly maxCostPerHour?: number;
}

export interface StrategyOptions {
  readonly strategy?: StrategyName;
  readonly weights?: Weights;
}

export interface SpawnScaleOptions extends AutoscaleOptions, StrategyOptions {
  readonly autoscale?: boolean;
  readonly onBudget?: OnBudget;
}

export interface ScaleOptions extends AutoscaleOptions, StrategyOptions {
  readonly count?: number;
  readonly group?: string;
  readonly autoscale?: 'on' | 'off';
}

/** The options that say when a team grows and shrinks, and how the agent for a task is chosen. */
export function withScaleOptions(command: Command): Command {
  return command
    .option('--min <n>', 'auto-scaling: agents that it always has', wholeNumber('--min', {min: 0}))
    .option('--max <n>', 'auto-scaling: agents that it never has more of', wholeNumber('--max', {min: 1}))
    .option(
      '--scale-up-threshold <n>',
      'auto-scaling: it grows when more tasks than this wait for an agent',
      wholeNumber('--scale-up-threshold', {min: 0, max: MOST_QUEUED}),
    )
    .option(
      '--scale-down-threshold <share>',
      'auto-scaling: it shrinks when less of its slots than this is at work, 0 to 1',
      share('--scale-down-threshold'),
    )
    .option('--idle <duration>', 'auto-scaling: an agent that was idle this long may go', duration('--idle'))
    .option(
      '--max-cost-per-hour <usd>',
      'auto-scaling: it does not grow beyond this cost of an hour, in USD',
      amount('--max-cost-per-hour'),
    )
    .addOption(
      new Option('--strategy <name>', 'how the agent for a task is chosen; see docs/teams.md').choices(STRATEGY_NAMES),
    )
    .option('--weights <list>', 'with --strategy weighted: for example speed=3,cost=1,reliability=2', weights);
}

/** What of auto-scaling was asked for; null: nothing. */
export function autoscaleOf(options: AutoscaleOptions): Partial<Autoscale> | null {
  const {min, max, scaleUpThreshold, scaleDownThreshold, idle, maxCostPerHour} = options;
  if (min !== undefined && max !== undefined && min > max) {
    throw new GodelError({reason: 'usage', message: `--min ${min} is more than --max ${max}`});
  }
  const asked: Partial<Autoscale> = {
    ...(min === undefined ? {} : {min}),
    ...(max === undefined ? {} : {max}),
    ...(scaleUpThreshold === undefined ? {} : {scaleUpThreshold}),
    ...(scaleDownThreshold === undefined ? {} : {scaleDownThreshold}),
    ...(idle === undefined ? {} : {idleMs: idle}),
    ...(maxCostPerHour === undefined ? {} : {maxCostPerHour}),
  };
  return Object.keys(asked).length === 0 ? null : asked;
}

export function strategyOf({strategy, weights: given}: StrategyOptions): StrategyChoice | null {
  if (given !== undefined && (strategy ?? 'weighted') !== 'weighted') {
    throw new GodelError({reason: 'usage', message: `--weights is for --strategy weighted, not for ${strategy}`});
  }
  if (given !== undefined) return {name: 'weighted', weights: given};
  return strategy === undefined ? null : {name: strategy};
}

/** What `team spawn` is told of it, as the daemon wants it. */
export function scalingOfSpawn(options: SpawnScaleOptions) {
  const asked = autoscaleOf(options);
  if (asked && options.autoscale !== true) {
    const hint = 'Add --autoscale, or leave --min, --max and what belongs to them out.';
    throw new GodelError({reason: 'usage', message: 'A range of agents was given without --autoscale', hint});
  }
  const strategy = strategyOf(options);
  return {
    ...(options.autoscale === true ? {autoscale: asked ?? {}} : {}),
    ...(strategy ? {strategy} : {}),
    ...(options.onBudget === undefined ? {} : {onBudget: options.onBudget}),
  };
}

/** What `team scale` is asked for, as the daemon wants it. */
export function scaleRequestOf(options: ScaleOptions): ScaleRequest {
  const {count, group, autoscale} = options;
  const asked = autoscaleOf(options);
  const strategy = strategyOf(options);
  if (group !== undefined && count === undefined) {
    throw new GodelError({reason: 'usage', message: '--group is the group that --count is of, so it needs --count'});
  }
  if (count !== undefined && (autoscale === 'on' || asked)) {
    const hint = 'Leave one of them out: --count says how many there are, auto-scaling decides it.';
    throw new GodelError({reason: 'usage', message: '--count and auto-scaling exclude each other', hint});
  }
  if (autoscale === 'off' && asked) {
    throw new GodelError({reason: 'usage', message: '--autoscale off excludes --min, --max and what belongs to them'});
  }
  if (count === undefined && autoscale === undefined && !asked && !strategy) {
    const hint = 'Give --count N, --autoscale on or off, --min, --max or --strategy NAME.';
    throw new GodelError({reason: 'usage', message: 'nothing is said to be changed', hint});
  }
  return {
    ...(count === undefined ? {} : {count}),
    ...(group === undefined ? {} : {group}),
    ...(autoscale === 'off' ? {autoscale} : autoscale === 'on' || asked ? {autoscale: asked ?? {}} : {}),
    ...(strategy ? {strategy} : {}),
  };
}

function share(what: string) {
  return (text: string): number => {
    const value = /^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : Number.NaN;
    if (value >= 0 && value <= 1) return value;
    throw new GodelError({reason: 'out-of-range', what, value: text, range: 'a number from 0 to 1, such as 0.2'});
  };
}

function weights(text: string): Weights {
  const given = parseWeights(text);
  if (given !== null) return given;
  const range = 'weights such as speed=3,cost=1,reliability=2, at least one of them more than 0';
  throw new GodelError({reason: 'out-of-range', what: '--weights', value: text, range});
}
