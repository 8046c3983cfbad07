import type {ForeachSource, TaskSpec} from '../model/task.ts';
import type {Scope} from './expressions.ts';
import {Matrices} from './matrix.ts';
import {type Problem, type ProblemList, placeName} from './problem.ts';
import type {TaskReferences} from './references.ts';
import {reviewTask, reviewerId} from './review.ts';
import {type DefaultsDocument, MAX_ID_BYTES, type TaskDocument, isTaskId} from './schema.ts';
import {isFanOut, reviewOf} from './task-agent.ts';
import {foreachSource, taskSpec} from './task-spec.ts';

/** What all tasks of a plan have in common. */
export interface PlanContext {
  readonly inputs: Scope['inputs'];
  readonly defaults: DefaultsDocument;
  readonly tasks: readonly (readonly [id: string, task: unknown])[];
}

/** What has become of one task: itself and perhaps its review, and what it says about others. */
interface CompiledTask {
  readonly specs: readonly TaskSpec[];
  readonly references: TaskReferences;
}

/** Makes the tasks of a plan of what its document says, one after the other. */
export class TaskCompiler {
  readonly #context: PlanContext;
  readonly #problems: ProblemList;
  readonly #matrices = new Matrices();
  #ids: ReadonlySet<string> | null = null;

  constructor(context: PlanContext, problems: ProblemList) {
    this.#context = context;
    this.#problems = problems;
  }

  compile(id: string, task: TaskDocument): CompiledTask {
    const {inputs, defaults} = this.#context;
    const {foreach, item} = this.#fanOut(id, task);
    const references = {id, needs: task.needs ?? [], foreach, outputs: task.outputs};
    const spec = taskSpec({id, task, foreach, scope: {inputs, item}, defaults, report: this.#report});
    if (!spec) return {specs: [], references};
    const review = isFanOut(task) ? null : reviewOf(task, defaults);
    if (!review) return {specs: [spec], references};
    this.#checkReviewerId(id);
    return {specs: [spec, reviewTask(spec, {review, inputs, report: this.#report})], references};
  }

  readonly #report = (problem: Problem): void => this.#problems.error(problem);

  #fanOut(id: string, task: TaskDocument): {foreach: ForeachSource | undefined; item: Scope['item']} {
    const path = ['tasks', id];
    if (task.matrix !== undefined && task.foreach === undefined) {
      const reporter = {path: [...path, 'matrix'], report: this.#report, warn: (p: Problem) => this.#problems.warn(p)};
      const made = this.#matrices.combinations(task.matrix, reporter);
      const names = [...Object.keys(task.matrix), ...(task.matrix.include ?? []).flatMap(Object.keys)];
      const foreach = made ? ({from: 'list', items: made.items, matrix: true} as const) : undefined;
      return {foreach, item: {matrix: made?.fields ?? new Set(names)}};
    }
    if (task.foreach === undefined) return {foreach: undefined, item: 'none'};
    return {foreach: foreachSource(task.foreach, {path, report: this.#report}), item: 'foreach'};
  }

  #checkReviewerId(id: string): void {
    this.#ids ??= new Set(this.#context.tasks.map(([known]) => known));
    const reviewer = reviewerId(id);
    const path = ['tasks', id, 'review'];
    if (this.#ids.has(reviewer)) {
      const message = `the review of task \`${id}\` would be the task \`${reviewer}\`, which there is already`;
      this.#report({path, at: 'key', message, hint: `rename the task \`${reviewer}\``});
    } else if (!isTaskId(reviewer)) {
      const message = `${placeName(path)} would be the task \`${reviewer}\`, whose id has more than ${MAX_ID_BYTES} bytes`;
      this.#report({path, at: 'key', message, hint: 'give the task a shorter id'});
    }
  }
}
