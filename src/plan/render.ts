import type {JsonValue} from '../base/json.ts';
import {type Result, fail, ok} from '../base/result.ts';
import type {Failure} from '../model/failure.ts';
import type {TaskSpec, Template, Touches} from '../model/task.ts';
import {isList, textOf, valueAt} from './json-value.ts';
import {MAX_ENV_VALUE_BYTES} from './schema-values.ts';

/** What a host runs for one attempt. `env` is what the task and its item add to the environment of the plan. */
export interface RenderedAttempt {
  readonly work:
    | {readonly kind: 'command'; readonly script: string}
    | {readonly kind: 'prompt'; readonly prompt: string};
  readonly verify: string | null;
  /** With the globs that the item has a part in. */
  readonly touches: Touches | null;
  readonly env: Readonly<Record<string, string>>;
  /** As in the plan: absolute, or relative to the team's working directory. */
  readonly workingDirectory: string | null;
}

/**
 * Fills in the item. Scripts stay as they were compiled: the item reaches them only as environment variables. Fails when
 * a value cannot be one (NUL, over 100 KiB).
 */
export function renderAttempt(spec: TaskSpec, item: JsonValue | undefined): Result<RenderedAttempt, Failure> {
  const env: Record<string, string> = {};
  for (const [name, template] of Object.entries(spec.env)) env[name] = renderTemplate(template, item);
  for (const [name, template] of Object.entries(spec.expressions)) env[name] = renderTemplate(template, item);
  if (item !== undefined) Object.assign(env, itemVariables(item));
  const workingDirectory = spec.workingDirectory ? renderTemplate(spec.workingDirectory, item) : null;
  for (const [name, value] of [...Object.entries(env), ['`working-directory`', workingDirectory ?? ''] as const]) {
    const wrong = unfit(value);
    if (wrong !== null) return fail({reason: 'foreach-invalid', detail: `${name} ${wrong}`});
  }
  const work =
    spec.prompt === undefined
      ? {kind: 'command' as const, script: spec.run}
      : {kind: 'prompt' as const, prompt: renderTemplate(spec.prompt, item)};
  if (work.kind === 'prompt' && work.prompt.includes('\0')) {
    return fail({reason: 'foreach-invalid', detail: '`prompt` would contain a NUL character'});
  }
  return ok({work, verify: spec.verify ?? null, touches: touchesFor(spec, item), env, workingDirectory});
}

/** In a glob the item stands for itself: `*` in the name of a file is no pattern. */
function touchesFor({touches}: TaskSpec, item: JsonValue | undefined): Touches | null {
  if (!touches) return null;
  const {globs, itemGlobs = [], policy} = touches;
  const rendered = itemGlobs.map(glob => renderTemplate(glob, item, literalGlob));
  return {globs: [...globs, ...rendered], policy};
}

function literalGlob(text: string): string {
  return text.replace(/^(\.\/)+/, '').replaceAll(/[\\*?[\]{}()!+@|]/g, '\\$&');
}

/** The text of a template for an item. */
export function renderTemplate(
  template: Template,
  item: JsonValue | undefined,
  shape: (value: string) => string = same,
): string {
  let text = '';
  for (const part of template) {
    text += typeof part === 'string' ? part : shape(textOf(valueAt(item ?? null, part.item)));
  }
  return text;
}

function same(text: string): string {
  return text;
}

/** `GODEL_ITEM`, and for an object `GODEL_ITEM_<FIELD>`; of two fields with the same variable the first one has it. */
function itemVariables(item: JsonValue): Record<string, string> {
  const variables: Record<string, string> = {GODEL_ITEM: typeof item === 'string' ? item : JSON.stringify(item)};
  if (typeof item !== 'object' || item === null || isList(item)) return variables;
  for (const [field, value] of Object.entries(item)) {
    const name = `GODEL_ITEM_${field.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}`;
    if (!Object.hasOwn(variables, name)) variables[name] = textOf(value);
  }
  return variables;
}

function unfit(value: string): string | null {
  if (value.includes('\0')) return 'would contain a NUL character, which no environment variable can hold';
  const bytes = value.length > MAX_ENV_VALUE_BYTES / 3 ? Buffer.byteLength(value) : 0;
  if (bytes <= MAX_ENV_VALUE_BYTES) return null;
  return `would be ${bytes} bytes long, and an environment variable holds at most ${MAX_ENV_VALUE_BYTES}; let the item name a file instead`;
}
