import {MEMORY_MODES} from '../model/memory.ts';
import {z} from 'zod';
import type {JsonValue} from '../base/json.ts';
import {PREFERRED_COSTS} from '../model/strategy.ts';
import {TEAM_NAME, TEAM_NAME_RULE} from '../model/team.ts';
import {agentsSchema, budgetSchema, escalateSchema, model, runtime, skills, tokens, usd} from './schema-agents.ts';
import {autoscaleSchema, onBudgetSchema, speculateSchema} from './schema-autoscale.ts';
import {limits, teamLimits} from './schema-limits.ts';
import {ejectSchema} from './schema-eject.ts';
import {strategySchema} from './strategy.ts';
import {
  CONTROL,
  duration,
  env,
  envName,
  envValue,
  expected,
  filePath,
  oneOrMore,
  promptText,
  script,
  whole,
  yesOrNo,
} from './schema-values.ts';

/** The plan document, described once: types, checks and `godel.schema.json` come from here. */
export const MAX_TASKS = 1_000_000;
export const MAX_ITEMS = 1_000_000;
export const MAX_ID_BYTES = 200;
const MAX_GLOBS = 1000;

/** Ids become file names (`$GODEL_INPUTS/ID.json`) and `ID[key]`, hence what they may not contain. */
export function isTaskId(id: string): boolean {
  return (
    id !== '' &&
    id.trim() === id &&
    !CONTROL.test(id) &&
    !/[[\]/]/.test(id) &&
    !/^\.+$/.test(id) &&
    id !== '__proto__' &&
    Buffer.byteLength(id) <= MAX_ID_BYTES
  );
}

export const ID_TEXT = `a task id (1 to ${MAX_ID_BYTES} bytes of text; no control characters, \`/\`, \`[\` or \`]\`; not only dots)`;
const taskId = z
  .string(expected(ID_TEXT))
  .min(1, expected(ID_TEXT))
  .max(MAX_ID_BYTES, expected(ID_TEXT))
  .refine(isTaskId, expected(ID_TEXT));

const foreachText = 'an expression such as `${{ tasks.list.output }}`, or a list';
const affinityText = 'text of at most 4,096 characters, such as `${{ item.repo }}`';
const keyText = 'text with an expression such as `${{ item.path }}`, at most 4,096 characters';

const globText = 'a glob of files relative to the root of the repository, such as `src/**` (no `..`, no `!` in front)';
const glob = z
  .string(expected(globText))
  .min(1, expected(globText))
  .max(4096, expected(globText))
  .refine(
    text => !CONTROL.test(text) && !/^[/!]|^\s|\s$/.test(text) && !text.split('/').includes('..'),
    expected(globText),
  );
const globs = oneOrMore(glob, {text: 'a glob such as `src/**`, or a list of globs', max: MAX_GLOBS});
export const touchesSchema = z.strictObject(
  {
    paths: globs,
    otherwise: z
      .enum(['warn', 'fail'], expected('`warn` or `fail`'))
      .meta({description: 'What a change outside of them is; default `fail`'})
      .optional(),
  },
  expected('a mapping with `paths`, and perhaps `otherwise`'),
);

export const estimateSchema = z.strictObject(
  {usd: usd.optional(), tokens: tokens.optional(), duration: duration.optional()},
  expected('a mapping with `usd`, `tokens` or `duration`'),
);

const fieldsText = 'a list of mappings from names to values';
const fields = z
  .array(z.record(z.string(), z.custom<JsonValue>(), expected('a mapping from names to values')), expected(fieldsText))
  .max(10_000, expected('a list of at most 10000 mappings'));
const axisText = 'a list of values';
export const matrixSchema = z
  .object({include: fields.optional(), exclude: fields.optional()}, expected('a mapping from names to lists of values'))
  .catchall(
    z
      .array(z.custom<JsonValue>(), expected(axisText))
      .min(1, expected('a list of at least one value'))
      .max(MAX_ITEMS, expected(`a list of at most ${MAX_ITEMS} values`)),
  );

