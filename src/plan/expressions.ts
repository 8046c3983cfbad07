import {type Result, fail, ok} from '../base/result.ts';
import type {Template} from '../model/task.ts';
import {didYouMean} from './did-you-mean.ts';

/** A `${{ … }}` in a text: where it stands and what is between the braces. */
export interface ExpressionPlace {
  readonly start: number;
  readonly end: number;
  readonly body: string;
}

/** Why an expression cannot be used where it stands. */
export interface ExpressionProblem {
  readonly excerpt: string;
  readonly message: string;
  readonly hint?: string;
}

type Expression =
  | {readonly kind: 'item'; readonly path: readonly string[]}
  | {readonly kind: 'matrix'; readonly path: readonly string[]}
  | {readonly kind: 'input'; readonly name: string}
  | {readonly kind: 'output'; readonly task: string; readonly path: readonly string[]};

/** What has a value where a text stands. */
export interface Scope {
  /** The values of inputs by name; null when the plan says nothing legible about them: then every name may be one. */
  readonly inputs: ReadonlyMap<string, string> | null;
  /** What the item is, if there is one; of a matrix its fields. */
  readonly item: 'none' | 'foreach' | {readonly matrix: ReadonlySet<string>};
}

/** What an expression stands for: a value in the item, or an input, whose value is known already. */
export type Reference =
  | {readonly kind: 'item'; readonly path: readonly string[]}
  | {readonly kind: 'input'; readonly name: string; readonly value: string};

const NAME = String.raw`[\p{L}\p{N}_][\p{L}\p{N}\p{M}_-]*`;
const STEP = new RegExp(String.raw`\s*(?:\.\s*(${NAME})|\[\s*(?:'([^']*)'|"([^"]*)"|(\d+))\s*\])`, 'uy');

/** All `${{ … }}` of a text, in order. One that is not closed is a problem. */
export function findExpressions(text: string): Result<readonly ExpressionPlace[], ExpressionProblem> {
  const places: ExpressionPlace[] = [];
  for (let start = text.indexOf('${{'); start !== -1; ) {
    const close = text.indexOf('}}', start);
    if (close === -1) {
      return fail({excerpt: '${{', message: 'an expression `${{` is not closed', hint: 'close it with `}}`'});
    }
    places.push({start, end: close + 2, body: text.slice(start + 3, close).trim()});
    start = text.indexOf('${{', close + 2);
  }
  return ok(places);
}

/** What an expression refers to: the item of a `foreach` or the output of a task, each with a path into it. */
export function parseExpression(body: string): Result<Expression, Omit<ExpressionProblem, 'excerpt'>> {
  const head = /^[A-Za-z_]+/.exec(body)?.[0] ?? '';
  const steps = stepsOf(body, head.length);
  if ((head === 'item' || head === 'matrix') && steps) return ok({kind: head, path: steps});
  if (head === 'inputs' && steps) {
    const [name, ...more] = steps;
    if (name !== undefined && more.length === 0) return ok({kind: 'input', name});
    return fail({message: `\`${body}\` is not a reference to an input`, hint: `write \`inputs.${name ?? 'NAME'}\``});
  }
  if (head === 'tasks' && steps) {
    const [task, output, ...path] = steps;
    if (task !== undefined && output === 'output') return ok({kind: 'output', task, path});
    return fail({
      message: `\`${body}\` is not a reference to an output`,
      hint: `write \`tasks.${task ?? 'ID'}.output\``,
    });
  }
  return fail({message: `\`\${{ ${body} }}\` means nothing here`, hint: hintFor(head, steps)});
}

/**
 * A text with expressions as a template. Inputs become part of the text; values of the item stay references; everything
 * else is a problem that says what to use instead.
 */
export function parseTemplate(text: string, scope: Scope): Result<Template, ExpressionProblem> {
  const places = findExpressions(text);
  if (!places.ok) return places;
  const template: (string | {readonly item: readonly string[]})[] = [];
  let before = '';
  let done = 0;
  for (const place of places.value) {
    const reference = referenceAt(text, {place, scope});
    if (!reference.ok) return reference;
    before += text.slice(done, place.start);
    done = place.end;
    if (reference.value.kind === 'input') before += reference.value.value;
    else {
      if (before !== '') template.push(before);
      template.push({item: reference.value.path});
      before = '';
    }
  }
  const rest = before + text.slice(done);
  if (rest !== '' || template.length === 0) template.push(rest);
  return ok(template);
}

