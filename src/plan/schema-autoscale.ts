import {z} from 'zod';
import {MOST_QUEUED} from '../model/autoscale.ts';
import {usd} from './schema-agents.ts';
import {duration, expected, whole, yesOrNo} from './schema-values.ts';

/** The part of the plan document that says how a team grows and shrinks by itself. */
const MAX_AGENTS = 10_000;
const partText = 'a number from 0 to 1';
const mappingText =
  'a mapping with `min`, `max`, `scale-up-threshold`, `scale-down-threshold`, `idle` or `max-cost-per-hour`';

export const autoscaleFields = z.strictObject(
  {
    min: whole(0, MAX_AGENTS).meta({description: 'Agents that the team always has; default 1'}).optional(),
    max: whole(1, MAX_AGENTS).meta({description: 'Agents that it never has more of; default 50'}).optional(),
    'scale-up-threshold': whole(0, MOST_QUEUED)
      .meta({description: 'It grows when more ready tasks than this wait for an agent; default 0'})
      .optional(),
    'scale-down-threshold': z
      .number(expected(partText))
      .min(0, expected(partText))
      .max(1, expected(partText))
      .meta({description: 'It shrinks when less than this part of it is at work; default 0.2'})
      .optional(),
    idle: duration.meta({description: 'An agent that has been idle for this long may go; default 30s'}).optional(),
    'max-cost-per-hour': usd.meta({description: 'In USD: it does not grow beyond what this pays for'}).optional(),
  },
  expected(mappingText),
);
export const autoscaleSchema = z
  .union([yesOrNo, autoscaleFields], expected(`\`true\`, or ${mappingText}`))
  .meta({description: 'The team grows with its queue and shrinks when it has less to do'});

export const onBudgetSchema = z
  .enum(['stop', 'pause', 'ask'], expected('`stop`, `pause` or `ask`'))
  .meta({description: 'What happens when the budget does not pay for what is left; default stop'});

const speculateText = 'a mapping with `commands`, `prompts` or `budget-share`';
export const speculateSchema = z
  .strictObject(
    {
      commands: yesOrNo
        .meta({description: 'Of commands that have a worktree or are marked as `idempotent`; default true'})
        .optional(),
      prompts: yesOrNo
        .meta({description: 'Of prompts, which costs more; default: the setting `speculate-prompts`'})
        .optional(),
      'budget-share': z
        .number(expected(partText))
        .min(0, expected(partText))
        .max(1, expected(partText))
        .meta({
          description:
            'Part of the budget that second attempts of prompts may use; default: the setting `speculate-share`',
        })
        .optional(),
    },
    expected(speculateText),
  )
  .meta({description: 'Second attempts beside those that take much longer than their like'});

export type SpeculateDocument = z.infer<typeof speculateSchema>;
export type AutoscaleDocument = z.infer<typeof autoscaleSchema>;
