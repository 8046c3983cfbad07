import {z} from 'zod';
import {DURATION_PATTERN} from '../base/duration.ts';
import type {JsonValue} from '../base/json.ts';
import {TEAM_NAME, TEAM_NAME_RULE} from '../model/team.ts';
import {parseTimeout} from './timeout.ts';

/**
 * The plan document, described once: types, checks and `godel.schema.json` come from here. An `error` text is what was
 * expected, so that `schema-problems.ts` can say "`retries` of task `check` must be …, not …".
 */
export const MAX_TASKS = 1_000_000;
export const MAX_ITEMS = 1_000_000;
export const MAX_ID_BYTES = 200;
export const MAX_SCRIPT_CHARS = 1_000_000;
/** One environment string may take 128 KiB on Linux; this leaves room for its name. */
export const MAX_ENV_VALUE_BYTES = 100 * 1024;

const CONTROL = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u;

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

const expected = (error: string) => ({error});

export const ID_TEXT = `a task id (1 to ${MAX_ID_BYTES} bytes of text; no control characters, \`/\`, \`[\` or \`]\`; not only dots)`;
const taskId = z
  .string(expected(ID_TEXT))
  .min(1, expected(ID_TEXT))
  .max(MAX_ID_BYTES, expected(ID_TEXT))
  .refine(isTaskId, expected(ID_TEXT));

const scriptText = 'a shell script (text, not empty, at most 1 MB, without NUL)';
const script = z
  .string(expected(scriptText))
  .min(1, expected(scriptText))
  .max(MAX_SCRIPT_CHARS, expected(scriptText))
  .refine(text => text.trim() !== '' && !text.includes('\0'), expected(scriptText));

const durationText = 'a time such as `90s`, `10m` or `1h30m`, or a number of seconds, more than 0 and at most 24 days';
const duration = z
  .union([z.string().regex(DURATION_PATTERN, expected(durationText)), z.number().positive()], expected(durationText))
  .refine(value => parseTimeout(value) !== null, expected(durationText))
  .meta({description: 'A time such as `90s`, `10m` or `1h30m`, or a number of seconds'});

const wholeText = (min: number, max: number) => `a whole number from ${min} to ${max}`;
const whole = (min: number, max: number) =>
  z
    .int(expected(wholeText(min, max)))
    .min(min, expected(wholeText(min, max)))
    .max(max, expected(wholeText(min, max)));

const yesOrNo = z.boolean(expected('`true` or `false`'));

const envNameText =
  'a name for an environment variable (letters, digits and `_`, no digit first; `GODEL_…` is reserved)';
const envName = z
  .string(expected(envNameText))
  .max(200, expected(envNameText))
  .regex(/^(?!GODEL_)[A-Za-z_][A-Za-z0-9_]*$/, expected(envNameText));
const envValueText = 'text, a number, `true` or `false` (at most 100 KiB, without NUL)';
const envValue = z
  .union([z.string(), z.number(), z.boolean()], expected(envValueText))
  .refine(
    value => typeof value !== 'string' || (!value.includes('\0') && Buffer.byteLength(value) <= MAX_ENV_VALUE_BYTES),
    expected(envValueText),
  );
const env = z.record(envName, envValue, expected('a mapping from names to values'));

const pathText = 'a path (text, not empty, at most 4,096 characters, without NUL)';
const workingDirectory = z
  .string(expected(pathText))
  .min(1, expected(pathText))
  .max(4096, expected(pathText))
  .refine(path => !path.includes('\0'), expected(pathText));

const needsText = 'a task id or a list of task ids';
const foreachText = 'an expression such as `${{ tasks.list.output }}`, or a list';
const keyText = 'text with an expression such as `${{ item.path }}`, at most 4,096 characters';

const retries = whole(0, 100);
const priority = whole(-1_000_000, 1_000_000);

export const taskSchema = z.strictObject(
  {
    run: script.meta({description: 'Shell script of the task'}).optional(),
    prompt: z
      .string(expected('text'))
      .max(MAX_SCRIPT_CHARS, expected('text of at most 1 MB'))
      .meta({description: 'Reserved: this version has no runtime for prompts'})
      .optional(),
    needs: z
      .union(
        [taskId, z.array(taskId).max(MAX_TASKS, expected(`a list of at most ${MAX_TASKS} ids`))],
        expected(needsText),
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
    key: z
      .string(expected(keyText))
      .min(1, expected(keyText))
      .max(4096, expected(keyText))
      .meta({description: 'Identity of an instance of a `foreach`; by default the value of the item'})
      .optional(),
    if: z
      .enum(['success()', 'failure()', 'always()'], expected('`success()`, `failure()` or `always()`'))
      .meta({description: 'When to run, given how the needed tasks ended; default success()'})
      .optional(),
    verify: script.meta({description: 'Shell script that must exit 0 for the task to count as succeeded'}).optional(),
    outputs: z
      .enum(['text', 'lines', 'json'], expected('`text`, `lines` or `json`'))
      .meta({description: 'How standard output is kept for the tasks that need this one'})
      .optional(),
    timeout: duration.optional(),
    retries: retries.meta({description: 'Further attempts after a failed one'}).optional(),
    priority: priority.meta({description: 'Higher goes first; default 0'}).optional(),
    env: env.optional(),
    'working-directory': workingDirectory.optional(),
    'continue-on-error': yesOrNo.meta({description: 'A failure counts as success'}).optional(),
    'max-parallel': whole(1, MAX_ITEMS).meta({description: 'Instances of a `foreach` running at a time'}).optional(),
  },
  expected('a mapping with at least `run`'),
);

export const defaultsSchema = z.strictObject(
  {
    timeout: duration.optional(),
    retries: retries.optional(),
    priority: priority.optional(),
    'working-directory': workingDirectory.optional(),
  },
  expected('a mapping'),
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
    env: env.meta({description: 'Environment of all tasks'}).optional(),
    defaults: defaultsSchema.meta({description: 'What a task has that does not say otherwise'}).optional(),
    tasks: z
      .record(taskId, taskSchema, expected('a mapping from task ids to tasks'))
      .meta({description: 'The tasks by id', minProperties: 1, maxProperties: MAX_TASKS}),
  },
  expected('a mapping with `version` and `tasks`'),
);

export type TaskDocument = z.infer<typeof taskSchema>;
export type DefaultsDocument = z.infer<typeof defaultsSchema>;