export const reviewSchema = z.strictObject(
  {
    prompt: promptText
      .meta({description: 'What to look at; by default whether the task has been done right'})
      .optional(),
    skills: skills.optional(),
    runtime: runtime.optional(),
    model: model.optional(),
    rounds: whole(1, 10).meta({description: 'How often the task may be sent back; default 2'}).optional(),
  },
  expected('a mapping'),
);
const review = z
  .union([yesOrNo, reviewSchema], expected('`true`, or a mapping such as `{skills: [reviewer], rounds: 2}`'))
  .meta({description: 'Another agent looks at the change before it is merged'});

const silence = duration.meta({description: 'How long an attempt may give no sign of life'});

const retries = whole(0, 100);
const priority = whole(-1_000_000, 1_000_000);
const preferredCost = z
  .enum(PREFERRED_COSTS, expected('`low`, `medium` or `high`'))
  .meta({description: 'What counts between agents of different cost; default: cheaper ones come first'});
const workspace = z.enum(['worktree', 'in-place'], expected('`worktree` or `in-place`'));

const idempotent = yesOrNo.meta({
  description: 'Whether it may run twice at the same time; default: as far as it has a worktree of its own',
});

export const taskSchema = z.strictObject(
  {
    run: script.meta({description: 'Shell script of the task'}).optional(),
    prompt: promptText.meta({description: 'What a coding agent is to do, instead of `run`'}).optional(),
    needs: z
      .union(
        [taskId, z.array(taskId).max(MAX_TASKS, expected(`a list of at most ${MAX_TASKS} ids`))],
        expected('a task id or a list of task ids'),
      )
      .meta({description: 'Tasks that must be over before this one'})
      .optional(),
    foreach: z
      .union(
        [
          z.string().min(1).max(4096),
          z.array(z.custom<JsonValue>()).max(MAX_ITEMS, expected(`a list of at most ${MAX_ITEMS} items`)),
        ],
        expected(foreachText),
      )
      .meta({description: 'One instance of the task per item'})
      .optional(),
    matrix: matrixSchema.meta({description: 'One instance of the task per combination of values'}).optional(),
    key: z
      .string(expected(keyText))
      .min(1, expected(keyText))
      .max(4096, expected(keyText))
      .meta({description: 'Identity of an instance of a `foreach`; by default the value of the item'})
      .optional(),
    affinity: z
      .string(expected(affinityText))
      .min(1, expected(affinityText))
      .max(4096, expected(affinityText))
      .meta({description: 'Tasks with the same one go to the same agent, with the strategy `consistent-hash`'})
      .optional(),
    if: z
      .enum(['success()', 'failure()', 'always()'], expected('`success()`, `failure()` or `always()`'))
      .meta({description: 'When to run, given how the needed tasks ended; default success()'})
      .optional(),
    verify: script.meta({description: 'Shell script that must exit 0 for the task to count as succeeded'}).optional(),
    outputs: z
      .enum(['text', 'lines', 'json'], expected('`text`, `lines` or `json`'))
      .meta({description: 'How standard output, or the answer to a prompt, is kept for the tasks that need this one'})
      .optional(),
    timeout: duration.optional(),
    limits: limits.optional(),
    silence: silence.optional(),
    retries: retries.meta({description: 'Further attempts after a failed one'}).optional(),
    priority: priority.meta({description: 'Higher goes first; default 0'}).optional(),
    env: env.optional(),
    'working-directory': filePath.optional(),
    'continue-on-error': yesOrNo.meta({description: 'A failure counts as success'}).optional(),
    'max-parallel': whole(1, MAX_ITEMS)
      .meta({description: 'Instances of a `foreach` or `matrix` running at a time'})
      .optional(),
    skills: skills.meta({description: 'What an agent must be able to do to get the task'}).optional(),
    prefer: skills.meta({description: 'Agents with more of these skills come first'}).optional(),
    'preferred-cost': preferredCost.optional(),
    runtime: runtime.meta({description: 'What must do the prompt, perhaps with its model: `claude/haiku`'}).optional(),
    model: model.meta({description: 'The model that must do the prompt'}).optional(),
    workspace: workspace
      .meta({description: 'Where a command runs: in place (default), or in a git worktree whose changes are merged'})
      .optional(),
    idempotent: idempotent.optional(),
    change: z
      .enum(['required', 'optional', 'none'], expected('`required`, `optional` or `none`'))
      .meta({description: 'Whether the worktree must be changed, may be, or must not be'})
      .optional(),
    touches: z
      .union(
        [globs, touchesSchema],
        expected('a glob such as `src/**`, a list of globs, or a mapping with `paths` and `otherwise`'),
      )
      .meta({description: 'The files that the task may change'})
      .optional(),
    estimate: z
      .union(
        [duration, estimateSchema],
        expected('a time such as `10m`, or a mapping with `usd`, `tokens`, `duration`'),
      )
      .meta({description: 'What one attempt is expected to take'})
      .optional(),
    review: review.optional(),
  },
  expected('a mapping with `run` or `prompt`'),
);

