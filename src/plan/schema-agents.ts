import {z} from 'zod';
import {limits} from './schema-limits.ts';
import {CONTROL, duration, expected, positive, whole} from './schema-values.ts';

/** The part of the plan document that says who does the work, with what, and what it may cost. */
export const MAX_SKILLS = 100;
/** As many as the setting `max-agents` can ever allow. */
const MAX_AGENTS = 10_000;
const MAX_GROUPS = 100;
const MAX_USD = 1_000_000;
const MAX_TOKENS = 1_000_000_000_000;

const skillText = 'a skill (a word of at most 100 characters, without commas)';
const skill = z
  .string(expected(skillText))
  .min(1, expected(skillText))
  .max(100, expected(skillText))
  .refine(text => text.trim() === text && !CONTROL.test(text) && !text.includes(','), expected(skillText));
export const skills = z.union(
  [skill, z.array(skill).max(MAX_SKILLS, expected(`a list of at most ${MAX_SKILLS} skills`))],
  expected('a skill or a list of skills'),
);

const runtimeText = 'a runtime such as `claude`, or one with its model such as `claude/haiku`';
export const runtime = z
  .string(expected(runtimeText))
  .regex(/^[A-Za-z0-9][\w.-]{0,49}(\/[^\s\p{Cc}-][^\s\p{Cc}]{0,199})?$/u, expected(runtimeText));

const modelText = 'the name of a model (without spaces)';
export const model = z.string(expected(modelText)).regex(/^[^\s\p{Cc}-][^\s\p{Cc}]{0,199}$/u, expected(modelText));

const nameText = 'the name of a group of agents (a word of at most 50 characters: letters, digits, `_`, `-` and `.`)';
const groupName = z.string(expected(nameText)).regex(/^[\p{L}\p{N}_][\p{L}\p{N}\p{M}_.-]{0,49}$/u, expected(nameText));

const groupFields = {
  count: whole(1, MAX_AGENTS).meta({description: 'How many agents'}),
  skills: skills.meta({description: 'What they can do; without skills they accept every task'}).optional(),
  runtime: runtime.meta({description: 'What does their prompts, perhaps with its model: `claude/haiku`'}).optional(),
  model: model.optional(),
  'cost-per-hour': z
    .number(expected('a number of USD, at least 0'))
    .min(0, expected('a number of USD, at least 0'))
    .max(MAX_USD, expected('a number of USD, at least 0'))
    .meta({description: 'In USD, for choosing among agents'})
    .optional(),
  speed: positive(1000).meta({description: 'Relative to others; default 1'}).optional(),
  slots: whole(1, 1000).meta({description: 'Attempts at a time; default 1'}).optional(),
  timeout: duration.meta({description: 'Of their attempts, where the task has none of its own'}).optional(),
  limits: limits.meta({description: 'What their attempts may use, where the task does not say'}).optional(),
};

export const groupSchema = z.strictObject(groupFields, expected('a mapping with at least `count`'));
export const namedGroupSchema = z.strictObject(
  {name: groupName, ...groupFields},
  expected('a mapping with at least `name` and `count`'),
);

const agentsText = 'a mapping from names to groups of agents, or a list of groups';
export const agentsSchema = z
  .union(
    [
      z
        .record(groupName, groupSchema, expected(agentsText))
        .refine(groups => Object.keys(groups).length <= MAX_GROUPS, expected(`at most ${MAX_GROUPS} groups`)),
      z
        .array(namedGroupSchema)
        .min(1, expected('a list of at least one group'))
        .max(MAX_GROUPS, expected(`a list of at most ${MAX_GROUPS} groups`)),
    ],
    expected(agentsText),
  )
  .meta({description: 'The agents of the team, in groups that are alike'});

export const usd = positive(MAX_USD);
export const tokens = whole(1, MAX_TOKENS);

export const budgetFields = z.strictObject(
  {
    usd: usd.optional(),
    tokens: tokens.optional(),
    'per-hour': usd.meta({description: 'USD within any hour; what does not fit waits'}).optional(),
  },
  expected('a mapping with `usd`, `tokens` or `per-hour`'),
);
export const budgetSchema = z
  .union([usd, budgetFields], expected('a number of USD, or a mapping with `usd`, `tokens` or `per-hour`'))
  .meta({description: 'What the team may use: USD in all, or `{usd, tokens, per-hour}`'});

const choicesText = 'a runtime such as `claude/opus`, or a list of them';
export const escalateSchema = z
  .strictObject(
    {
      after: whole(1, 100).meta({description: 'Failures of a task before each step; default 1'}).optional(),
      to: z.union(
        [
          runtime,
          z
            .array(runtime)
            .min(1, expected('a list of at least one runtime'))
            .max(20, expected('a list of at most 20 runtimes')),
        ],
        expected(choicesText),
      ),
    },
    expected('a mapping with `to`, and perhaps `after`'),
  )
  .meta({description: 'Stronger runtimes and models for prompts that have failed'});

export type AgentsDocument = z.infer<typeof agentsSchema>;
