import type {JsonValue} from '../base/json.ts';
import type {Condition, ForeachSource, TaskSpec, Template} from '../model/task.ts';
import {parseTimeout} from './timeout.ts';
import {type ExpressionProblem, findExpressions, itemPath, parseExpression, parseTemplate} from './expressions.ts';
import {type DocumentPath, type Problem, placeName} from './problem.ts';
import type {DefaultsDocument, TaskDocument} from './schema.ts';
import {referToVariables} from './shell-quotes.ts';

const CONDITIONS = {
  'success()': 'success',
  'failure()': 'failure',
  'always()': 'always',
} as const satisfies Record<NonNullable<TaskDocument['if']>, Condition>;

interface SpecRequest {
  readonly id: string;
  readonly task: TaskDocument;
  readonly foreach: ForeachSource | undefined;
  readonly defaults: DefaultsDocument;
  readonly report: (problem: Problem) => void;
}

/**
 * The task as the engine knows it: defaults filled in, expressions compiled. Reports what is wrong within the task; null
 * when it has nothing to run. References to other tasks are checked by `references.ts`.
 */
export function taskSpec({id, task, foreach, defaults, report}: SpecRequest): TaskSpec | null {
  const path = ['tasks', id];
  checkKeys({task, path, report});
  if (task.run === undefined) return null;
  const scope = task.foreach === undefined ? 'single' : 'instance';
  const compiler = new TextCompiler({path, scope, report});
  const run = compiler.script('run', task.run);
  const verify = task.verify === undefined ? undefined : compiler.script('verify', task.verify);
  const env = Object.entries(task.env ?? {}).map(([name, value]) => {
    return [name, compiler.template(['env', name], String(value))] as const;
  });
  const key = task.key === undefined || scope === 'single' ? undefined : compiler.key(task.key);
  const directory = task['working-directory'] ?? defaults['working-directory'];
  const timeoutMs = timeoutOf(task.timeout ?? defaults.timeout);
  return {
    id,
    run,
    ...(verify === undefined ? {} : {verify}),
    expressions: compiler.expressions,
    needs: needsOf(task),
    ...(foreach === undefined ? {} : {foreach}),
    ...(key === undefined ? {} : {key}),
    condition: task.if === undefined ? 'success' : CONDITIONS[task.if],
    ...(task.outputs === undefined ? {} : {outputs: task.outputs}),
    ...(timeoutMs === undefined ? {} : {timeoutMs}),
    retries: task.retries ?? defaults.retries ?? 0,
    priority: task.priority ?? defaults.priority ?? 0,
    env: Object.fromEntries(env),
    ...(directory === undefined ? {} : {workingDirectory: compiler.template(['working-directory'], directory)}),
    continueOnError: task['continue-on-error'] ?? false,
    ...(task['max-parallel'] === undefined ? {} : {maxParallel: task['max-parallel']}),
  };
}

/** What a task needs, each once, in the order written. */
function needsOf(task: TaskDocument): readonly string[] {
  if (task.needs === undefined) return [];
  return typeof task.needs === 'string' ? [task.needs] : [...new Set(task.needs)];
}

function checkKeys({task, path, report}: {task: TaskDocument; path: DocumentPath; report: (problem: Problem) => void}) {
  const place = placeName(path);
  if (task.prompt !== undefined) {
    report({
      path: [...path, 'prompt'],
      at: 'key',
      message: `${place} has a \`prompt\`, and this version has no runtime for prompts`,
      hint: 'use `run` with a shell command',
    });
  } else if (task.run === undefined) {
    report({path, at: 'key', message: `${place} has nothing to run`, hint: 'add `run: <shell command>`'});
  }
  if (task.foreach !== undefined) return;
  for (const key of ['key', 'max-parallel'] as const) {
    if (task[key] === undefined) continue;
    report({
      path: [...path, key],
      at: 'key',
      message: `${place} has \`${key}\` but no \`foreach\``,
      hint: `add \`foreach\`, or remove \`${key}\``,
    });
  }
}