export const defaultsSchema = z.strictObject(
  {
    timeout: duration.optional(),
    limits: limits.optional(),
    silence: silence.optional(),
    retries: retries.optional(),
    priority: priority.optional(),
    'working-directory': filePath.optional(),
    skills: skills.optional(),
    'preferred-cost': preferredCost.optional(),
    runtime: runtime.optional(),
    model: model.optional(),
    workspace: workspace.optional(),
    idempotent: idempotent.optional(),
    review: review.optional(),
  },
  expected('a mapping'),
);

const inputNameText = 'a name for an input (letters, digits, `_` and `-`, a letter or `_` first)';
export const inputSchema = z.strictObject(
  {
    description: z.string(expected('text')).max(10_000, expected('text of at most 10000 characters')).optional(),
    default: envValue.optional(),
    required: yesOrNo.optional(),
  },
  expected('a mapping'),
);
export const inputsSchema = z.record(
  z.string().regex(/^[A-Za-z_][A-Za-z0-9_-]{0,99}$/, expected(inputNameText)),
  z.union([envValue, inputSchema], expected('a value, or a mapping with `description`, `default` and `required`')),
  expected('a mapping from names to values'),
);

export const planSchema = z.strictObject(
  {
    $schema: z
      .string(expected('the address of a JSON Schema'))
      .max(4096, expected('the address of a JSON Schema'))
      .meta({description: 'For editors; has no meaning for godel'})
      .optional(),
    version: z.literal(1, expected('1')).meta({description: 'Version of the plan language'}),
    name: z
      .string(expected('text'))
      .regex(TEAM_NAME, expected(TEAM_NAME_RULE))
      .meta({description: 'Name of the team, unless one is given'})
      .optional(),
    inputs: inputsSchema.meta({description: 'Values that the caller chooses with --input'}).optional(),
    env: env.meta({description: 'Environment of all tasks'}).optional(),
    'env-file': oneOrMore(filePath, {text: 'a path or a list of paths', max: 100})
      .meta({description: 'Files of variables, relative to the plan; what is in them is secret'})
      .optional(),
    secrets: oneOrMore(envName, {text: 'a name of an environment variable or a list of names', max: 500})
      .meta({description: 'Variables whose values are secret whatever they look like'})
      .optional(),
    agents: agentsSchema.optional(),
    budget: budgetSchema.optional(),
    'on-budget': onBudgetSchema.optional(),
    limits: teamLimits.optional(),
    autoscale: autoscaleSchema.optional(),
    strategy: strategySchema.optional(),
    eject: ejectSchema.optional(),
    escalate: escalateSchema.optional(),
    speculate: speculateSchema.optional(),
    memory: z
      .enum(MEMORY_MODES, expected('`on` or `off`'))
      .meta({
        description: 'Whether its tasks are given what others have learned, and leave what they learn; default on',
      })
      .optional(),
    verify: script
      .meta({description: "Shell script that must exit 0 on the team's branch after every merge"})
      .optional(),
    defaults: defaultsSchema.meta({description: 'What a task has that does not say otherwise'}).optional(),
    tasks: z
      .record(taskId, taskSchema, expected('a mapping from task ids to tasks'))
      .meta({description: 'The tasks by id', minProperties: 1, maxProperties: MAX_TASKS}),
  },
  expected('a mapping with `version` and `tasks`'),
);

export type TaskDocument = z.infer<typeof taskSchema>;
export type DefaultsDocument = z.infer<typeof defaultsSchema>;
export type MatrixDocument = z.infer<typeof matrixSchema>;
export type ReviewDocument = z.infer<typeof reviewSchema>;
export type InputsDocument = z.infer<typeof inputsSchema>;
