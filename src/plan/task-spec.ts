import type {JsonValue} from '../base/json.ts';
import type {Condition, ForeachSource, TaskSpec, Template} from '../model/task.ts';
import {listOf} from './agent-groups.ts';
import {checkKeys} from './check-keys.ts';
import {type Scope, findExpressions, parseExpression} from './expressions.ts';
import {assumedOf, limitsOf} from './limits.ts';
import {type DocumentPath, type Problem, placeName} from './problem.ts';
import type {DefaultsDocument, TaskDocument} from './schema.ts';
import {agentFacts} from './task-agent.ts';
import {TextCompiler} from './text-compiler.ts';
import {parseTimeout} from './timeout.ts';

const CONDITIONS = {
  'success()': 'success',
  'failure()': 'failure',
  'always()': 'always',
} as const satisfies Record<NonNullable<TaskDocument['if']>, Condition>;

/** An agent that is told what was wrong does better the second time. */
const PROMPT_RETRIES = 2;

interface SpecRequest {
  readonly id: string;
  readonly task: TaskDocument;
  readonly foreach: ForeachSource | undefined;
  readonly scope: Scope;
  readonly defaults: DefaultsDocument;
  readonly report: (problem: Problem) => void;
}

/**
 * The task as the engine knows it: defaults filled in, expressions compiled. Reports what is wrong within the task; null
 * when it has nothing to do. References to other tasks are checked by `references.ts`.
 */
export function taskSpec({id, task, foreach, scope, defaults, report}: SpecRequest): TaskSpec | null {
  const path = ['tasks', id];
  checkKeys({task, defaults, path, report});
  const compiler = new TextCompiler({path, scope, report});
  const work = workOf(task, compiler);
  if (work === null) return null;
  const verify = task.verify === undefined ? undefined : compiler.script('verify', task.verify);
  const env = Object.entries(task.env ?? {}).map(([name, value]) => {
    return [name, compiler.template(['env', name], String(value))] as const;
  });
  const key = task.key === undefined || scope.item === 'none' ? undefined : compiler.key(task.key);
  const directory = task['working-directory'] ?? defaults['working-directory'];
  const limits = limitsOf(task, defaults);
  const timeoutMs = timeoutOf(task.timeout ?? defaults.timeout);
  const assumed = assumedOf(task, {limits, timeoutMs});
  return {
    id,
    ...work,
    ...(verify === undefined ? {} : {verify}),
    expressions: compiler.expressions,
    needs: listOf(task.needs),
    ...(foreach === undefined ? {} : {foreach}),
    ...(key === undefined ? {} : {key}),
    ...(task.affinity === undefined ? {} : {affinity: compiler.template(['affinity'], task.affinity)}),
    condition: task.if === undefined ? 'success' : CONDITIONS[task.if],
    ...(task.outputs === undefined ? {} : {outputs: task.outputs}),
    ...(timeoutMs === undefined ? {} : {timeoutMs}),
    ...(limits === undefined ? {} : {limits}),
    ...(assumed === undefined ? {} : {assumed}),
    retries: task.retries ?? defaults.retries ?? (task.prompt === undefined ? 0 : PROMPT_RETRIES),
    priority: task.priority ?? defaults.priority ?? 0,
    env: Object.fromEntries(env),
    ...(directory === undefined ? {} : {workingDirectory: compiler.template(['working-directory'], directory)}),
    continueOnError: task['continue-on-error'] ?? false,
    ...(task['max-parallel'] === undefined ? {} : {maxParallel: task['max-parallel']}),
    ...agentFacts(task, {defaults, compiler}),
  };
}

function workOf(
  {run, prompt}: TaskDocument,
  compiler: TextCompiler,
): {readonly run: string} | {readonly prompt: Template} | null {
  if (run !== undefined) return {run: compiler.script('run', run)};
  return prompt === undefined ? null : {prompt: compiler.template(['prompt'], prompt)};
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
