import {z} from 'zod';
import {type Autoscale, MOST_QUEUED} from '../model/autoscale.ts';
import type {Budget} from '../model/budget.ts';
import {STRATEGY_NAMES, type StrategyChoice} from '../model/strategy.ts';
import type {PauseRequest, ResumeRequest, RetryRequest, RunRequest, ScaleRequest} from './contract.ts';

export const env = z.record(z.string().max(1000), z.string().max(1_000_000));
export const secretNames = z.array(z.string().min(1).max(1000)).max(1000);

const amount = z.number().positive().max(1e12).nullable();
export const budget: z.ZodType<Budget> = z.object({
  usd: amount,
  tokens: amount,
  perHour: amount.exactOptional(),
});
export const onBudget = z.enum(['stop', 'pause', 'ask']);

/** How many there may be the daemon's settings say, and why. */
const count = z.number().int().min(0);

export const autoscale: z.ZodType<Partial<Autoscale>> = z
  .strictObject({
    min: count.exactOptional(),
    max: count.min(1).exactOptional(),
    scaleUpThreshold: z.number().min(0).max(MOST_QUEUED).exactOptional(),
    scaleDownThreshold: z.number().min(0).max(1).exactOptional(),
    idleMs: z.number().positive().max(1e12).exactOptional(),
    maxCostPerHour: amount.exactOptional(),
  })
  .refine(({min, max}) => min === undefined || max === undefined || min <= max, {
    message: '`min` is more than `max`',
  });

const weight = z.number().min(0).max(1e6);

export const strategy: z.ZodType<StrategyChoice> = z
  .strictObject({
    name: z.enum(STRATEGY_NAMES),
    weights: z
      .strictObject({speed: weight, cost: weight, reliability: weight})
      .refine(({speed, cost, reliability}) => speed + cost + reliability > 0, {
        message: 'at least one weight must be more than 0',
      })
      .exactOptional(),
  })
  .refine(({name, weights}) => weights === undefined || name === 'weighted', {
    message: 'only the strategy `weighted` has `weights`',
  });

/** Numbers of agents are checked against the settings where they are known; here only that they are numbers. */
export const scaleRequest: z.ZodType<ScaleRequest> = z
  .strictObject({
    count: z.number().exactOptional(),
    group: z.string().min(1).max(200).exactOptional(),
    autoscale: z.union([z.literal('off'), autoscale], 'expected "off" or an object').exactOptional(),
    strategy: strategy.exactOptional(),
  })
  .refine(request => request.count !== undefined || request.autoscale !== undefined || request.strategy !== undefined, {
    message: 'nothing is to be changed: give `count`, `autoscale` or `strategy`',
  })
  .refine(({count: asked, group}) => group === undefined || asked !== undefined, {message: '`group` needs `count`'})
  .refine(({count: asked, autoscale: scaling}) => asked === undefined || scaling === undefined || scaling === 'off', {
    message: '`count` turns auto-scaling off, so it excludes settings for it',
  });

export const runRequest: z.ZodType<RunRequest> = z.object({
  // Whatever it is, `parsePlan` says what is wrong with it; it must only be there.
  plan: z.unknown().refine(value => value !== undefined, 'a plan is needed'),
  env,
  secretNames: secretNames.exactOptional(),
  places: z.record(z.string().max(100), z.string().max(5000)).exactOptional(),
});

export const retryRequest: z.ZodType<RetryRequest> = z.object({
  tasks: z.union(
    [z.enum(['failed', 'all']), z.array(z.string().min(1).max(2000)).min(1).max(100_000)],
    'expected "failed", "all" or ids of tasks',
  ),
  env,
  secretNames: secretNames.exactOptional(),
});

const agent = z.string().min(1).max(2000);

export const pauseRequest: z.ZodType<PauseRequest> = z.strictObject({agent: agent.exactOptional()});

export const resumeRequest: z.ZodType<ResumeRequest> = z
  .strictObject({agent: agent.exactOptional(), budget: budget.exactOptional()})
  .refine(({agent: id, budget: more}) => id === undefined || more === undefined, {
    message: '`budget` is of the whole team, so it excludes `agent`',
  });

/** What is to become of it is in the path. */
export const agentOrder: z.ZodType<{agent: string}> = z.strictObject({agent});