/** What the expression at `place` stands for. */
export function referenceAt(
  text: string,
  {place, scope}: {place: ExpressionPlace; scope: Scope},
): Result<Reference, ExpressionProblem> {
  const excerpt = text.slice(place.start, place.end);
  const expression = parseExpression(place.body);
  if (!expression.ok) return fail({excerpt, ...expression.failure});
  const {value} = expression;
  switch (value.kind) {
    case 'output':
      return fail({
        excerpt,
        message: `\`${excerpt}\` can stand only in \`foreach\``,
        hint: `add \`${value.task}\` to \`needs\` and read the file "$GODEL_INPUTS/${value.task}.json"`,
      });
    case 'input':
      return inputReference(value.name, {excerpt, inputs: scope.inputs});
    case 'item':
      return scope.item === 'none' ? fail(noItem(excerpt, 'foreach')) : ok(value);
    case 'matrix':
      return matrixReference(value.path, {excerpt, item: scope.item});
  }
}

function inputReference(
  name: string,
  {excerpt, inputs}: {excerpt: string; inputs: Scope['inputs']},
): Result<Reference, ExpressionProblem> {
  const value = inputs === null ? '' : inputs.get(name);
  if (value !== undefined) return ok({kind: 'input', name, value});
  const hint = didYouMean(name, inputs?.keys() ?? []) ?? `declare it: \`inputs: {${name}: {required: true}}\``;
  return fail({excerpt, message: `the plan has no input \`${name}\``, hint});
}

function matrixReference(
  path: readonly string[],
  {excerpt, item}: {excerpt: string; item: Scope['item']},
): Result<Reference, ExpressionProblem> {
  if (item === 'none') return fail(noItem(excerpt, 'matrix'));
  if (item === 'foreach') {
    const hint = `write \`\${{ ${['item', ...path].join('.')} }}\``;
    return fail({excerpt, message: `\`${excerpt}\` has a value only in a task with \`matrix\``, hint});
  }
  const [field] = path;
  if (field === undefined || item.matrix.has(field)) return ok({kind: 'item', path});
  const hint = didYouMean(field, item.matrix) ?? `it has ${[...item.matrix].join(', ')}`;
  return fail({excerpt, message: `the matrix of the task has no \`${field}\``, hint});
}

function noItem(excerpt: string, word: 'foreach' | 'matrix'): ExpressionProblem {
  const message = `\`${excerpt}\` has a value only in a task with \`${word}\``;
  return {excerpt, message, hint: `add \`${word}\`, or remove the expression`};
}

function stepsOf(body: string, from: number): readonly string[] | null {
  const steps: string[] = [];
  for (let index = from; index < body.length; index = STEP.lastIndex) {
    STEP.lastIndex = index;
    const match = STEP.exec(body);
    if (!match) return null;
    steps.push(match[1] ?? match[2] ?? match[3] ?? match[4] ?? '');
  }
  return steps;
}

function hintFor(head: string, steps: readonly string[] | null): string {
  const name = steps?.[0];
  if (steps === null && ['item', 'matrix', 'tasks', 'inputs'].includes(head)) {
    return `a reference is a name and steps into it, such as \`${head}.name\`, \`${head}['any name']\` or \`${head}[0]\``;
  }
  if (head === 'env' && name !== undefined) return `in a script write "$${name}"`;
  if (head === 'secrets') return 'set an environment variable before `godel`; tasks get it as "$NAME"';
  if (head === 'input') return `write \`inputs${name === undefined ? '' : `.${name}`}\``;
  if (head === 'needs' || head === 'steps') {
    return `outputs of needed tasks are files: read "$GODEL_INPUTS/${name ?? 'ID'}.json"`;
  }
  if (head === 'success' || head === 'failure' || head === 'always') return 'conditions stand in `if`';
  if (head === 'key') return 'the whole id of an instance is in "$GODEL_TASK_ID"';
  return 'there are `item`, `item.field`, `matrix.name`, `inputs.name` and, in `foreach`, `tasks.ID.output`; in a script use environment variables';
}
