import type {Plan} from '../model/plan.ts';
import type {TaskSpec} from '../model/task.ts';
import {notJson} from './json-value.ts';
import {type Problem, ProblemList, placeName} from './problem.ts';
import {type TaskReferences, checkReferences} from './references.ts';
import {schemaProblems, shown} from './schema-problems.ts';
import {type DefaultsDocument, ID_TEXT, MAX_TASKS, isTaskId, planSchema, taskSchema} from './schema.ts';
import {foreachSource, taskSpec} from './task-spec.ts';

/** A plan document after all checks. `plan` is null when there is an error. */
export interface CheckedDocument {
  readonly plan: Plan | null;
  readonly problems: ProblemList;
}

/**
 * Checks a whole document and reports as much as can be known at once: a task that is wrong in itself does not hide what
 * is wrong with others.
 */
export function checkDocument(document: unknown): CheckedDocument {
  const problems = new ProblemList();
  const unfit = notJson(document);
  if (unfit) {
    problems.error({path: unfit.path, at: 'value', message: `${placeName(unfit.path)} ${unfit.what}`});
    return {plan: null, problems};
  }
  const top = checkTop(document, problems);
  const {specs, references} = checkTasks(top, problems);
  checkReferences(references, problems);
  warnAbout(specs, problems);
  return {plan: problems.errors.length > 0 ? null : {name: top.name, env: top.env, tasks: specs}, problems};
}

interface Top {
  readonly name: string | null;
  readonly env: Readonly<Record<string, string>>;
  readonly defaults: DefaultsDocument;
  readonly tasks: readonly (readonly [id: string, task: unknown])[];
}

/** The tasks are looked at one by one afterwards, so that a good one can be checked further beside a bad one. */
const topSchema = planSchema.omit({tasks: true});

function checkTop(document: unknown, problems: ProblemList): Top {
  const {tasks, ...rest} = isMapping(document) ? document : {};
  const value = isMapping(document) ? rest : document;
  const parsed = topSchema.safeParse(value);
  if (!parsed.success) for (const problem of schemaProblems(parsed.error, {value, path: []})) problems.error(problem);
  if (isMapping(document)) checkTaskMapping(tasks, problems);
  const {name = null, env = {}, defaults = {}} = parsed.success ? parsed.data : {};
  const envTexts = Object.entries(env).map(([key, text]) => [key, String(text)] as const);
  for (const [key, text] of envTexts) if (text.includes('${{')) noExpressions(['env', key], problems);
  const directory = defaults['working-directory'];
  const fixed = directory?.includes('${{') !== true;
  if (!fixed) noExpressions(['defaults', 'working-directory'], problems);
  return {
    name,
    env: Object.fromEntries(envTexts),
    // The problem is said once, and not again for every task that would inherit it.
    defaults: fixed ? defaults : {...defaults, 'working-directory': undefined},
    tasks: isMapping(tasks) ? Object.entries(tasks).slice(0, MAX_TASKS) : [],
  };
}

function checkTaskMapping(tasks: unknown, problems: ProblemList): void {
  const place = {path: ['tasks'], at: 'value'} as const;
  const hint = 'add a task, for example `tasks: {hello: {run: echo hello}}`';
  if (tasks === undefined) return problems.error({path: [], at: 'value', message: '`tasks` is missing', hint});
  if (!isMapping(tasks)) {
    const message = `\`tasks\` must be a mapping from task ids to tasks, not ${shown(tasks)}`;
    return problems.error({...place, message, hint: 'write `id: {run: …}` for each task'});
  }
  const count = Object.keys(tasks).length;
  if (count === 0) problems.error({...place, message: 'the plan has no tasks', hint});
  if (count > MAX_TASKS) problems.error({...place, message: `the plan has ${count} tasks; at most ${MAX_TASKS} fit`});
}

function noExpressions(path: readonly string[], problems: ProblemList): void {
  problems.error({
    path,
    at: 'value',
    excerpt: '${{',
    message: `${placeName(path)} holds for all tasks, so \`\${{ … }}\` has no value there`,
    hint: 'write it in the task',
  });
}

/** Every task of the document is in `references`, also one that is wrong: others may need it. */
function checkTasks(top: Top, problems: ProblemList): {specs: TaskSpec[]; references: TaskReferences[]} {
  const specs: TaskSpec[] = [];
  const references: TaskReferences[] = [];
  for (const [id, raw] of top.tasks) {
    const path = ['tasks', id];
    const parsed = isTaskId(id) ? taskSchema.safeParse(raw) : null;
    if (parsed?.success !== true) {
      references.push({id, needs: legibleNeeds(raw), foreach: undefined, outputs: 'unknown'});
      if (!parsed) problems.error({path, at: 'key', message: `${JSON.stringify(id)} is not ${ID_TEXT}`});
      else for (const problem of schemaProblems(parsed.error, {value: raw, path})) problems.error(problem);
      continue;
    }
    const task = parsed.data;
    const foreach = task.foreach === undefined ? undefined : foreachSource(task.foreach, {path, report});
    references.push({id, needs: task.needs ?? [], foreach, outputs: task.outputs});
    const spec = taskSpec({id, task, foreach, defaults: top.defaults, report});
    if (spec) specs.push(spec);
  }
  return {specs, references};

  function report(problem: Problem): void {
    problems.error(problem);
  }
}

/** What a task that is wrong in itself says it needs, as far as that can be read: a wrong name is worth saying too. */
function legibleNeeds(raw: unknown): readonly string[] {
  const needs = isMapping(raw) ? raw['needs'] : undefined;
  if (typeof needs === 'string') return [needs];
  return Array.isArray(needs) ? needs.filter(need => typeof need === 'string') : [];
}

function warnAbout(specs: readonly TaskSpec[], problems: ProblemList): void {
  for (const spec of specs) {
    if (spec.condition !== 'failure' || spec.needs.length > 0) continue;
    problems.warn({
      path: ['tasks', spec.id, 'if'],
      at: 'value',
      message: `task \`${spec.id}\` has \`if: failure()\` and needs nothing, so it will never run`,
      hint: 'add the tasks whose failure it waits for to `needs`',
    });
  }
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
