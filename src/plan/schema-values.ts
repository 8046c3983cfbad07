import {z} from 'zod';
import {DURATION_PATTERN} from '../base/duration.ts';
import {parseSize} from '../base/size.ts';
import {parseTimeout} from './timeout.ts';

/**
 * The small values of which the plan document is made. The `error` text of each is what was expected, so that
 * `schema-problems.ts` can say "`retries` of task `check` must be …, not …".
 */
export const MAX_SCRIPT_CHARS = 1_000_000;
/** One environment string may take 128 KiB on Linux; this leaves room for its name. */
export const MAX_ENV_VALUE_BYTES = 100 * 1024;

export const CONTROL = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u;

export const expected = (error: string) => ({error});

const longText = (error: string) =>
  z
    .string(expected(error))
    .min(1, expected(error))
    .max(MAX_SCRIPT_CHARS, expected(error))
    .refine(text => text.trim() !== '' && !text.includes('\0'), expected(error));

export const script = longText('a shell script (text, not empty, at most 1 MB, without NUL)');
export const promptText = longText('what an agent is to do (text, not empty, at most 1 MB, without NUL)');

const durationText = 'a time such as `90s`, `10m` or `1h30m`, or a number of seconds, more than 0 and at most 24 days';
export const duration = z
  .union(
    [z.string().regex(DURATION_PATTERN, expected(durationText)), z.number().positive(expected(durationText))],
    expected(durationText),
  )
  .refine(value => parseTimeout(value) !== null, expected(durationText))
  .meta({description: 'A time such as `90s`, `10m` or `1h30m`, or a number of seconds'});

const MIN_SIZE_BYTES = 1024 * 1024;
const MAX_SIZE_BYTES = 1024 ** 5;
const sizeText = 'a size such as `512MiB` or `2GiB` (from 1 MiB to 1024 TiB)';
const SIZE_PATTERN = /^\d{1,9}(\.\d{1,3})?\s*[KMGTkmgt]?[iI]?[bB]?$/;
export const size = z
  .string(expected(sizeText))
  .regex(SIZE_PATTERN, expected(sizeText))
  .refine(text => {
    const bytes = parseSize(text);
    return bytes !== null && bytes >= MIN_SIZE_BYTES && bytes <= MAX_SIZE_BYTES;
  }, expected(sizeText));

const wholeText = (min: number, max: number) => `a whole number from ${min} to ${max}`;
export const whole = (min: number, max: number) =>
  z
    .int(expected(wholeText(min, max)))
    .min(min, expected(wholeText(min, max)))
    .max(max, expected(wholeText(min, max)));

const positiveText = (max: number) => `a number, more than 0 and at most ${max}`;
export const positive = (max: number) =>
  z
    .number(expected(positiveText(max)))
    .positive(expected(positiveText(max)))
    .max(max, expected(positiveText(max)));

export const yesOrNo = z.boolean(expected('`true` or `false`'));

const envNameText =
  'a name for an environment variable (letters, digits and `_`, no digit first; `GODEL_…` is reserved)';
export const envName = z
  .string(expected(envNameText))
  .max(200, expected(envNameText))
  .regex(/^(?!GODEL_)[A-Za-z_][A-Za-z0-9_]*$/, expected(envNameText));
const envValueText = 'text, a number, `true` or `false` (at most 100 KiB, without NUL)';

/** Whether a text can be the value of an environment variable. */
export function fitsVariable(value: string): boolean {
  return !value.includes('\0') && Buffer.byteLength(value) <= MAX_ENV_VALUE_BYTES;
}

export const envValue = z
  .union([z.string(), z.number(), z.boolean()], expected(envValueText))
  .refine(value => typeof value !== 'string' || fitsVariable(value), expected(envValueText));
export const env = z.record(envName, envValue, expected('a mapping from names to values'));

const pathText = 'a path (text, not empty, at most 4,096 characters, without NUL)';
export const filePath = z
  .string(expected(pathText))
  .min(1, expected(pathText))
  .max(4096, expected(pathText))
  .refine(path => !path.includes('\0'), expected(pathText));

/** One value or a list of them. */
export function oneOrMore<T extends z.ZodType>(value: T, {text, max}: {text: string; max: number}) {
  return z.union([value, z.array(value).max(max, expected(`a list of at most ${max}`))], expected(text));
}
