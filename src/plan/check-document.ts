import type {z} from 'zod';
import type {Plan} from '../model/plan.ts';
import type {TaskSpec} from '../model/task.ts';
import {listOf} from './agent-groups.ts';
import {findExpressions} from './expressions.ts';
import {type GivenInputs, inputValues, inputVariable} from './inputs.ts';
import {notJson} from './json-value.ts';
import {checkChoice} from './model-choice.ts';
import {planFacts} from './plan-facts.ts';
import {ProblemList, placeName} from './problem.ts';
import {type TaskReferences, checkReferences} from './references.ts';
import {schemaProblems, shown} from './schema-problems.ts';
import {type DefaultsDocument, ID_TEXT, MAX_TASKS, inputsSchema, isTaskId, planSchema, taskSchema} from './schema.ts';
import {TaskCompiler} from './task-compiler.ts';
import {TextCompiler} from './text-compiler.ts';
import {warnAbout} from './warnings.ts';

/** A plan document after all checks. `plan` is null when there is an error. */
export interface CheckedDocument {
  readonly plan: Plan | null;
  readonly inputs: ReadonlyMap<string, string>;
  readonly envFiles: readonly string[];
  readonly problems: ProblemList;
}

/**
 * Checks a whole document and reports as much as can be known at once: a task that is wrong in itself does not hide what
 * is wrong with others. Without `given` inputs the plan is only looked at.
 */
export function checkDocument(document: unknown, given?: GivenInputs): CheckedDocument {
  const problems = new ProblemList();
  const unfit = notJson(document);
  if (unfit) {
    problems.error({path: unfit.path, at: 'value', message: `${placeName(unfit.path)} ${unfit.what}`});
    return {plan: null, inputs: new Map(), envFiles: [], problems};
  }
  const top = checkTop(document, {given, problems});
  const {specs, references} = checkTasks(top, problems);
  checkReferences(references, problems);
  const facts = planFacts(top.rest, {inputs: top.inputs, report: problem => problems.error(problem)});
  warnAbout(specs, {agents: facts.agents, problems});
  const plan = problems.errors.length > 0 ? null : {name: top.rest.name ?? null, env: top.env, tasks: specs, ...facts};
  const envFiles = listOf(top.rest['env-file']);
  return {plan, inputs: top.inputs ?? new Map<string, string>(), envFiles, problems};
}

interface Top {
  readonly rest: Partial<z.infer<typeof topSchema>>;
  readonly inputs: ReadonlyMap<string, string> | null;
  readonly env: Readonly<Record<string, string>>;
  readonly defaults: DefaultsDocument;
  readonly tasks: readonly (readonly [id: string, task: unknown])[];
}

/** The tasks are looked at one by one afterwards, so that a good one can be checked further beside a bad one. */
const topSchema = planSchema.omit({tasks: true});

function checkTop(document: unknown, {given, problems}: {given: GivenInputs | undefined; problems: ProblemList}): Top {
  const {tasks, ...others} = isMapping(document) ? document : {};
  const value = isMapping(document) ? others : document;
  const parsed = topSchema.safeParse(value);
  if (!parsed.success) for (const problem of schemaProblems(parsed.error, {value, path: []})) problems.error(problem);
  if (isMapping(document)) checkTaskMapping(tasks, problems);
  const rest: Top['rest'] = parsed.success ? parsed.data : {};
  const declared = inputsSchema.optional().safeParse(others['inputs']);
  const inputs = declared.success ? inputValues(declared.data ?? {}, given, problems) : null;
  const env = Object.entries(rest.env ?? {}).map(([key, text]) => {
    return [key, fixedText(String(text), {path: ['env', key], inputs, problems})] as const;
  });
  const {defaults = {}} = rest;
  const directory = defaults['working-directory'];
  const fixed =
    directory === undefined
      ? undefined
      : (fixedText(directory, {path: ['defaults', 'working-directory'], inputs, problems}) ?? undefined);
  checkChoice(defaults, {path: ['defaults'], report: problem => problems.error(problem)});
  const variables = [...(inputs ?? [])].map(([name, text]) => [inputVariable(name), text] as const);
  return {
    rest,
    inputs,
    env: Object.fromEntries([...env.map(([key, text]) => [key, text ?? ''] as const), ...variables]),
    defaults: {...defaults, 'working-directory': fixed},
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

/** A text that holds for all tasks, with its inputs filled in; null, with a report, when it has other expressions. */
function fixedText(
  text: string,
  {path, inputs, problems}: {path: readonly string[]; inputs: Top['inputs']; problems: ProblemList},
): string | null {
  if (!text.includes('${{')) return text;
  const places = findExpressions(text);
  const foreign = places.ok && places.value.find(({body}) => !/^inputs\b/.test(body));
  if (foreign) {
    const message = `${placeName(path)} holds for all tasks, so \`\${{ … }}\` has no value there`;
    const excerpt = text.slice(foreign.start, foreign.end);
    problems.error({path, at: 'value', excerpt, message, hint: 'write it in the task'});
    return null;
  }
  const compiler = new TextCompiler({path, scope: {inputs, item: 'none'}, report: problem => problems.error(problem)});
  const [fixed] = compiler.template([], text);
  return typeof fixed === 'string' ? fixed : null;
}

/** Every task of the document is in `references`, also one that is wrong: others may need it. */
function checkTasks(top: Top, problems: ProblemList): {specs: TaskSpec[]; references: TaskReferences[]} {
  const specs: TaskSpec[] = [];
  const references: TaskReferences[] = [];
  const compiler = new TaskCompiler(top, problems);
  for (const [id, raw] of top.tasks) {
    const path = ['tasks', id];
    const parsed = isTaskId(id) ? taskSchema.safeParse(raw) : null;
    if (parsed?.success !== true) {
      references.push({id, needs: legibleNeeds(raw), foreach: undefined, outputs: 'unknown'});
      if (!parsed) problems.error({path, at: 'key', message: `${JSON.stringify(id)} is not ${ID_TEXT}`});
      else for (const problem of schemaProblems(parsed.error, {value: raw, path})) problems.error(problem);
      continue;
    }
    const compiled = compiler.compile(id, parsed.data);
    references.push(compiled.references);
    specs.push(...compiled.specs);
  }
  return {specs, references};
}

/** What a task that is wrong in itself says it needs, as far as that can be read: a wrong name is worth saying too. */
function legibleNeeds(raw: unknown): readonly string[] {
  const needs = isMapping(raw) ? raw['needs'] : undefined;
  if (typeof needs === 'string') return [needs];
  return Array.isArray(needs) ? needs.filter(need => typeof need === 'string') : [];
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
