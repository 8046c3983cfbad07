import {z} from 'zod';
import {expected, positive, size, whole} from './schema-values.ts';

/** The parts of the plan document that say what an attempt, and what a team may use. */
const MOST_TOKENS = 1_000_000_000_000;

export const limitsSchema = z.strictObject(
  {
    memory: size.meta({description: 'Memory of all its processes together'}).optional(),
    cpus: positive(1024).meta({description: 'Processor cores, where the system can hold it to that'}).optional(),
    nice: whole(1, 19).meta({description: 'How far it stands back behind other programs, as of `nice`'}).optional(),
    output: size.meta({description: 'What it prints'}).optional(),
    disk: size.meta({description: 'What its worktree takes'}).optional(),
    tokens: whole(1, MOST_TOKENS)
      .meta({description: 'Tokens that a prompt uses, where its runtime says how many'})
      .optional(),
  },
  expected('a mapping with `memory`, `cpus`, `nice`, `output`, `disk` or `tokens`'),
);
export const limits = limitsSchema.meta({description: 'What one attempt may use; it fails when it uses more'});

export const teamLimitsSchema = z.strictObject(
  {
    memory: size.meta({description: 'Memory of all processes of its attempts together'}).optional(),
    cpus: positive(1024).meta({description: 'Processor cores that they keep busy together'}).optional(),
    output: size.meta({description: 'What attempts that run have printed, together'}).optional(),
  },
  expected('a mapping with `memory`, `cpus` or `output`'),
);
export const teamLimits = teamLimitsSchema.meta({
  description: 'What the attempts of the team may use together; while they use more, nothing new starts',
});

export type LimitsDocument = z.infer<typeof limitsSchema>;
export type TeamLimitsDocument = z.infer<typeof teamLimitsSchema>;