/** What a `foreach` goes over; undefined, with a report, when it cannot be read. */
export function foreachSource(
  foreach: string | readonly JsonValue[],
  {path, report}: {path: DocumentPath; report: (problem: Problem) => void},
): ForeachSource | undefined {
  if (typeof foreach !== 'string') return {from: 'list', items: foreach};
  const at = {path: [...path, 'foreach'], at: 'value'} as const;
  const hint = 'write `${{ tasks.ID.output }}` with the id of a needed task, or a list';
  const places = findExpressions(foreach);
  if (!places.ok) {
    report({...at, ...places.failure});
    return undefined;
  }
  const [place, ...more] = places.value;
  const around = place && `${foreach.slice(0, place.start)}${foreach.slice(place.end)}`.trim();
  if (!place || more.length > 0 || around !== '') {
    const bare = /^\s*tasks\b/.test(foreach) ? `write \`\${{ ${foreach.trim()} }}\`` : hint;
    report({...at, message: `${placeName(at.path)} must be one expression and nothing else`, hint: bare});
    return undefined;
  }
  const expression = parseExpression(place.body);
  if (!expression.ok || expression.value.kind !== 'output') {
    report({...at, message: `${placeName(at.path)} must name the output of a task, not \`${place.body}\``, hint});
    return undefined;
  }
  return {from: 'output', task: expression.value.task, path: expression.value.path};
}

function timeoutOf(timeout: string | number | undefined): number | undefined {
  return timeout === undefined ? undefined : (parseTimeout(timeout) ?? undefined);
}

/** Compiles the texts of one task; gathers the variables that its scripts refer to. */
class TextCompiler {
  readonly expressions: Record<string, Template> = {};
  readonly #nameOf = new Map<string, string>();
  readonly #path: DocumentPath;
  readonly #scope: 'instance' | 'single';
  readonly #report: (problem: Problem) => void;

  constructor({path, scope, report}: {path: DocumentPath; scope: 'instance' | 'single'; report: (p: Problem) => void}) {
    this.#path = path;
    this.#scope = scope;
    this.#report = report;
  }

  template(keys: readonly string[], text: string): Template {
    if (!text.includes('${{')) return [text];
    const template = parseTemplate(text, this.#scope);
    if (template.ok) return template.value;
    this.#complain(keys, template.failure);
    return [];
  }

  key(text: string): Template {
    const template = this.template(['key'], text);
    if (template.every(part => typeof part === 'string') && template.length > 0) {
      const message = 'it is the same for every item';
      this.#complain(['key'], {excerpt: '', message, hint: 'use an expression such as `${{ item.id }}`'});
    }
    return template;
  }

  script(key: string, text: string): string {
    if (!text.includes('${{')) return text;
    const places = findExpressions(text);
    if (!places.ok) return this.#complain([key], places.failure);
    const names = new Map<number, string>();
    let wrong = false;
    for (const place of places.value) {
      const path = itemPath(text, {place, scope: this.#scope});
      if (path.ok) names.set(place.start, this.#variable(path.value));
      else {
        this.#complain([key], path.failure);
        wrong = true;
      }
    }
    if (wrong) return '';
    const script = referToVariables(text, {
      places: places.value,
      variableOf: place => names.get(place.start) ?? '',
    });
    return script.ok ? script.value : this.#complain([key], script.failure);
  }

  #variable(path: readonly string[]): string {
    const identity = JSON.stringify(path);
    const known = this.#nameOf.get(identity);
    if (known !== undefined) return known;
    const name = `GODEL_EXPR_${this.#nameOf.size + 1}`;
    this.#nameOf.set(identity, name);
    this.expressions[name] = [{item: path}];
    return name;
  }

  #complain(keys: readonly string[], {excerpt, message, hint}: ExpressionProblem): '' {
    const path = [...this.#path, ...keys];
    this.#report({
      path,
      at: 'value',
      excerpt,
      message: `${placeName(path)}: ${message}`,
      ...(hint === undefined ? {} : {hint}),
    });
    return '';
  }
}
