import {type Result, fail, ok} from '../base/result.ts';
import type {Template} from '../model/task.ts';

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

export type Expression =
  | {readonly kind: 'item'; readonly path: readonly string[]}
  | {readonly kind: 'output'; readonly task: string; readonly path: readonly string[]};

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
  if (head === 'item' && steps) return ok({kind: 'item', path: steps});
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
 * A text with `${{ item… }}` as a template. Only values of the item can stand in it; everything else is a problem that
 * says what to use instead.
 */
export function parseTemplate(text: string, scope: 'instance' | 'single'): Result<Template, ExpressionProblem> {
  const places = findExpressions(text);
  if (!places.ok) return places;
  const template: (string | {readonly item: readonly string[]})[] = [];
  let done = 0;
  for (const place of places.value) {
    const path = itemPath(text, {place, scope});
    if (!path.ok) return path;
    if (place.start > done) template.push(text.slice(done, place.start));
    template.push({item: path.value});
    done = place.end;
  }
  if (done < text.length) template.push(text.slice(done));
  return ok(template);
}

/** The path into the item that the expression at `place` means; `single` is a task without `foreach`. */
export function itemPath(
  text: string,
  {place, scope}: {place: ExpressionPlace; scope: 'instance' | 'single'},
): Result<readonly string[], ExpressionProblem> {
  const excerpt = text.slice(place.start, place.end);
  const expression = parseExpression(place.body);
  if (!expression.ok) return fail({excerpt, ...expression.failure});
  if (expression.value.kind === 'output') {
    return fail({
      excerpt,
      message: `\`${excerpt}\` can stand only in \`foreach\``,
      hint: `add \`${expression.value.task}\` to \`needs\` and read the file "$GODEL_INPUTS/${expression.value.task}.json"`,
    });
  }
  if (scope === 'single') {
    return fail({
      excerpt,
      message: `\`${excerpt}\` has a value only in a task with \`foreach\``,
      hint: 'add `foreach`, or remove the expression',
    });
  }
  return ok(expression.value.path);
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
  if (steps === null && (head === 'item' || head === 'tasks')) {
    return `a reference is a name and steps into it, such as \`${head}.name\`, \`${head}['any name']\` or \`${head}[0]\``;
  }
  if (head === 'env' && name !== undefined) return `in a script write "$${name}"`;
  if (head === 'secrets') return 'set an environment variable before `godel`; tasks get it as "$NAME"';
  if (head === 'matrix') return `use \`foreach\`, and \`\${{ item${name === undefined ? '' : `.${name}`} }}\``;
  if (head === 'needs' || head === 'steps') {
    return `outputs of needed tasks are files: read "$GODEL_INPUTS/${name ?? 'ID'}.json"`;
  }
  if (head === 'success' || head === 'failure' || head === 'always') return 'conditions stand in `if`';
  if (head === 'key') return 'the whole id of an instance is in "$GODEL_TASK_ID"';
  return 'there are `item`, `item.field` and, in `foreach`, `tasks.ID.output`; in a script use environment variables';
}
